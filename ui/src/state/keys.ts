// Keys that work anywhere on a screen. What is registered is also what the help (`?`) lists.
import { useEffect, useRef } from "react";

export interface Key {
  /** As it is shown and as `KeyboardEvent.key` names it. */
  key: string;
  label: string;
  run: (event: KeyboardEvent) => void;
}

const active = new Set<{ current: readonly Key[] }>();
const TYPING = new Set(["INPUT", "TEXTAREA", "SELECT"]);

/** The keys that work now, the innermost screen's first. */
export function activeKeys(): Key[] {
  const seen = new Map<string, Key>();
  for (const group of [...active].reverse()) {
    for (const one of group.current) if (!seen.has(one.key)) seen.set(one.key, one);
  }
  return [...seen.values()];
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (TYPING.has(target.tagName) || target.isContentEditable);
}

function listen(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  // Enter and space belong to the button or link that has the focus.
  const held = event.target instanceof HTMLElement && ["BUTTON", "A", "SUMMARY"].includes(event.target.tagName);
  if (held && (event.key === "Enter" || event.key === " ")) return;
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  const found = activeKeys().find((one) => one.key === event.key);
  if (found) {
    event.preventDefault();
    found.run(event);
  }
}

/** Makes `keys` work as long as the component is shown. */
export function useKeys(keys: readonly Key[]): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    if (active.size === 0) window.addEventListener("keydown", listen);
    active.add(latest);
    return () => {
      active.delete(latest);
      if (active.size === 0) window.removeEventListener("keydown", listen);
    };
  }, []);
}
