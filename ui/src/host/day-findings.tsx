// Every metric of one interval with its verdict, anomalies first.
import { useState } from "react";
import { Link } from "react-router-dom";
import type { Schemas } from "../api/client";
import { useDay } from "../api/queries";
import { isFinding, statusOf } from "../shared/codes";
import { formatDay } from "../shared/days";
import { Empty, Show } from "../shared/states";
import { counted, formatBand, formatScore, formatValue } from "../shared/units";
import { LABELS, Mark } from "../shared/verdict";
import { paths, token } from "../state/paths";

type Row = Schemas["DayRow"];

const STEP = 60;

function Line({ project, day, row }: { project: string; day: string; row: Row }) {
  const status = statusOf(row.status);
  return (
    <tr>
      <td>
        <span className="l-row" style={{ flexWrap: "nowrap" }}>
          <Mark status={status ?? "ok"} size={12} label={status ? LABELS[status] : "not judged"} />
          <span>
            <Link to={paths.metric(project, row.id, { day })}>
              <strong>{row.metric}</strong>
              {row.column && (
                <>
                  {" · "}
                  <code>{row.column}</code>
                </>
              )}
            </Link>
            {row.segment && <span className="l-tag l-segment">{row.segment}</span>}
            <span className="l-muted l-sub-line">{isFinding(status) ? row.sentence || row.failure : [row.group, row.table].filter(Boolean).join(" / ")}</span>
          </span>
        </span>
      </td>
      <td className="l-num" title={row.value === null ? row.failure : String(row.value)}>
        <strong className={isFinding(status) ? "l-red" : undefined}>{formatValue(row.value, row.unit)}</strong>
      </td>
      <td className="l-num l-muted l-wide-only">{formatBand(row.lower, row.upper, row.unit)}</td>
      <td className="l-num">{isFinding(status) ? formatScore(row.score) : ""}</td>
    </tr>
  );
}

/** `day` is an interval's key, or `latest`. */
export function DayFindings({ project, day }: { project: string; day: string }) {
  const query = useDay(project, day, 2000);
  const [shown, setShown] = useState(STEP);
  return (
    <Show query={query} what="day">
      {(data) => {
        if (data.rows.length === 0) {
          return (
            <Empty title={`Nothing was measured for ${data.key}.`}>
              <p>The run has not come to its stage measure, or it failed before. The logs of its tasks say why.</p>
            </Empty>
          );
        }
        const findings = data.rows.filter((row) => isFinding(statusOf(row.status))).length;
        return (
          <section className="l-panel l-scroll" tabIndex={0} aria-label={`Metrics of ${data.key}`}>
            <div className="l-row l-between">
              <h2>
                {formatDay(data.key)}: {counted(findings, "finding")} in {counted(data.total, "series", "series")}
              </h2>
              <Link className="l-button l-small" to={paths.explore({ q: token("project", project), day: data.key })}>
                Open in the explorer
              </Link>
            </div>
            <table className="l-table">
              <thead>
                <tr>
                  <th scope="col">Metric</th>
                  <th scope="col" className="l-num">
                    Value
                  </th>
                  <th scope="col" className="l-num l-wide-only">
                    Expected
                  </th>
                  <th scope="col" className="l-num">
                    Score
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.rows.slice(0, shown).map((row) => (
                  <Line key={row.id} project={project} day={data.key} row={row} />
                ))}
              </tbody>
            </table>
            {data.rows.length > shown && (
              <p style={{ paddingTop: 8 }}>
                <button type="button" className="l-button l-small" onClick={() => setShown((before) => before + 10 * STEP)}>
                  More ({(data.rows.length - shown).toLocaleString("en")})
                </button>
              </p>
            )}
          </section>
        );
      }}
    </Show>
  );
}
