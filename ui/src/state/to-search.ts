// From any screen to the search of the explorer: what is typed next goes into its box.
import { useNavigate } from "react-router-dom";
import type { Key } from "./keys";
import { paths } from "./paths";

let wanted = false;

/** The key that leads to the search, which begins with `q`. */
export function useSearchKey(label = "search all series", q?: string): Key {
  const navigate = useNavigate();
  const run = () => {
    wanted = true;
    navigate(paths.explore({ q }));
  };
  return { key: "/", label, run };
}

/** Gives the focus to the box that a key has led to, once. */
export function focusIfWanted(box: HTMLElement | null): void {
  if (wanted && box) {
    wanted = false;
    box.focus();
  }
}
