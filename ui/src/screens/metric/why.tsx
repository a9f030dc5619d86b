// Why it moved: the rule, what the segments contribute, what else moved that day, the incident.
import { Link } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { useWhy } from "../../api/queries";
import { isFinding } from "../../shared/codes";
import { shortDay } from "../../shared/days";
import { Show } from "../../shared/states";
import { formatScore, formatValue, significant } from "../../shared/units";
import { Mark, type Status } from "../../shared/verdict";
import { paths } from "../../state/paths";
import type { Series } from "./metric";

const MOST = 6;

function Split({ split, unit }: { split: Schemas["SplitOut"]; unit: string }) {
  const most = Math.max(...split.contributions.map((one) => Math.abs(one.share ?? 0)), 0.01);
  return (
    <div className="l-split">
      {split.contributions.slice(0, MOST).map((one) => (
        <div key={one.segment} title={`${formatValue(one.before, unit)} before, ${formatValue(one.after, unit)} now`}>
          <span className="l-row l-between">
            <span className="l-clip">{one.segment || "(rest)"}</span>
            <strong>{one.share === null ? formatValue(one.effect, unit) : `${significant(100 * one.share)} % of the change`}</strong>
          </span>
          <span className="l-score">
            <span style={{ width: `${(100 * Math.abs(one.share ?? 0)) / most}%` }} />
          </span>
        </div>
      ))}
    </div>
  );
}

/** A rule in one line: its name and the parameters that people ask about. */
function ruleText(rule: Record<string, unknown>): string {
  const shown = Object.entries(rule).filter(([key, value]) => !["name", "where", "kind"].includes(key) && ["string", "number", "boolean"].includes(typeof value));
  return shown.map(([key, value]) => `${key.replaceAll("_", " ")} ${String(value)}`).join(" · ");
}

function Rules({ rules, series }: { rules: readonly Record<string, unknown>[]; series: Series }) {
  return (
    <>
      {rules.map((rule, index) => {
        const name = String(rule.name ?? series.rules[index] ?? "rule");
        return (
          <p key={name} className="l-muted">
            Rule{" "}
            <Link className="l-link" to={paths.rule(series.info.project, name, { s: series.info.id })}>
              {name}
            </Link>
            {rule.kind !== undefined && ` (${String(rule.kind)})`} {ruleText(rule)}
          </p>
        );
      })}
    </>
  );
}

function Reasons({ why, series, status }: { why: Schemas["WhyOut"]; series: Series; status: Status | null }) {
  const moved = why.moved.filter((one) => one.id !== series.info.id);
  return (
    <>
      <Rules rules={why.rules} series={series} />
      {why.clause && <p>{why.clause}</p>}
      {why.splits.map((split) => (
        <Split key={split.columns.join()} split={split} unit={series.info.unit} />
      ))}
      {why.problems.map((problem) => (
        <p key={problem} className="l-muted">
          {problem}
        </p>
      ))}
      {moved.length > 0 && (
        <section>
          <h3>{isFinding(status) ? "Moved on the same day" : "Findings of the same day"}</h3>
          <ul className="l-moved">
            {moved.slice(0, MOST).map((one) => (
              <li key={one.id}>
                <Link to={paths.metric(series.info.project, one.id, { day: why.key })} title={one.sentence} className="l-row">
                  <Mark status="anomaly" size={11} />
                  <span className="l-clip" style={{ flex: 1 }}>
                    {one.metric} · {one.subject}
                  </span>
                  <span className="l-num l-muted">{formatScore(one.score)}</span>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

export function Why({ series, day, status }: { series: Series; day: string; status: Status | null }) {
  // Without a value there is nothing that moved: that question would only be refused.
  const valued = (series.y[series.axis.keys.indexOf(day)] ?? null) !== null;
  const why = useWhy(series.info.id, day, valued);
  return (
    <aside className="l-panel l-why l-stack" aria-label="Why">
      <h2>Why{day && <span className="l-muted"> · {shortDay(day)}</span>}</h2>
      {valued ? (
        <Show query={why} what="explanation" lines={5}>
          {(found) => (
            <div className="l-stack">
              <Reasons why={found} series={series} status={status} />
            </div>
          )}
        </Show>
      ) : (
        <p className="l-muted">{day ? series.failures[series.axis.keys.indexOf(day)] || "There is no value on this day." : "Nothing was measured in this range."}</p>
      )}
      {series.incidents.length > 0 && (
        <section>
          <h3>Incidents</h3>
          <p className="l-row">
            {series.incidents.slice(0, 5).map((id) => (
              <Link key={id} className="l-button l-small l-mono" to={paths.incident(id)}>
                {id}
              </Link>
            ))}
          </p>
        </section>
      )}
    </aside>
  );
}
