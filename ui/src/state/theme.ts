// Colours for canvas, read from the stylesheet and read again whenever Airflow changes between light and dark, and for printing.
import { useSyncExternalStore } from "react";

export interface Theme {
  dark: boolean;
  text: string;
  muted: string;
  grid: string;
  surface: string;
  line: string;
  band: string;
  anomaly: string;
  warn: string;
  event: string;
  overlays: string[];
}

let current: Theme | null = null;
const listeners = new Set<() => void>();

function read(): Theme {
  const root = document.querySelector(".lupus") ?? document.documentElement;
  const style = getComputedStyle(root);
  const colour = (name: string) => style.getPropertyValue(`--l-${name}`).trim();
  return {
    dark: document.documentElement.classList.contains("dark"),
    text: colour("text"),
    muted: colour("muted"),
    grid: colour("grid"),
    surface: colour("panel"),
    line: colour("line"),
    band: colour("band"),
    anomaly: colour("anomaly"),
    warn: colour("warn"),
    event: colour("event"),
    overlays: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => colour(`overlay-${number}`)),
  };
}

function readAgain(): void {
  current = null;
  for (const tell of listeners) tell();
}

new MutationObserver(readAgain).observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme", "style"] });
matchMedia("print").addEventListener("change", readAgain); // paper is light

/** The colours of now. Before the first screen is in the page they would be empty, so those are not kept. */
export function theme(): Theme {
  if (current?.line) return current;
  current = read();
  return current;
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

/** The colours, and a new rendering when they change. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme);
}
