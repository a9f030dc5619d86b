// The same numbers as a table, newest first.
import { useState } from "react";
import { statusOf } from "../../shared/codes";
import { formatDay } from "../../shared/days";
import { formatScore, formatValue } from "../../shared/units";
import { LABELS, Mark } from "../../shared/verdict";
import type { Series } from "./metric";

const FIRST = 14;

export function ValueTable({ series, day, onDay }: { series: Series; day: string; onDay: (key: string) => void }) {
  const [all, setAll] = useState(false);
  const { keys } = series.axis;
  const unit = series.info.unit;
  const places = Array.from(keys.keys()).reverse().slice(0, all ? keys.length : FIRST);
  const sentences = new Map(series.sentences.map((one) => [one.at, one.text]));
  return (
    <section className="l-panel l-scroll" style={{ padding: 0 }} tabIndex={0} aria-label="Values">
      <table className="l-table">
        <thead>
          <tr>
            <th scope="col">{series.envelope ? "Week" : "Day"}</th>
            <th scope="col" className="l-num">
              Value
            </th>
            <th scope="col" className="l-num">
              {series.envelope ? "Least" : "Expected low"}
            </th>
            <th scope="col" className="l-num">
              {series.envelope ? "Greatest" : "Expected high"}
            </th>
            <th scope="col" className="l-num l-wide-only">
              Rows
            </th>
            <th scope="col" className="l-num">
              Score
            </th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          {places.map((at) => {
            const key = keys[at]!;
            const status = statusOf(series.v[at] ?? -1);
            const value = series.y[at] ?? null;
            return (
              <tr key={key} className={key === day ? "l-at" : undefined}>
                <td>
                  <button type="button" className="l-plain" aria-current={key === day ? "date" : undefined} onClick={() => onDay(key)}>
                    {formatDay(key)}
                  </button>
                </td>
                <td className="l-num" title={value === null ? series.failures[at] : String(value)}>
                  <strong>{formatValue(value, unit)}</strong>
                  {value === null && series.failures[at] && <span className="l-muted l-clip l-failed"> {series.failures[at]}</span>}
                </td>
                <td className="l-num">{formatValue(series.lo[at], unit)}</td>
                <td className="l-num">{formatValue(series.hi[at], unit)}</td>
                <td className="l-num l-wide-only">{series.n[at]?.toLocaleString("en") ?? "–"}</td>
                <td className="l-num">{formatScore(series.sc[at])}</td>
                <td title={sentences.get(at)}>
                  {status ? (
                    <span className="l-row" style={{ gap: 6, flexWrap: "nowrap" }}>
                      <Mark status={status} size={11} />
                      <span>{LABELS[status]}</span>
                    </span>
                  ) : (
                    <span className="l-muted">not judged</span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {!all && keys.length > FIRST && (
        <p style={{ padding: 8 }}>
          <button type="button" className="l-button l-small" onClick={() => setAll(true)}>
            All {keys.length.toLocaleString("en")}
          </button>
        </p>
      )}
    </section>
  );
}
