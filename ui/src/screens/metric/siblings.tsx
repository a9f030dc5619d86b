// The same metric of the other segments, small.
import { Link } from "react-router-dom";
import { type Range, useBatch } from "../../api/queries";
import { columns } from "../../catalog/batches";
import { statusOf } from "../../shared/codes";
import { Sparkline } from "../../shared/sparkline";
import { LABELS, Mark } from "../../shared/verdict";
import { paths } from "../../state/paths";
import type { Series } from "./metric";

interface Props {
  series: Series;
  range: Range;
  overlay: string;
  onOverlay: (value: string | null) => void;
}

const MOST = 12;

export function Siblings({ series, range, overlay, onOverlay }: Props) {
  const shown = series.siblings.filter((one) => one.id !== series.info.id).slice(0, MOST);
  const batch = useBatch(shown.map((one) => one.id), range);
  if (shown.length === 0) return null;
  const more = series.siblings.length - 1 - shown.length;
  return (
    <div className="l-siblings">
      <h2 className="l-siblings-title">Same metric by segment</h2>
      {shown.map((one) => {
        const found = batch.data ? columns(batch.data, one.id) : null;
        const status = statusOf(one.status);
        return (
          <Link key={one.id} to={paths.metric(series.info.project, one.id)} className="l-sibling">
            <Mark status={status ?? "ok"} size={11} label={status ? LABELS[status] : "not judged"} />
            <span className="l-clip">{one.segment || "(all)"}</span>
            {found ? <Sparkline y={found.y} lo={found.lo} hi={found.hi} v={found.v} width={104} height={26} /> : <span style={{ width: 104, height: 26 }} />}
          </Link>
        );
      })}
      {more > 0 && <span className="l-muted">and {more} more</span>}
      <button type="button" className="l-button l-small" aria-pressed={overlay === "all"} onClick={() => onOverlay(overlay ? null : "all")}>
        Overlay all
      </button>
    </div>
  );
}
