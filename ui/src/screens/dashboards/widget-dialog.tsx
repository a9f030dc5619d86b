// Add a widget, or change what one shows.
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useCatalog, useProjects } from "../../api/queries";
import { search } from "../../catalog/search";
import { SeriesPicker } from "../../catalog/series-picker";
import { counted } from "../../shared/units";
import { STATES } from "../incidents/queries";
import { placeBelow } from "./grid";
import type { Kind, Widget } from "./queries";

const KINDS: readonly { kind: Kind; label: string; what: string }[] = [
  { kind: "chart", label: "Chart", what: "one series, with others laid over it" },
  { kind: "number", label: "Number", what: "the newest value of a series, with its verdict" },
  { kind: "wall", label: "Query wall", what: "small charts of whatever a query finds, anomalies first" },
  { kind: "matrix", label: "Matrix", what: "the groups of a project by days" },
  { kind: "incidents", label: "Incidents", what: "a list of incidents" },
  { kind: "markdown", label: "Text", what: "a text in Markdown" },
];

const SIZES: Record<Kind, { w: number; h: number }> = {
  chart: { w: 6, h: 4 },
  number: { w: 3, h: 2 },
  wall: { w: 12, h: 6 },
  matrix: { w: 12, h: 5 },
  incidents: { w: 6, h: 4 },
  markdown: { w: 6, h: 3 },
};

const MOST_SERIES = 8;

function newId(): string {
  return crypto.randomUUID?.().slice(0, 13) ?? Math.random().toString(36).slice(2);
}

/** A widget of `kind` with nothing chosen yet, at the end of the dashboard. */
export function blank(kind: Kind, widgets: readonly Widget[], project: string): Widget {
  const common = { id: newId(), title: "", place: placeBelow(widgets, SIZES[kind]) };
  switch (kind) {
    case "chart":
      return { ...common, kind, series: [], days: 90 };
    case "number":
      return { ...common, kind, series: "" };
    case "wall":
      return { ...common, kind, query: "", limit: 12, days: 90 };
    case "matrix":
      return { ...common, kind, project, by: "group", days: 30 };
    case "incidents":
      return { ...common, kind, project: "", state: "active", limit: 10 };
    default:
      return { ...common, kind: "markdown", text: "" };
  }
}

function isComplete(widget: Widget): boolean {
  if (widget.kind === "chart" || widget.kind === "number") return widget.series.length > 0;
  if (widget.kind === "matrix") return widget.project !== "";
  if (widget.kind === "markdown") return widget.text.trim() !== "";
  return true;
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <label className="l-field">
      <span>{label}</span>
      {children}
    </label>
  );
}

function ProjectField({ value, none, onChange }: { value: string; none?: string; onChange: (project: string) => void }) {
  const projects = useProjects(30).data?.projects ?? [];
  return (
    <Field label="Project">
      <select className="l-select" value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{none ?? "choose one"}</option>
        {projects.map((one) => (
          <option key={one.name} value={one.name}>
            {one.name}
          </option>
        ))}
      </select>
    </Field>
  );
}

function NumberField({ label, value, most, onChange }: { label: string; value: number; most: number; onChange: (value: number) => void }) {
  return (
    <Field label={label}>
      <input
        className="l-input"
        type="number"
        min={1}
        max={most}
        value={value}
        onChange={(event) => onChange(Math.max(1, Math.min(most, Math.round(Number(event.target.value)) || 1)))}
      />
    </Field>
  );
}

function WallFields({ widget, onChange }: { widget: Extract<Widget, { kind: "wall" }>; onChange: (widget: Widget) => void }) {
  const catalog = useCatalog().data;
  const count = useMemo(() => (catalog ? search(catalog, widget.query ?? "").rows.length : null), [catalog, widget.query]);
  return (
    <>
      <Field label="Query, as in the explorer">
        <input
          className="l-input"
          value={widget.query}
          placeholder="project:flights group:evaluation sev:warn"
          maxLength={2000}
          onChange={(event) => onChange({ ...widget, query: event.target.value })}
          autoFocus
        />
      </Field>
      <p className="l-muted" aria-live="polite">
        {count === null ? "" : `${counted(count, "series", "series")} today`}
      </p>
      <NumberField label="Charts at most" value={widget.limit ?? 12} most={200} onChange={(limit) => onChange({ ...widget, limit })} />
      <NumberField label="Days" value={widget.days ?? 90} most={4000} onChange={(days) => onChange({ ...widget, days })} />
    </>
  );
}

