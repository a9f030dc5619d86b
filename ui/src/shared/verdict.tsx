// A verdict is a shape and a colour: ● ok ▲ warn ◆ anomaly ◌ no data ✕ error ◐ immature.
import type { ReactElement } from "react";

export const STATUSES = ["ok", "warn", "anomaly", "no_data", "error", "immature"] as const;
export type Status = (typeof STATUSES)[number];

export const LABELS: Record<Status, string> = {
  ok: "ok",
  warn: "warning",
  anomaly: "anomaly",
  no_data: "no data",
  error: "error",
  immature: "labels still arriving",
};

const SHAPES: Record<Status, ReactElement> = {
  ok: <circle cx="8" cy="8" r="4" fill="currentColor" />,
  warn: <path d="M8 2.5 14.5 14h-13z" fill="currentColor" />,
  anomaly: <path d="M8 1 15 8l-7 7-7-7z" fill="currentColor" />,
  no_data: <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="2.6 2.6" />,
  error: <path d="M3 3l10 10M13 3 3 13" stroke="currentColor" strokeWidth="3" strokeLinecap="round" />,
  immature: (
    <>
      <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M8 3a5 5 0 0 1 0 10z" fill="currentColor" />
    </>
  ),
};

/** Whether `text` is a status that this version knows. */
export function asStatus(text: string | null | undefined): Status {
  return STATUSES.includes(text as Status) ? (text as Status) : "no_data";
}

/** The mark alone, with its word for those who do not see it. */
export function Mark({ status, size = 14, label }: { status: Status; size?: number; label?: string }) {
  return (
    <svg className={`l-mark l-${status}`} viewBox="0 0 16 16" width={size} height={size} role="img" aria-label={label ?? LABELS[status]}>
      {SHAPES[status]}
    </svg>
  );
}

/** The mark beside its word, as a chip. */
export function Badge({ status, children }: { status: Status; children?: string }) {
  return (
    <span className={`l-badge l-${status}`}>
      <svg className="l-mark" viewBox="0 0 16 16" width={11} height={11} aria-hidden="true">
        {SHAPES[status]}
      </svg>
      {children ?? LABELS[status]}
    </span>
  );
}
