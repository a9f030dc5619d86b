// The panels below a project's matrix.
import { Link } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { severityOf } from "../../shared/codes";
import { copyText } from "../../shared/copy";
import { formatInstant, shortDay } from "../../shared/days";
import { counted, significant } from "../../shared/units";
import { paths, token } from "../../state/paths";

type Project = Schemas["ProjectOut"];

const FIRST_RUNS = 10;

export function Incidents({ project }: { project: Project }) {
  return (
    <section className="l-panel" aria-label="Open incidents">
      <h2>Open incidents</h2>
      {project.incidents.length === 0 && <p className="l-muted">None is open.</p>}
      <ul className="l-lines">
        {project.incidents.map((one) => (
          <li key={one.id}>
            <Link to={paths.incident(one.id)}>
              <strong>{one.title}</strong>
            </Link>
            <div className="l-muted">
              {severityOf(one.severity) ?? "no severity"} · {one.state} · {counted(one.series, "series", "series")} · {shortDay(one.first)}
              {one.last !== one.first && ` to ${shortDay(one.last)}`}
            </div>
          </li>
        ))}
      </ul>
      <Link className="l-link" to={paths.incidents({ project: project.name, state: "all" })}>
        All incidents of this project
      </Link>
    </section>
  );
}

export function Runs({ project }: { project: Project }) {
  return (
    <section className="l-panel l-scroll" aria-label="Runs" tabIndex={0}>
      <h2>Runs</h2>
      {project.runs.length === 0 ? (
        <p className="l-muted">
          None yet. Unpause the Dag <code>{project.dag_id}</code>, or trigger it for a day.
        </p>
      ) : (
        <table className="l-table">
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Run</th>
              <th scope="col">Stages</th>
              <th scope="col">Ended</th>
            </tr>
          </thead>
          <tbody>
            {project.runs.slice(0, FIRST_RUNS).map((run) => {
              const failed = run.stages.find((one) => one.status === "failed");
              return (
                <tr key={run.key}>
                  <td>
                    <Link to={paths.explore({ q: token("project", project.name), day: run.key })}>{run.key}</Link>
                  </td>
                  <td className={run.status === "failed" ? "l-red" : undefined}>{run.status === "failed" ? "FAILED" : run.status}</td>
                  <td className="l-muted">{failed ? `${failed.stage}: ${failed.detail}` : counted(run.stages.length, "stage")}</td>
                  <td className="l-muted">{formatInstant(run.finished_at)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}

export function Versions({ project }: { project: Project }) {
  return (
    <section className="l-panel" aria-label="Model versions and retrainings">
      <h2>Model</h2>
      {project.versions.length === 0 && project.retrainings.length === 0 && (
        <p className="l-muted">
          Versions are shown when the prediction table names them (<code>version:</code> in the project's file).
        </p>
      )}
      <ul className="l-lines">
        {project.versions.map((one) => (
          <li key={one.version}>
            version <strong className="l-mono">{one.version}</strong>{" "}
            <span className="l-muted">
              {one.first} to {one.last}
              {one.share !== null && ` · ${significant(100 * one.share)} % of the predictions`}
            </span>
          </li>
        ))}
        {project.retrainings.map((one) => (
          <li key={one.id}>
            retraining <strong>{one.state.replaceAll("_", " ")}</strong>{" "}
            <span className="l-muted">
              {one.key} · {one.dag}
              {one.verdict && ` · ${one.verdict.replaceAll("_", " ")}`}
            </span>
            {one.reasons.length > 0 && <div className="l-muted">{one.reasons.slice(0, 3).join("; ")}</div>}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** `where` of a rule in words. */
function whereText(where: Record<string, string[]>): string {
  const parts = Object.entries(where).map(([key, patterns]) => `${key} ${patterns.map((one) => one || '""').join(", ")}`);
  return parts.length ? parts.join(" · ") : "every series";
}

export function Rules({ project }: { project: Project }) {
  return (
    <section className="l-panel" aria-label="Rules">
      <h2>Rules</h2>
      <ul className="l-lines">
        {project.rules.map((one) => (
          <li key={one.name} className="l-clip" title={whereText(one.where)}>
            <Link to={paths.rule(project.name, one.name)}>
              <strong>{one.name}</strong>
            </Link>{" "}
            <span className="l-muted">
              {one.kind} · {whereText(one.where)}
              {one.severity && ` · ${one.severity}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Tables({ project }: { project: Project }) {
  return (
    <section className="l-panel" aria-label="Tables">
      <h2>Tables</h2>
      <ul className="l-lines">
        {project.tables.map((one) => (
          <li key={one.name}>
            <Link to={paths.explore({ q: `${token("project", project.name)} ${token("table", one.name)}` })}>
              <strong>{one.name}</strong>
            </Link>{" "}
            <span className="l-muted">
              {one.role} · {one.source}
            </span>
          </li>
        ))}
      </ul>
      {project.upstream.length > 0 && (
        <p>
          Upstream:{" "}
          {project.upstream.map((one) => (
            <Link key={one} to={paths.project(one)} className="l-link">
              {one}{" "}
            </Link>
          ))}
        </p>
      )}
    </section>
  );
}

export function Yaml({ project }: { project: Project }) {
  if (!project.yaml) return null;
  return (
    <details className="l-panel l-whole">
      <summary>
        <h2 style={{ display: "inline" }}>The project's file</h2>
      </summary>
      <pre tabIndex={0} style={{ marginTop: 10 }}>
        {project.yaml}
      </pre>
      <button type="button" className="l-button l-small" style={{ marginTop: 8 }} onClick={() => void copyText(project.yaml, "File")}>
        Copy
      </button>
    </details>
  );
}
