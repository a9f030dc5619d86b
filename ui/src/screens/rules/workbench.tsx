// Today's rule beside a proposal: what it would gain, what it would lose, and the lines to write into the file.
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { Link, NavLink, useParams, useSearchParams } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { useCatalog, useProject } from "../../api/queries";
import { entry, rowOf, seriesName } from "../../catalog/catalog";
import { SeriesPicker } from "../../catalog/series-picker";
import { Chart, type ChartData } from "../../shared/chart";
import { severityOf, statusOf } from "../../shared/codes";
import { copyText, CopyLink } from "../../shared/copy";
import { shortDay } from "../../shared/days";
import { Empty, Failure, Show } from "../../shared/states";
import { counted, formatScore, significant } from "../../shared/units";
import { useParam, useSetParams } from "../../state/params";
import { paths, token } from "../../state/paths";
import { useTitle } from "../../state/title";
import { Parameters, proposed } from "./parameters";
import { type Backtest, type Flag, type Proposal, tryAll, useTrial } from "./queries";
import { addStyle } from "../../shared/styles";
import style from "./rules.css?inline";

addStyle(style);

type Rule = Schemas["RuleOut"];

function sideOf(result: Backtest, side: Schemas["Side"]): ChartData {
  return { days: result.axis.keys, y: result.y, lo: side.lo, hi: side.hi, v: side.v.map(statusOf), score: side.sc };
}

