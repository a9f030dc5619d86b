// One line at the bottom that says what was done, and takes it back. Instead of "are you sure?".
import { useEffect, useSyncExternalStore } from "react";

interface Toast {
  id: number;
  text: string;
  undo?: () => void;
  failed?: boolean;
}

let current: Toast | null = null;
let count = 0;
const listeners = new Set<() => void>();

function change(next: Toast | null): void {
  current = next;
  for (const tell of listeners) tell();
}

/** Says `text`; with `undo` it can be taken back for ten seconds. */
export function say(text: string, undo?: () => void): void {
  change({ id: ++count, text, undo });
}

/** Says that something did not work. */
export function complain(text: string): void {
  change({ id: ++count, text, failed: true });
}

/** Takes the last thing back, if it can be. */
export function undoLast(): void {
  const undo = current?.undo;
  change(null);
  undo?.();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export function Toasts() {
  const toast = useSyncExternalStore(subscribe, () => current);
  useEffect(() => {
    if (!toast) return undefined;
    const timer = setTimeout(() => change(null), toast.undo ? 10_000 : 5_000);
    return () => clearTimeout(timer);
  }, [toast]);
  return (
    <div className="l-toasts" role="status" aria-live="polite">
      {toast && (
        <div className={toast.failed ? "l-toast l-toast-failed" : "l-toast"}>
          <span>{toast.text}</span>
          {toast.undo && (
            <button type="button" className="l-button" onClick={undoLast}>
              Undo <kbd>z</kbd>
            </button>
          )}
        </div>
      )}
    </div>
  );
}
