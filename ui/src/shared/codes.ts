// Statuses and severities travel as numbers; here they get their words back.
import { STATUSES, type Status } from "./verdict";

export const SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The status of a code; null for -1, "was not judged". */
export function statusOf(code: number): Status | null {
  return STATUSES[code] ?? null;
}

export function severityOf(code: number): Severity | null {
  return SEVERITIES[code] ?? null;
}

/** Whether a status belongs into an incident. */
export function isFinding(status: Status | null): boolean {
  return status === "anomaly" || status === "no_data" || status === "error";
}

/** Statuses from worst to best. */
export const WORST_FIRST: readonly Status[] = ["error", "anomaly", "no_data", "warn", "immature", "ok"];
