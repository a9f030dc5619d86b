// Below the projects: what is open, and what of the monitoring itself needs a hand.
import { Link } from "react-router-dom";
import { useHealth, useIncidents } from "../../api/queries";
import { severityOf } from "../../shared/codes";
import { shortDay } from "../../shared/days";
import { Show } from "../../shared/states";
import { counted } from "../../shared/units";
import { Mark } from "../../shared/verdict";
import { paths } from "../../state/paths";

const MOST = 8;

export function OpenIncidents() {
  const query = useIncidents({ state: "active", limit: MOST });
  return (
    <section className="l-panel" aria-label="Open incidents">
      <h2>Open incidents</h2>
      <Show query={query} what="list of incidents" lines={3}>
        {(data) => (
          <>
            {data.rows.length === 0 && <p className="l-muted">None. Every finding is resolved.</p>}
            <ul className="l-lines">
              {data.rows.map((one) => (
                <li key={one.id}>
                  <div className="l-row" style={{ flexWrap: "nowrap" }}>
                    <Mark status="anomaly" size={12} label={severityOf(one.severity) ?? "incident"} />
                    <Link to={paths.incident(one.id)} className="l-clip">
                      <strong>{one.title}</strong>
                    </Link>
                  </div>
                  <div className="l-muted">
                    {one.project} · {severityOf(one.severity)} · {one.state} · {shortDay(one.first)}
                    {one.last !== one.first && ` to ${shortDay(one.last)}`} · {counted(one.series, "series", "series")}
                    {one.assignee && ` · ${one.assignee}`}
                  </div>
                  {one.sentence && (
                    <div>{one.worst ? <Link to={paths.metric(one.project, one.worst, { day: one.last })}>{one.sentence}</Link> : one.sentence}</div>
                  )}
                </li>
              ))}
            </ul>
            {data.total > data.rows.length && (
              <Link className="l-link" to={paths.incidents()}>
                All {data.total}
              </Link>
            )}
          </>
        )}
      </Show>
    </section>
  );
}

export function NeedsAttention() {
  const { data } = useHealth();
  if (!data || (data.undelivered.length === 0 && data.silent.length === 0)) return null;
  return (
    <section className="l-panel" aria-label="Needs attention">
      <h2>Needs attention</h2>
      <ul className="l-lines">
        {data.silent.map((project) => (
          <li key={project}>
            <Link to={paths.project(project)}>
              <strong>{project}</strong>
            </Link>{" "}
            fell silent: its newest run is missing or did not end well.
          </li>
        ))}
        {data.undelivered.slice(0, MOST).map((one) => (
          <li key={one.id}>
            A message of <Link to={paths.incident(one.incident)}>{one.project}</Link> to {one.destination} was not delivered after{" "}
            {counted(one.attempts, "attempt")}. <span className="l-muted">{one.error}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
