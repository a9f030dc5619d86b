// One incident: what, since when, how bad, what is affected, what happened to it.
import { Link } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { useBatch } from "../../api/queries";
import { columns } from "../../catalog/batches";
import { severityOf, statusOf } from "../../shared/codes";
import { formatDay, shiftDay, shortDay } from "../../shared/days";
import { Failure } from "../../shared/states";
import { SmallChart } from "../../shared/small-chart";
import { counted, formatBand, formatScore, formatValue } from "../../shared/units";
import { LABELS, Mark } from "../../shared/verdict";
import { paths } from "../../state/paths";
import { Timeline } from "./timeline";
import { stateClass, stateText } from "./words";
import { addStyle } from "../../shared/styles";
import style from "./incidents.css?inline";

addStyle(style);

type Incident = Schemas["IncidentOut"];
type Found = Schemas["FindingOut"];

const CHARTS = 3;
const BEFORE_DAYS = 45;
const ROWS = 40;

/** The worst finding of each series, worst series first. */
export function worstBySeries(findings: readonly Found[]): Found[] {
  const seen = new Map<string, Found>();
  for (const one of findings) if (!seen.has(one.id)) seen.set(one.id, one);
  return [...seen.values()];
}

export function SeverityTag({ severity }: { severity: number }) {
  const word = severityOf(severity) ?? "none";
  return <span className={`l-severity l-severity-${word}`}>{word}</span>;
}

function Charts({ incident, worst }: { incident: Incident; worst: readonly Found[] }) {
  const { summary } = incident;
  const shown = worst.slice(0, CHARTS);
  const range = { from: shiftDay(summary.first, -BEFORE_DAYS), to: shiftDay(summary.last, 7) };
  const batch = useBatch(shown.map((one) => one.id), range);
  return (
    <>
      {batch.error !== null && <Failure error={batch.error} what="charts" retry={() => void batch.refetch()} />}
      <div className="l-incident-charts">
        {shown.map((one) => (
          <div key={one.id} className="l-panel l-card">
            <SmallChart
              title={
                <Link to={paths.metric(summary.project, one.id, { day: one.key })}>
                  {one.metric} <span className="l-muted">{one.subject}</span>
                </Link>
              }
              name={`${one.metric} of ${one.subject}`}
              side={formatValue(one.value, one.unit)}
              status={statusOf(one.status)}
              unit={one.unit}
              columns={batch.data ? columns(batch.data, one.id) : null}
              height={150}
            />
          </div>
        ))}
      </div>
    </>
  );
}

function Findings({ incident, worst }: { incident: Incident; worst: readonly Found[] }) {
  const { summary } = incident;
  return (
    <section className="l-panel l-scroll" style={{ padding: 0 }} aria-label="Affected series" tabIndex={0}>
      <table className="l-table">
        <thead>
          <tr>
            <th scope="col">Series</th>
            <th scope="col">Worst day</th>
            <th scope="col" className="l-num">
              Value
            </th>
            <th scope="col">Expected</th>
            <th scope="col" className="l-num">
              Score
            </th>
            <th scope="col" className="l-wide-only">
              What the rule says
            </th>
          </tr>
        </thead>
        <tbody>
          {worst.slice(0, ROWS).map((one) => (
            <tr key={one.id}>
              <td className="l-finding">
                <span className="l-row l-nowrap">
                  <Mark status={statusOf(one.status) ?? "anomaly"} size={11} label={LABELS[statusOf(one.status) ?? "anomaly"]} />
                  <Link to={paths.metric(summary.project, one.id, { day: one.key })}>
                    {one.metric} <span className="l-muted">{one.subject}</span>
                  </Link>
                </span>
              </td>
              <td>{shortDay(one.key)}</td>
              <td className="l-num">{formatValue(one.value, one.unit)}</td>
              <td>{formatBand(one.lower, one.upper, one.unit)}</td>
              <td className="l-num">{formatScore(one.score)}</td>
              <td className="l-wide-only l-muted">
                {one.sentence}
                {one.why && ` · ${one.why}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {worst.length > ROWS && (
        <p className="l-muted" style={{ padding: "8px 10px" }}>
          and {counted(worst.length - ROWS, "more series", "more series")}: <Link className="l-link" to={paths.explore({ q: `incident:${summary.id}` })}>in the explorer</Link>
        </p>
      )}
    </section>
  );
}

export function IncidentView({ incident, heading = "h1", children }: { incident: Incident; heading?: "h1" | "h2"; children?: React.ReactNode }) {
  const { summary } = incident;
  const worst = worstBySeries(incident.findings);
  const Heading = heading;
  return (
    <article className="l-stack" aria-label={summary.title}>
      <header>
        <p className="l-crumbs">
          <Link to={paths.project(summary.project)}>{summary.project}</Link> / incident <span className="l-mono">{summary.id}</span>
        </p>
        <Heading className="l-row">
          <SeverityTag severity={summary.severity} />
          <span>{summary.title}</span>
        </Heading>
        <p className="l-row l-muted">
          <span className={stateClass(summary.state)}>{stateText(summary)}</span>
          <span>
            {formatDay(summary.first)}
            {summary.last !== summary.first && ` to ${formatDay(summary.last)}`}
          </span>
          <span>{counted(summary.series, "series", "series")}</span>
          <span>{counted(summary.findings, "finding")}</span>
          <span>{summary.assignee ? `assigned to ${summary.assignee}` : "assigned to nobody"}</span>
        </p>
        <p className="l-sentence">{summary.sentence}</p>
        {summary.cause && <p className="l-muted">In common: {summary.cause}</p>}
        {summary.upstream.length > 0 && (
          <p>
            Probably caused by{" "}
            {summary.upstream.map((id) => (
              <Link key={id} className="l-link l-mono" to={paths.incident(id)}>
                {id}{" "}
              </Link>
            ))}
          </p>
        )}
      </header>
      {children}
      <Charts incident={incident} worst={worst} />
      <div className="l-incident">
        <Findings incident={incident} worst={worst} />
        <Timeline entries={incident.timeline} />
      </div>
    </article>
  );
}
