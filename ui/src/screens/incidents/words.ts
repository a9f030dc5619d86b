// The words for what an incident is, and for what people say of it.
import type { Summary, Outcome } from "./queries";

export const OUTCOMES: readonly { outcome: Outcome; label: string; effect: string }[] = [
  { outcome: "fixed", label: "Fixed", effect: "A real fault. Its days are taken out of the baseline; what follows is judged normally." },
  { outcome: "expected", label: "Expected, one-off", effect: "Nothing was wrong. Its days are taken out of the baseline." },
  { outcome: "new_normal", label: "Expected, new normal", effect: "From now on it is like this. The baseline restarts at its first day, and the band relearns." },
  { outcome: "false_alarm", label: "False alarm", effect: "Its days stay in the baseline; it counts against the rule." },
];

export function outcomeLabel(outcome: string | null): string {
  return OUTCOMES.find((one) => one.outcome === outcome)?.label ?? "";
}

/** The state in words, with what belongs to it. */
export function stateText(incident: Summary): string {
  if (incident.state === "muted") return incident.muted_until ? `muted until ${incident.muted_until}` : "muted until the score doubles";
  if (incident.state === "resolved" && incident.outcome) return `resolved as ${outcomeLabel(incident.outcome).toLowerCase()}`;
  return incident.state;
}

const STATE_ORDER = ["open", "acknowledged", "muted", "resolved"];

/** The class of a state's dot. */
export function stateClass(state: string): string {
  return STATE_ORDER.includes(state) ? `l-state l-state-${state}` : "l-state";
}
