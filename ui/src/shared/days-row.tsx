// One row of a matrix: a cell per day, opened by a click, or with arrow keys and Enter.
import { type KeyboardEvent, type MouseEvent, memo, useId, useState } from "react";
import { formatDay } from "./days";
import { counted } from "./units";
import { LABELS, type Status } from "./verdict";

const HEIGHTS: Record<Status, number> = { ok: 0.34, immature: 0.34, warn: 0.66, anomaly: 1, error: 1, no_data: 1 };
const TALL = 20;
const CELL = 10;

interface Props {
  name: string;
  days: readonly string[];
  statuses: readonly (Status | null)[];
  findings: readonly number[];
  /** How many series wait for labels; such cells are hatched. */
  immature?: readonly number[];
  onOpen: (day: string) => void;
}

export const DaysRow = memo(function DaysRow({ name, days, statuses, findings, immature, onOpen }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const hatch = useId();
  const last = days.length - 1;
  const sentence = (index: number) => {
    const status = statuses[index] ?? null;
    const found = findings[index] ?? 0;
    const waiting = immature?.[index] ?? 0;
    return [
      `${formatDay(days[index] ?? "")}: ${status ? LABELS[status] : "not run"}`,
      found > 0 && counted(found, "finding"),
      waiting > 0 && `${counted(waiting, "series", "series")} waiting for labels`,
    ]
      .filter(Boolean)
      .join(", ");
  };
  const press = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((before) => Math.max(0, Math.min(last, (before ?? last + (Math.abs(step) > 1 ? 0 : 1)) + step)));
    } else if (event.key === "Enter" && at !== null) {
      event.preventDefault();
      event.stopPropagation();
      onOpen(days[at]!);
    }
  };
  const click = (event: MouseEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * days.length);
    if (days[index]) onOpen(days[index]);
  };
  const shown = at ?? last;
  if (days.length === 0) return null;
  return (
    <div
      className="l-days"
      role="slider"
      tabIndex={0}
      aria-label={`${name}: day`}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={shown}
      aria-valuetext={sentence(shown)}
      onKeyDown={press}
      onClick={click}
      onBlur={() => setAt(null)}
    >
      <svg viewBox={`0 0 ${days.length * CELL} ${TALL}`} height={TALL} preserveAspectRatio="none" aria-hidden="true">
        <pattern id={hatch} width="3" height="3" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="1.2" height="3" fill="var(--l-panel)" />
        </pattern>
        {days.map((day, index) => {
          const status = statuses[index] ?? null;
          const tall = Math.max(2, (status ? HEIGHTS[status] : 0.08) * (TALL - 2));
          const box = { x: index * CELL + 0.5, y: TALL - 1 - tall, width: CELL - 1, height: tall };
          return (
            <g key={day}>
              <rect x={index * CELL} y={0} width={CELL} height={TALL} fill="transparent">
                <title>{sentence(index)}</title>
              </rect>
              <rect {...box} className={`l-cell l-${status ?? "none"}`} pointerEvents="none" />
              {(immature?.[index] ?? 0) > 0 && <rect {...box} fill={`url(#${hatch})`} pointerEvents="none" />}
            </g>
          );
        })}
        {at !== null && <rect className="l-cursor" x={at * CELL + 0.5} y={0.75} width={CELL - 1} height={TALL - 1.5} vectorEffect="non-scaling-stroke" />}
      </svg>
    </div>
  );
});
