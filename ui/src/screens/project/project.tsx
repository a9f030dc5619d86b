// One project: what was found when, what ran, what is open, and the file that says so.
import { Link, useParams, useSearchParams } from "react-router-dom";
import { type MatrixBy, useProject } from "../../api/queries";
import { CopyLink, copyText, linkHere } from "../../shared/copy";
import { Show } from "../../shared/states";
import { HeaderSide } from "../../shell/side";
import { useKeys } from "../../state/keys";
import { useSearchKey } from "../../state/to-search";
import { useParam } from "../../state/params";
import { paths, token } from "../../state/paths";
import { useTitle } from "../../state/title";
import { Incidents, Rules, Runs, Tables, Versions, Yaml } from "./project-parts";
import { ProjectMatrix } from "./project-matrix";

const RANGES = ["30", "60", "90", "180"];
const BY: [MatrixBy, string][] = [
  ["group", "groups"],
  ["table", "tables"],
  ["column", "columns"],
];

export function Project() {
  const { project: name = "" } = useParams();
  const [params] = useSearchParams();
  const [days, setDays] = useParam("days", "60");
  const [by, setBy] = useParam("by", "group");
  const project = useProject(name);
  const to = params.get("day") ?? undefined;
  useTitle(name);
  const newest = project.data?.runs[0]?.key;
  const absolute = { day: to ?? newest ?? null };
  const search = useSearchKey("search this project's series", `${token("project", name)} `);
  useKeys([
    search,
    { key: "c", label: "copy link", run: () => void copyText(linkHere(absolute), "Link") },
    { key: "g", label: "groups, tables or columns", run: () => setBy(BY[(BY.findIndex(([one]) => one === by) + 1) % BY.length]![0]) },
  ]);
  return (
    <Show query={project} what="project" lines={10}>
      {(data) => (
        <div className="l-stack">
          <HeaderSide>
            {newest && (
              <>
                newest day <strong>{newest}</strong> · {data.timezone}
              </>
            )}
          </HeaderSide>
          <div className="l-row l-between">
            <div>
              <h1>{data.name}</h1>
              <p className="l-muted">
                {[data.description, data.owner && `owner ${data.owner}`, data.cadence].filter(Boolean).join(" · ")} ·{" "}
                <Link className="l-link" to={paths.dag(data.dag_id)}>
                  Dag in Airflow
                </Link>
              </p>
            </div>
            <div className="l-row l-screen-only">
              <Link className="l-button" to={paths.explore({ q: token("project", data.name) })}>
                Explore its series
              </Link>
              <CopyLink fixed={absolute} />
            </div>
          </div>
          <div className="l-project">
            <section className="l-panel l-whole" aria-label="Findings by day">
              <div className="l-row l-between" style={{ marginBottom: 8 }}>
                <h2>Worst verdict of each day</h2>
                <div className="l-row l-screen-only">
                  <div className="l-group" role="group" aria-label="Rows">
                    {BY.map(([value, label]) => (
                      <button key={value} type="button" className="l-button l-small" aria-pressed={by === value} onClick={() => setBy(value)}>
                        {label}
                      </button>
                    ))}
                  </div>
                  <div className="l-group" role="group" aria-label="Days shown">
                    {RANGES.map((one) => (
                      <button key={one} type="button" className="l-button l-small" aria-pressed={one === days} onClick={() => setDays(one)}>
                        {one}d
                      </button>
                    ))}
                  </div>
                </div>
              </div>
              <ProjectMatrix
                project={name}
                days={Math.max(1, Math.min(400, Number(days) || 60))}
                by={BY.some(([one]) => one === by) ? (by as MatrixBy) : "group"}
                to={to}
              />
            </section>
            <Incidents project={data} />
            <Runs project={data} />
            <Versions project={data} />
            <Rules project={data} />
            <Tables project={data} />
            <Yaml project={data} />
          </div>
        </div>
      )}
    </Show>
  );
}
