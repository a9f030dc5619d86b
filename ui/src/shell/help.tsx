// The keys of the screen that is shown, in a dialog.
import { useEffect, useRef } from "react";
import type { Key } from "../state/keys";

const ALWAYS: [string, string][] = [
  ["Tab", "move between controls"],
  ["← →", "on a chart: move from day to day"],
  ["Esc", "close, or leave the search box"],
];

export function Help({ keys, onClose }: { keys: readonly Key[]; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="l-dialog" aria-labelledby="lupus-help" onClose={onClose} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <h2 id="lupus-help">Keys on this screen</h2>
      <dl className="l-keys">
        {keys.map((one) => (
          <div key={one.key}>
            <dt>
              <kbd>{one.key}</kbd>
            </dt>
            <dd>{one.label}</dd>
          </div>
        ))}
        {ALWAYS.map(([key, label]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button className="l-button">Close</button>
      </form>
    </dialog>
  );
}
