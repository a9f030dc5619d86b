// One series as a line of the list.
import { memo } from "react";
import { Link } from "react-router-dom";
import type { Columns } from "../../catalog/batches";
import type { Entry } from "../../catalog/catalog";
import { Sparkline } from "../../shared/sparkline";
import { formatBand, formatScore, formatValue, scoreShare } from "../../shared/units";
import { LABELS, Mark, type Status } from "../../shared/verdict";

interface Props {
  entry: Entry;
  status: Status | null;
  score: number | null;
  value: number | null;
  columns: Columns | null;
  to: string;
  sparkWidth: number;
  overlaid: boolean;
  onPin: () => void;
}

/** `metric · column [segment]`, as every list writes it. */
export function SeriesName({ entry }: { entry: Entry }) {
  return (
    <>
      <strong>{entry.metric}</strong>
      {entry.column && (
        <>
          {" · "}
          <code>{entry.column}</code>
        </>
      )}
      {entry.segment && <span className="l-tag l-segment">{entry.segment}</span>}
    </>
  );
}

export const SeriesRow = memo(function SeriesRow({ entry, status, score, value, columns, to, sparkWidth, overlaid, onPin }: Props) {
  // The newest day that was judged: on a later one there is no band yet.
  const last = columns ? columns.v.findLastIndex((one) => one !== null) : -1;
  const found = status === "anomaly" || status === "error" || status === "no_data";
  return (
    <>
      <span role="gridcell" className="l-series-mark">
        <Mark status={status ?? "ok"} label={status ? LABELS[status] : "not judged"} />
      </span>
      <span role="gridcell" className="l-series-name">
        <Link to={to} tabIndex={-1} className="l-clip">
          <SeriesName entry={entry} />
        </Link>
        <span className="l-muted l-clip l-series-where">
          {[entry.project, entry.group, entry.table].filter(Boolean).join(" / ")}
          {overlaid && <span className="l-tag l-segment">overlaid</span>}
        </span>
      </span>
      <span role="gridcell" className="l-series-spark">
        {columns && <Sparkline y={columns.y} lo={columns.lo} hi={columns.hi} v={columns.v} width={sparkWidth} height={38} />}
      </span>
      <span role="gridcell" className={found ? "l-num l-red" : "l-num l-series-value"} title={value === null ? undefined : String(value)}>
        {formatValue(value, entry.unit)}
      </span>
      <span role="gridcell" className="l-num l-muted l-series-band">
        {columns && last >= 0 ? formatBand(columns.lo[last], columns.hi[last], entry.unit) : ""}
      </span>
      <span role="gridcell" className="l-series-score">
        {score !== null && found && (
          <>
            <span className="l-row l-between">
              <span className="l-muted">score</span>
              <strong className="l-num">{formatScore(score)}</strong>
            </span>
            <span className="l-score">
              <span style={{ width: `${100 * scoreShare(score)}%` }} />
            </span>
          </>
        )}
      </span>
      <span role="gridcell" className="l-series-pin">
        <button type="button" className="l-button l-small" tabIndex={-1} onClick={onPin} aria-label={`Pin ${entry.metric} ${entry.column} to a dashboard`}>
          + Pin
        </button>
      </span>
    </>
  );
});
