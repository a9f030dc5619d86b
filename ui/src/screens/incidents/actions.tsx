// What can be done with an incident: as buttons and as keys, the same in the inbox and on its own page.
import { type ReactNode, useState } from "react";
import type { Key } from "../../state/keys";
import { useKeys } from "../../state/keys";
import { Needs } from "../../shared/needs";
import { useParam } from "../../state/params";
import { AcknowledgeDialog, AssignDialog, CommentDialog, MuteDialog, OutcomeDialog, RetrainDialog } from "./dialogs";
import { act, type Outcome, type Summary } from "./queries";

type Asked =
  | { kind: "acknowledge" | "mute" | "assign" | "comment" }
  | { kind: "outcome"; first: Outcome | null }
  | { kind: "retrain"; answer: "approve" | "refuse" };

/** What a link in a message asks for (`?do=`). It only opens the dialog: following a link changes nothing. */
const LINKED: Record<string, Asked> = {
  acknowledge: { kind: "acknowledge" },
  mute: { kind: "mute" },
  expected: { kind: "outcome", first: "expected" },
  false_alarm: { kind: "outcome", first: "false_alarm" },
  retrain: { kind: "retrain", answer: "approve" },
  approve: { kind: "retrain", answer: "approve" },
  refuse: { kind: "retrain", answer: "refuse" },
};

interface Action {
  key: string;
  label: string;
  primary?: boolean;
  run: () => void;
}

/** The actions that fit the incident's state; `dialog` is to be rendered. */
export function useActions(incident: Summary | undefined): { actions: Action[]; dialog: ReactNode } {
  const [opened, ask] = useState<Asked | null>(null);
  const [linked, setLinked] = useParam("do");
  const asked = opened ?? (incident?.may_edit ? (LINKED[linked] ?? null) : null);
  const actions: Action[] = [];
  if (incident?.may_edit) {
    const resolved = incident.state === "resolved";
    if (incident.state === "open") {
      actions.push({ key: "e", label: "Acknowledge", primary: true, run: () => void act(incident, { action: "acknowledge" }, "Acknowledged: no repeats while it is open") });
    }
    if (incident.state === "muted") {
      actions.push({ key: "m", label: "Unmute", run: () => void act(incident, { action: "unmute" }, "Unmuted") });
    } else if (!resolved) {
      actions.push({ key: "m", label: "Mute", run: () => ask({ kind: "mute" }) });
    }
    actions.push({ key: "a", label: "Assign", run: () => ask({ kind: "assign" }) });
    actions.push({ key: "t", label: "Comment", run: () => ask({ kind: "comment" }) });
    actions.push({ key: "n", label: "Retrain", run: () => ask({ kind: "retrain", answer: "approve" }) });
    if (resolved) {
      actions.push({ key: "o", label: "Reopen", run: () => void act(incident, { action: "reopen" }, "Reopened") });
      if (!incident.outcome) actions.push({ key: "r", label: "Say what it was", run: () => ask({ kind: "outcome", first: null }) });
    } else {
      actions.push({ key: "x", label: "Expected", run: () => ask({ kind: "outcome", first: "expected" }) });
      actions.push({ key: "f", label: "False alarm", run: () => ask({ kind: "outcome", first: "false_alarm" }) });
      actions.push({ key: "r", label: "Resolve", run: () => ask({ kind: "outcome", first: null }) });
    }
  }
  const keys: Key[] = actions.map(({ key, label, run }) => ({ key, label: label.toLowerCase(), run }));
  useKeys(keys);
  const close = () => {
    ask(null);
    if (linked) setLinked("", true);
  };
  let dialog: ReactNode = null;
  if (incident && asked) {
    if (asked.kind === "acknowledge") dialog = <AcknowledgeDialog incident={incident} onClose={close} />;
    else if (asked.kind === "retrain") dialog = <RetrainDialog incident={incident} onClose={close} answer={asked.answer} />;
    else if (asked.kind === "outcome") dialog = <OutcomeDialog incident={incident} onClose={close} first={asked.first} />;
    else if (asked.kind === "mute") dialog = <MuteDialog incident={incident} onClose={close} />;
    else if (asked.kind === "assign") dialog = <AssignDialog incident={incident} onClose={close} />;
    else dialog = <CommentDialog incident={incident} onClose={close} />;
  }
  return { actions, dialog };
}

export function ActionBar({ incident, actions }: { incident: Summary; actions: readonly Action[] }) {
  if (!incident.may_edit) return <Needs right="edit" project={incident.project} what="To act on it" />;
  return (
    <div className="l-row l-screen-only" role="group" aria-label="Actions">
      {actions.map((one) => (
        <button key={one.label} type="button" className={one.primary ? "l-button l-small l-primary" : "l-button l-small"} onClick={one.run} aria-keyshortcuts={one.key}>
          {one.label} <kbd aria-hidden="true" className="l-wide-only">{one.key}</kbd>
        </button>
      ))}
    </div>
  );
}
