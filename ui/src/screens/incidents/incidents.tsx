// The inbox: incidents worst and newest first, the chosen one beside the list.
import { useRef } from "react";
import { Link, useNavigate } from "react-router-dom";
import { useMe, useProjects } from "../../api/queries";
import { CopyLink } from "../../shared/copy";
import { shortDay } from "../../shared/days";
import { Empty, Show } from "../../shared/states";
import { counted } from "../../shared/units";
import { useWidth } from "../../shared/width";
import { useKeys } from "../../state/keys";
import { useSearchKey } from "../../state/to-search";
import { useParam, useSetParams } from "../../state/params";
import { paths } from "../../state/paths";
import { useTitle } from "../../state/title";
import { ActionBar, useActions } from "./actions";
import { IncidentView, SeverityTag } from "./incident-view";
import { STATES, type StateFilter, type Summary, useIncident, useIncidents } from "./queries";
import { stateClass, stateText } from "./words";

const TWO_PANES = 1100;

function Row({ incident, chosen, onChoose, wide }: { incident: Summary; chosen: boolean; onChoose: () => void; wide: boolean }) {
  const inside = (
    <>
      <span className="l-row l-between l-nowrap">
        <strong className="l-clip">{incident.title}</strong>
        <SeverityTag severity={incident.severity} />
      </span>
      <span className="l-row l-muted l-inbox-line">
        <span>{incident.project}</span>
        <span>
          {shortDay(incident.first)}
          {incident.last !== incident.first && ` – ${shortDay(incident.last)}`}
        </span>
        <span>{counted(incident.series, "series", "series")}</span>
        <span className={stateClass(incident.state)}>{stateText(incident)}</span>
        {incident.assignee && <span>{incident.assignee}</span>}
      </span>
    </>
  );
  return (
    <li className={chosen ? "l-inbox-row l-inbox-at" : "l-inbox-row"}>
      {wide ? (
        <button type="button" className="l-plain-block" aria-current={chosen || undefined} onClick={onChoose}>
          {inside}
        </button>
      ) : (
        <Link className="l-plain-block" to={paths.incident(incident.id)}>
          {inside}
        </Link>
      )}
    </li>
  );
}

function Chosen({ id }: { id: string }) {
  const query = useIncident(id);
  const { actions, dialog } = useActions(query.data?.summary);
  return (
    <Show query={query} what="incident" lines={10}>
      {(incident) => (
        <>
          <IncidentView incident={incident} heading="h2">
            <div className="l-row l-between l-screen-only">
              <ActionBar incident={incident.summary} actions={actions} />
              <Link className="l-button l-small" to={paths.incident(id)}>
                Open <kbd aria-hidden="true">Enter</kbd>
              </Link>
            </div>
          </IncidentView>
          {dialog}
        </>
      )}
    </Show>
  );
}

function Nothing({ state }: { state: StateFilter }) {
  const active = state === "active" || state === "open";
  return (
    <Empty title={active ? "No incident is open." : "There is none."}>
      <p>
        {active
          ? "Findings of one cause become one incident here, and one message. When a run finds something, it stands here."
          : "No incident is in this state, or none that you may see."}
      </p>
    </Empty>
  );
}

export function Incidents() {
  useTitle("Incidents");
  const [asked] = useParam("state", "active");
  const [project] = useParam("project");
  const [assignee] = useParam("assignee");
  const [sel] = useParam("sel");
  const state: StateFilter = STATES.find((one) => one === asked) ?? "active";
  const change = useSetParams();
  const me = useMe();
  const projects = useProjects(30);
  const navigate = useNavigate();
  const page = useRef<HTMLDivElement>(null);
  const wide = useWidth(page) >= TWO_PANES;
  const query = useIncidents({ state, project: project || undefined, assignee: assignee || undefined });
  const rows = query.data?.rows ?? [];
  const at = Math.max(0, rows.findIndex((one) => one.id === sel));
  const current = rows[at];
  const step = (by: number) => {
    const next = rows[at + by];
    if (next) change({ sel: next.id }, true);
  };
  const search = useSearchKey();
  useKeys([
    { key: "j", label: "next incident", run: () => step(1) },
    { key: "k", label: "previous incident", run: () => step(-1) },
    { key: "Enter", label: "open the incident", run: () => current && navigate(paths.incident(current.id)) },
    search,
  ]);
  const names = projects.data?.projects.map((one) => one.name) ?? [];
  return (
    <div className="l-stack" ref={page}>
      <div className="l-row l-between">
        <h1>Incidents</h1>
        <div className="l-row l-screen-only">
          <div className="l-group" role="group" aria-label="State">
            {STATES.map((one) => (
              <button key={one} type="button" className="l-button l-small" aria-pressed={one === state} onClick={() => change({ state: one === "active" ? null : one, sel: null })}>
                {one}
              </button>
            ))}
          </div>
          <select className="l-select" aria-label="Project" value={project} onChange={(event) => change({ project: event.target.value, sel: null })}>
            <option value="">All projects</option>
            {project && !names.includes(project) && <option value={project}>{project}</option>}
            {names.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
          <button
            type="button"
            className="l-button"
            aria-pressed={assignee === "me"}
            title={me.data ? `Assigned to ${me.data.name}` : undefined}
            onClick={() => change({ assignee: assignee === "me" ? null : "me", sel: null })}
          >
            Mine
          </button>
          <CopyLink />
        </div>
      </div>
      <Show query={query} what="list of incidents">
        {(data) =>
          data.rows.length === 0 ? (
            <Nothing state={state} />
          ) : (
            <div className={wide ? "l-inbox" : undefined}>
              <div className="l-panel" style={{ padding: 0 }}>
                <ul className="l-inbox-list" aria-label={counted(data.total, "incident")}>
                  {data.rows.map((one, index) => (
                    <Row key={one.id} incident={one} wide={wide} chosen={wide && index === at} onChoose={() => change({ sel: one.id }, true)} />
                  ))}
                </ul>
                {data.total > data.rows.length && <p className="l-muted l-inbox-row">The first {data.rows.length} of {data.total.toLocaleString("en")}.</p>}
              </div>
              {wide && current && <Chosen key={current.id} id={current.id} />}
            </div>
          )
        }
      </Show>
    </div>
  );
}
