// What happened to an incident: what runs found, what people said, what was sent.
import type { Schemas } from "../../api/client";
import { formatInstant, shortDay } from "../../shared/days";

type Entry = Schemas["TimelineEntry"];

const PEOPLE = new Set(["acknowledged", "muted", "unmuted", "assigned", "commented", "judged", "reopened", "undone", "resolved"]);

function when(entry: Entry): string {
  return entry.key ? shortDay(entry.key) : formatInstant(entry.at);
}

export function Timeline({ entries }: { entries: readonly Entry[] }) {
  return (
    <section className="l-panel" aria-label="Timeline">
      <h2>Timeline</h2>
      <ol className="l-timeline">
        {[...entries].reverse().map((entry, index) => (
          <li key={index} className={entry.by && PEOPLE.has(entry.kind) ? "l-by-person" : undefined}>
            <time title={entry.at ? formatInstant(entry.at) : undefined}>{when(entry)}</time>
            <span>
              <strong>{entry.kind.replaceAll("_", " ")}</strong>
              {entry.by && ` by ${entry.by}`}
              {entry.text && <span className="l-muted l-pre"> {entry.text}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
