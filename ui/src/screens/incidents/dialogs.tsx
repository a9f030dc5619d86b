// What has to be said before an incident is muted, assigned or judged.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useMe } from "../../api/queries";
import { shiftDay } from "../../shared/days";
import { Failure } from "../../shared/states";
import { counted, formatBand } from "../../shared/units";
import { act, type Outcome, retrain, type Summary, usePreview, useRetrainings } from "./queries";
import { OUTCOMES, outcomeLabel } from "./words";

interface Props {
  incident: Summary;
  onClose: () => void;
}

function Dialog({ title, onClose, onSubmit, submit, children }: {
  title: string;
  onClose: () => void;
  onSubmit: () => Promise<boolean>;
  submit: { label: string; disabled?: boolean };
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const send = async () => {
    setBusy(true);
    const done = await onSubmit();
    setBusy(false);
    if (done) dialog.current?.close();
  };
  return (
    <dialog ref={dialog} className="l-dialog" aria-label={title} onClose={onClose}>
      <form
        className="l-stack"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <h2>{title}</h2>
        {children}
        <div className="l-row">
          <button type="submit" className="l-button l-primary" disabled={busy || submit.disabled}>
            {submit.label}
          </button>
          <button type="button" className="l-button l-quiet" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}

function Comment({ value, onChange, label = "Comment (optional)" }: { value: string; onChange: (text: string) => void; label?: string }) {
  return (
    <label className="l-field">
      <span>{label}</span>
      <textarea className="l-input" rows={2} maxLength={4000} value={value} onChange={(event) => onChange(event.target.value)} />
    </label>
  );
}

export function MuteDialog({ incident, onClose }: Props) {
  const [kind, setKind] = useState<"day" | "doubled">("day");
  const [until, setUntil] = useState(() => shiftDay(incident.last, 7));
  const [comment, setComment] = useState("");
  const mute = () =>
    act(
      incident,
      kind === "day" ? { action: "mute", until, comment } : { action: "mute", until_doubled: true, comment },
      kind === "day" ? `Muted until ${until}` : "Muted until the score doubles",
    );
  return (
    <Dialog title="Mute this incident" onClose={onClose} onSubmit={mute} submit={{ label: "Mute", disabled: kind === "day" && !until }}>
      <fieldset className="l-choices">
        <legend className="l-hidden">Until when</legend>
        <label>
          <input type="radio" name="mute" checked={kind === "day"} onChange={() => setKind("day")} /> until{" "}
          <input
            type="date"
            className="l-input"
            aria-label="The last silent day"
            value={until}
            min={incident.last.slice(0, 10)}
            onChange={(event) => {
              setKind("day");
              setUntil(event.target.value);
            }}
          />
        </label>
        <label>
          <input type="radio" name="mute" checked={kind === "doubled"} onChange={() => setKind("doubled")} /> until its score has doubled
        </label>
      </fieldset>
      <p className="l-muted">No message is sent in that time, unless it doubles. It goes on being recorded.</p>
      <Comment value={comment} onChange={setComment} />
    </Dialog>
  );
}

export function AssignDialog({ incident, onClose }: Props) {
  const me = useMe();
  const [who, setWho] = useState(incident.assignee);
  return (
    <Dialog
      title="Who takes care of it?"
      onClose={onClose}
      onSubmit={() => act(incident, { action: "assign", assignee: who.trim() }, who.trim() ? `Assigned to ${who.trim()}` : "Assigned to nobody")}
      submit={{ label: "Assign" }}
    >
      <label className="l-field">
        <span>Name, as it is in Airflow; empty for nobody</span>
        <input className="l-input" value={who} maxLength={200} onChange={(event) => setWho(event.target.value)} autoFocus />
      </label>
      {me.data && who !== me.data.name && (
        <button type="button" className="l-button l-small" onClick={() => setWho(me.data.name)}>
          Me ({me.data.name})
        </button>
      )}
    </Dialog>
  );
}

export function CommentDialog({ incident, onClose }: Props) {
  const [text, setText] = useState("");
  return (
    <Dialog
      title="Comment"
      onClose={onClose}
      onSubmit={() => act(incident, { action: "comment", comment: text.trim() }, "Commented")}
      submit={{ label: "Comment", disabled: !text.trim() }}
    >
      <Comment label="What should the others know?" value={text} onChange={setText} />
    </Dialog>
  );
}

function Effect({ incident, outcome }: { incident: Summary; outcome: Outcome }) {
  const preview = usePreview(incident.id, outcome);
  if (preview.error) return <Failure error={preview.error} what="effect" retry={() => void preview.refetch()} />;
  if (!preview.data) return <p className="l-muted">Working out what this does to the baselines …</p>;
  const { sentence, bands } = preview.data;
  return (
    <div aria-live="polite">
      <p>
        <strong>{sentence}</strong>
      </p>
      {bands.length > 0 && (
        <table className="l-table">
          <thead>
            <tr>
              <th scope="col">Next band of</th>
              <th scope="col">as it is</th>
              <th scope="col">afterwards</th>
            </tr>
          </thead>
          <tbody>
            {bands.slice(0, 5).map((one) => (
              <tr key={one.id}>
                <td>
                  {one.metric} <span className="l-muted">{one.subject}</span>
                </td>
                <td>{formatBand(one.lower_before, one.upper_before, one.unit) || "none"}</td>
                <td>{formatBand(one.lower_after, one.upper_after, one.unit) || "none"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

export function OutcomeDialog({ incident, onClose, first }: Props & { first: Outcome | null }) {
  const [outcome, setOutcome] = useState<Outcome>(first ?? "fixed");
  const [comment, setComment] = useState("");
  return (
    <Dialog
      title="What was it?"
      onClose={onClose}
      onSubmit={() => act(incident, { action: "resolve", outcome, comment }, `Resolved as ${outcomeLabel(outcome).toLowerCase()}`)}
      submit={{ label: "Resolve" }}
    >
      <p className="l-muted">
        {counted(incident.series, "series", "series")}, {incident.first}
        {incident.last !== incident.first && ` to ${incident.last}`}
      </p>
      <fieldset className="l-choices">
        <legend className="l-hidden">Outcome</legend>
        {OUTCOMES.map((one) => (
          <label key={one.outcome}>
            <input type="radio" name="outcome" autoFocus={one.outcome === outcome} checked={outcome === one.outcome} onChange={() => setOutcome(one.outcome)} />{" "}
            <span>
              <strong>{one.label}.</strong> <span className="l-muted">{one.effect}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <Effect incident={incident} outcome={outcome} />
      <Comment value={comment} onChange={setComment} />
    </Dialog>
  );
}

export function AcknowledgeDialog({ incident, onClose }: Props) {
  const [comment, setComment] = useState("");
  return (
    <Dialog
      title="Acknowledge this incident"
      onClose={onClose}
      onSubmit={() => act(incident, { action: "acknowledge", comment }, "Acknowledged: no repeats while it is open")}
      submit={{ label: "Acknowledge" }}
    >
      <p className="l-muted">You take care of it: the others are told, and nothing is repeated unless it gets worse.</p>
      <Comment value={comment} onChange={setComment} />
    </Dialog>
  );
}

export function RetrainDialog({ incident, onClose, answer }: Props & { answer: "approve" | "refuse" }) {
  const found = useRetrainings(incident.project);
  const waiting = found.data?.rows.find((one) => one.may_answer) ?? null;
  const title = waiting ? `${answer === "approve" ? "Approve" : "Refuse"} the retraining ${waiting.dag}` : "Train the model again";
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => retrain(incident, waiting?.id ?? null, answer)}
      submit={{ label: waiting ? (answer === "approve" ? "Approve" : "Refuse") : "Ask for it", disabled: !found.data || (!waiting && answer === "refuse") }}
    >
      {found.error !== null && <Failure error={found.error} what="list of retrainings" retry={() => void found.refetch()} />}
      {waiting ? (
        <ul className="l-lines">
          {waiting.reasons.slice(0, 5).map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      ) : (
        <p className="l-muted">{answer === "refuse" ? "No retraining waits for an answer." : "No retraining waits for approval. The next run of the project executes the one that you ask for."}</p>
      )}
    </Dialog>
  );
}
