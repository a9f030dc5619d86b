// A strip of days: a cell's height says what its colour says, so that neither is needed alone.
import { memo } from "react";
import { formatDay } from "./days";
import { LABELS, type Status } from "./verdict";

const HEIGHTS: Record<Status, number> = { ok: 0.34, immature: 0.34, warn: 0.66, anomaly: 1, error: 1, no_data: 1 };

interface Props {
  days: readonly string[];
  statuses: readonly (Status | null)[];
  width?: number;
  height?: number;
  label: string;
}

/** The worst verdict of each day, oldest first. */
export const Strip = memo(function Strip({ days, statuses, width = 240, height = 22, label }: Props) {
  const cell = width / Math.max(1, days.length);
  return (
    <svg className="l-strip" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {days.map((day, index) => {
        const status = statuses[index] ?? null;
        const tall = (status ? HEIGHTS[status] : 0.08) * (height - 2);
        return (
          <rect
            key={day}
            className={`l-cell l-${status ?? "none"}`}
            x={index * cell + 0.5}
            y={height - 1 - tall}
            width={Math.max(1, cell - 1)}
            height={Math.max(1.5, tall)}
            rx="1"
          >
            <title>{`${formatDay(day)}: ${status ? LABELS[status] : "not run"}`}</title>
          </rect>
        );
      })}
    </svg>
  );
});