function Tallies({ result }: { result: Backtest }) {
  const { today_tally: today, proposal_tally: proposal } = result;
  const rows: [string, (tally: Schemas["Tally"]) => string][] = [
    ["Findings", (one) => one.findings.toLocaleString("en")],
    ["Incidents", (one) => one.incidents.toLocaleString("en")],
    ["Alerts a month", (one) => significant(one.per_month)],
    ["Confirmed incidents found", (one) => `${one.caught} of ${one.confirmed}`],
    ["Refused incidents found all the same", (one) => `${one.cried} of ${one.refused}`],
  ];
  return (
    <table className="l-table">
      <thead>
        <tr>
          <th scope="col" />
          <th scope="col" className="l-num">
            Today
          </th>
          <th scope="col" className="l-num">
            Proposal
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([label, text]) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td className="l-num">{text(today)}</td>
            <td className={text(today) === text(proposal) ? "l-num" : "l-num l-differs"}>{text(proposal)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const SHOWN = 25;

function Flags({ title, flags, total, project }: { title: string; flags: readonly Flag[]; total: number; project: string }) {
  return (
    <section className="l-panel" aria-label={title}>
      <h2>
        {title} <span className="l-muted">{total.toLocaleString("en")}</span>
      </h2>
      {flags.length === 0 && <p className="l-muted">None.</p>}
      <ul className="l-lines">
        {flags.slice(0, SHOWN).map((one) => (
          <li key={`${one.id} ${one.key}`}>
            <Link to={paths.metric(project, one.id, { day: one.key })}>
              <strong>{shortDay(one.key)}</strong> {one.metric} <span className="l-muted">{one.subject}</span>
            </Link>{" "}
            <span className="l-muted">
              {severityOf(one.severity)} · score {formatScore(one.score)}
              {one.outcome && ` · judged ${one.outcome.replaceAll("_", " ")}`}
            </span>
            <span className="l-muted l-sub-line">{one.sentence}</span>
          </li>
        ))}
      </ul>
      {total > SHOWN && <p className="l-muted">and {(total - SHOWN).toLocaleString("en")} more</p>}
    </section>
  );
}

function Diff({ diff }: { diff: string }) {
  if (!diff) return null;
  return (
    <section className="l-panel" aria-label="Change of the file">
      <h2>To keep it, change the project's file</h2>
      <pre tabIndex={0}>
        {diff.split("\n").map((line, index) => (
          <span key={index} className={line.startsWith("+") ? "l-plus" : line.startsWith("-") ? "l-minus" : undefined}>
            {line}
            {"\n"}
          </span>
        ))}
      </pre>
      <button type="button" className="l-button l-small" style={{ marginTop: 8 }} onClick={() => void copyText(diff, "Change")}>
        Copy
      </button>
    </section>
  );
}

function Outcome({ result, project }: { result: Backtest; project: string }) {
  return (
    <div className="l-project">
      <section className="l-panel l-scroll" aria-label="Today and proposal" tabIndex={0}>
        <h2>Today and proposal</h2>
        <Tallies result={result} />
      </section>
      <Diff diff={result.diff} />
      <Flags title="Gained" flags={result.gained} total={result.gained_total} project={project} />
      <Flags title="Lost" flags={result.lost} total={result.lost_total} project={project} />
    </div>
  );
}

function OneSeries({ proposal, series }: { proposal: Proposal; series: string }) {
  const query = useTrial(proposal, series);
  const catalog = useCatalog().data;
  const row = catalog ? rowOf(catalog, series) : -1;
  const unit = catalog && row >= 0 ? entry(catalog, row).unit : "";
  return (
    <Show query={query} what="trial" lines={8}>
      {(result) => (
        <div className="l-stack">
          <div className="l-project">
            {(["today", "proposal"] as const).map((which) => {
              const side = result[which];
              if (!side) return null;
              const label = which === "today" ? "Today's rule" : "Proposal";
              return (
                <section key={which} className="l-panel" aria-label={label}>
                  <h2>{label}</h2>
                  <Chart data={sideOf(result, side)} unit={unit} height={220} label={`${seriesName(catalog, series)}, judged by ${label.toLowerCase()}`} />
                </section>
              );
            })}
          </div>
          <Outcome result={result} project={proposal.project} />
        </div>
      )}
    </Show>
  );
}

function WholeProject({ proposal }: { proposal: Proposal }) {
  const [progress, setProgress] = useState<[number, number] | null>(null);
  const [result, setResult] = useState<Backtest | null>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  const wanted = JSON.stringify(proposal);
  useEffect(() => {
    setResult(null);
    setError(null);
    return () => running.current?.abort();
  }, [wanted]);
  const start = async () => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setError(null);
    setProgress([0, 0]);
    try {
      setResult(await tryAll(proposal, (done, of) => setProgress([done, of]), own.signal));
    } catch (problem) {
      if (!own.signal.aborted) setError(problem);
    } finally {
      if (running.current === own) setProgress(null);
    }
  };
  return (
    <div className="l-stack">
      <div className="l-row">
        {progress ? (
          <>
            <progress aria-label="Series tried" value={progress[1] ? progress[0] : undefined} max={progress[1] || undefined} />
            <span className="l-muted">{progress[1] ? `${progress[0].toLocaleString("en")} of ${counted(progress[1], "series", "series")}` : "starting"}</span>
            <button
              type="button"
              className="l-button l-small"
              onClick={() => {
                running.current?.abort();
                setProgress(null);
              }}
            >
              Stop
            </button>
          </>
        ) : (
          <button type="button" className="l-button l-primary" onClick={() => void start()}>
            Try it on the whole project
          </button>
        )}
      </div>
      {error !== null && <Failure error={error} what="trial" retry={() => void start()} />}
      {result && <Outcome result={result} project={proposal.project} />}
    </div>
  );
}

function Page({ project, rule }: { project: Schemas["ProjectOut"]; rule: Rule }) {
  const [search] = useSearchParams();
  const change = useSetParams();
  const [series, setSeries] = useParam("s");
  const [choosing, choose] = useState(series === "");
  const catalog = useCatalog().data;
  const changes = useMemo(() => proposed(rule, search), [rule, search]);
  const proposal = useDeferredValue(useMemo<Proposal>(() => ({ project: project.name, rule: rule.name, parameters: changes }), [project.name, rule.name, changes]));
  useTitle(`Rule ${rule.name}`);
  return (
    <div className="l-stack">
      <div>
        <p className="l-crumbs">
          <Link to={paths.project(project.name)}>{project.name}</Link> / rules
        </p>
        <div className="l-row l-between">
          <h1>
            {rule.name} {rule.kind !== rule.name && <span className="l-muted">{rule.kind}</span>}
          </h1>
          <CopyLink />
        </div>
        <nav aria-label="Rules of this project" className="l-row l-rule-names">
          {project.rules.map((one) => (
            <NavLink key={one.name} to={paths.rule(project.name, one.name, { s: series })}>
              {one.name}
            </NavLink>
          ))}
        </nav>
      </div>
      <section className="l-panel" aria-label="Proposal">
        <div className="l-row l-between">
          <h2>Proposal</h2>
          {Object.keys(changes).length > 0 && (
            <button type="button" className="l-button l-small" onClick={() => change(Object.fromEntries(Object.keys(changes).map((name) => [name, null])))}>
              As it is today
            </button>
          )}
        </div>
        <Parameters rule={rule} changes={changes} onChange={(name, value) => change({ [name]: value }, true)} />
        <p className="l-muted" style={{ marginTop: 10 }}>
          Nothing is changed by trying: rules live in the project's file.
        </p>
      </section>
      <section className="l-panel" aria-label="Series">
        <div className="l-row l-between">
          <h2>{series ? seriesName(catalog, series) : "No series chosen"}</h2>
          <span className="l-row">
            {series && (
              <button type="button" className="l-button l-small" onClick={() => setSeries("")}>
                Whole project only
              </button>
            )}
            <button type="button" className="l-button l-small" aria-expanded={choosing} onClick={() => choose((before) => !before)}>
              {series ? "Another series" : "Choose a series"}
            </button>
          </span>
        </div>
        {choosing && (
          <SeriesPicker
            chosen={series ? [series] : []}
            most={1}
            first={token("project", project.name)}
            onChange={([id = ""]) => {
              setSeries(id);
              choose(false);
            }}
          />
        )}
      </section>
      {series && <OneSeries proposal={proposal} series={series} />}
      <WholeProject proposal={proposal} />
    </div>
  );
}

export function Workbench() {
  const { project: name = "", rule: wanted = "" } = useParams();
  const query = useProject(name);
  useTitle("Rule workbench");
  return (
    <Show query={query} what="project" lines={10}>
      {(project) => {
        const rule = project.rules.find((one) => one.name === wanted);
        if (rule) return <Page key={rule.name} project={project} rule={rule} />;
        return (
          <Empty title={`${project.name} has no rule of this name.`}>
            <p className="l-row">
              {project.rules.map((one) => (
                <Link key={one.name} className="l-link" to={paths.rule(project.name, one.name)}>
                  {one.name}
                </Link>
              ))}
            </p>
          </Empty>
        );
      }}
    </Show>
  );
}
