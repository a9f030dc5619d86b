// All projects, worst first: what a team looks at in the morning.
import { useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { useMe, useProjects } from "../../api/queries";
import { statusOf } from "../../shared/codes";
import { CopyLink } from "../../shared/copy";
import { formatDay, formatInstant, shortDay } from "../../shared/days";
import { Show } from "../../shared/states";
import { Strip } from "../../shared/strip";
import { counted } from "../../shared/units";
import { LABELS, Mark } from "../../shared/verdict";
import { HeaderSide } from "../../shell/side";
import { useKeys } from "../../state/keys";
import { useSearchKey } from "../../state/to-search";
import { useParam } from "../../state/params";
import { paths, token } from "../../state/paths";
import { useTitle } from "../../state/title";
import { NeedsAttention, OpenIncidents } from "./attention";
import { FirstProject, StoreTrouble } from "./first";

type Row = Schemas["ProjectRow"];

const RANGES = ["14", "30", "60", "90"];

function Today({ row }: { row: Row }) {
  const status = row.latest ? statusOf(row.status) : "no_data";
  const query = `${token("project", row.name)} sev:finding`;
  if (!row.latest) return <span className="l-muted">never run</span>;
  return (
    <Link to={paths.explore({ q: row.findings ? query : token("project", row.name), day: row.latest })} className="l-row">
      <Mark status={status ?? "no_data"} />
      <span className={row.findings ? "l-red" : undefined}>{row.findings || (status ? LABELS[status] : "not judged")}</span>
      <span className="l-muted l-wide-only">{shortDay(row.latest)}</span>
    </Link>
  );
}

function LastRun({ row }: { row: Row }) {
  const run = row.last_run;
  if (!run) return <span className="l-muted">–</span>;
  return (
    <Link to={paths.dag(row.dag_id)} title={`The Dag ${row.dag_id} in Airflow`}>
      <span className={run.status === "failed" ? "l-red" : undefined}>{run.status === "failed" ? "FAILED" : run.status}</span>{" "}
      <span className="l-muted">{formatInstant(run.finished_at)}</span>
    </Link>
  );
}

function Table({ rows, at }: { rows: Row[]; at: number }) {
  return (
    <div className="l-panel l-scroll" style={{ padding: 0 }} tabIndex={0} role="region" aria-label="Projects">
      <table className="l-table">
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Newest day</th>
            <th scope="col">{`${rows[0]?.strip.keys.length ?? 0} days`}</th>
            <th scope="col" className="l-num">
              Incidents
            </th>
            <th scope="col" className="l-wide-only">
              Labels to
            </th>
            <th scope="col" className="l-wide-only">
              Last run
            </th>
            <th scope="col" className="l-num l-wide-only">
              Series
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={row.name} className={index === at ? "l-at" : undefined}>
              <td>
                <Link to={paths.project(row.name)} style={{ fontWeight: 650 }}>
                  {row.name}
                </Link>
                <div className="l-muted l-clip" style={{ maxWidth: 320, fontSize: 12.5 }}>
                  {row.description || row.owner}
                </div>
              </td>
              <td>
                <Today row={row} />
              </td>
              <td>
                <Link to={paths.project(row.name)} aria-label={`Days of ${row.name}`}>
                  <Strip
                    days={row.strip.keys}
                    statuses={row.strip.status.map(statusOf)}
                    width={Math.min(420, Math.max(120, row.strip.keys.length * 7))}
                    label={`${counted(row.strip.findings.filter(Boolean).length, "day")} with findings of ${row.strip.keys.length}`}
                  />
                </Link>
              </td>
              <td className="l-num">
                {row.open_incidents ? (
                  <Link to={paths.incidents({ project: row.name, state: "open" })} className="l-red">
                    {row.open_incidents}
                  </Link>
                ) : (
                  <span className="l-muted">0</span>
                )}
              </td>
              <td className="l-wide-only">{row.labels_to ? <span title={formatDay(row.labels_to)}>{shortDay(row.labels_to)}</span> : "–"}</td>
              <td className="l-wide-only">
                <LastRun row={row} />
              </td>
              <td className="l-num l-wide-only">
                <Link to={paths.explore({ q: token("project", row.name) })}>{row.series.toLocaleString("en")}</Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How many days the address asks for. */
export function daysShown(days: string | null): number {
  return Math.max(1, Math.min(400, Number(days) || 30));
}

export function Overview() {
  useTitle("Overview");
  const [days, setDays] = useParam("days", "30");
  const [at, setAt] = useState(0);
  const me = useMe();
  const projects = useProjects(daysShown(days));
  const navigate = useNavigate();
  const rows = projects.data?.projects ?? [];
  const step = (by: number) => setAt((before) => Math.max(0, Math.min(rows.length - 1, before + by)));
  const search = useSearchKey();
  useKeys([
    { key: "j", label: "next project", run: () => step(1) },
    { key: "k", label: "previous project", run: () => step(-1) },
    { key: "Enter", label: "open the project", run: () => rows[at] && navigate(paths.project(rows[at].name)) },
    search,
  ]);
  const trouble = me.data && me.data.store.state !== "ok" && me.data.store.state !== "empty" ? me.data.store : null;
  const unused = me.data?.store.state === "empty" && projects.error !== null; // not even set up
  return (
    <div className="l-stack">
      <HeaderSide>{me.data && `Lupus ${me.data.version} · ${me.data.name}`}</HeaderSide>
      <div className="l-row l-between">
        <h1>Overview</h1>
        <div className="l-row l-screen-only">
          <div className="l-group" role="group" aria-label="Days shown">
            {RANGES.map((one) => (
              <button key={one} type="button" className="l-button l-small" aria-pressed={one === days} onClick={() => setDays(one)}>
                {one}d
              </button>
            ))}
          </div>
          <CopyLink />
        </div>
      </div>
      {trouble ? (
        <StoreTrouble store={trouble} />
      ) : unused ? (
        <FirstProject />
      ) : (
        <Show query={projects} what="list of projects">
          {(data) =>
            data.projects.length ? (
              <div className="l-stack">
                <Table rows={data.projects} at={at} />
                <div className="l-project">
                  <OpenIncidents />
                  <NeedsAttention />
                </div>
              </div>
            ) : (
              <FirstProject />
            )
          }
        </Show>
      )}
    </div>
  );
}