function Fields({ widget, onChange }: { widget: Widget; onChange: (widget: Widget) => void }) {
  switch (widget.kind) {
    case "chart":
      return (
        <>
          <SeriesPicker chosen={widget.series} most={MOST_SERIES} onChange={(series) => onChange({ ...widget, series })} />
          <NumberField label="Days" value={widget.days ?? 90} most={4000} onChange={(days) => onChange({ ...widget, days })} />
        </>
      );
    case "number":
      return <SeriesPicker chosen={widget.series ? [widget.series] : []} most={1} onChange={([series = ""]) => onChange({ ...widget, series })} />;
    case "wall":
      return <WallFields widget={widget} onChange={onChange} />;
    case "matrix":
      return (
        <>
          <ProjectField value={widget.project} onChange={(project) => onChange({ ...widget, project })} />
          <Field label="Rows">
            <select className="l-select" value={widget.by} onChange={(event) => onChange({ ...widget, by: event.target.value as "group" | "table" | "column" })}>
              <option value="group">groups</option>
              <option value="table">tables</option>
              <option value="column">columns</option>
            </select>
          </Field>
          <NumberField label="Days" value={widget.days ?? 30} most={400} onChange={(days) => onChange({ ...widget, days })} />
        </>
      );
    case "incidents":
      return (
        <>
          <ProjectField value={widget.project ?? ""} none="all projects" onChange={(project) => onChange({ ...widget, project })} />
          <Field label="State">
            <select className="l-select" value={widget.state} onChange={(event) => onChange({ ...widget, state: event.target.value })}>
              {STATES.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </Field>
          <NumberField label="At most" value={widget.limit ?? 10} most={100} onChange={(limit) => onChange({ ...widget, limit })} />
        </>
      );
    default:
      return (
        <Field label="Text (Markdown; HTML is shown as text)">
          <textarea className="l-input l-mono" rows={8} maxLength={20_000} value={widget.text} onChange={(event) => onChange({ ...widget, text: event.target.value })} autoFocus />
        </Field>
      );
  }
}

interface Props {
  /** The widget to change; null to add one. */
  widget: Widget | null;
  widgets: readonly Widget[];
  project: string;
  onDone: (widget: Widget) => void;
  onClose: () => void;
}

export function WidgetDialog({ widget, widgets, project, onDone, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [draft, setDraft] = useState<Widget>(() => widget ?? blank("chart", widgets, project));
  useEffect(() => dialog.current?.showModal(), []);
  const title = widget ? "Change the widget" : "Add a widget";
  return (
    <dialog ref={dialog} className="l-dialog l-dialog-wide" aria-label={title} onClose={onClose}>
      <form
        className="l-stack"
        onSubmit={(event) => {
          event.preventDefault();
          onDone(draft);
          dialog.current?.close();
        }}
      >
        <h2>{title}</h2>
        {!widget && (
          <fieldset className="l-kinds">
            <legend className="l-hidden">Kind</legend>
            {KINDS.map((one) => (
              <label key={one.kind} title={one.what}>
                <input type="radio" name="kind" checked={draft.kind === one.kind} onChange={() => setDraft(blank(one.kind, widgets, project))} /> {one.label}
              </label>
            ))}
          </fieldset>
        )}
        <p className="l-muted">{KINDS.find((one) => one.kind === draft.kind)?.what}</p>
        <Fields widget={draft} onChange={setDraft} />
        <Field label="Title (optional)">
          <input className="l-input" value={draft.title} maxLength={200} onChange={(event) => setDraft({ ...draft, title: event.target.value })} />
        </Field>
        <div className="l-row">
          <button type="submit" className="l-button l-primary" disabled={!isComplete(draft)}>
            {widget ? "Change" : "Add"}
          </button>
          <button type="button" className="l-button l-quiet" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
