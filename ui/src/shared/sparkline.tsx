// A line of days in a few dozen pixels: own SVG, because fifty canvases cost more than fifty paths.
import { memo } from "react";
import type { Status } from "./verdict";

export interface Strand {
  y: readonly (number | null)[];
  lo?: readonly (number | null)[];
  hi?: readonly (number | null)[];
  /** The verdict of each interval, null where none was judged. */
  v?: readonly (Status | null)[];
}

interface Props extends Strand {
  width?: number;
  height?: number;
  /** What it shows, for those who do not see it; without it the picture is decoration. */
  label?: string;
}

const PAD = 3.5;

/** Bounds of what is drawn. The band widens them only so far: one wild bound must not flatten the line. */
function bounds({ y, lo = [], hi = [] }: Strand): [number, number] {
  let least = Infinity;
  let most = -Infinity;
  for (const value of y) {
    if (value === null) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (least > most) return [0, 1];
  const slack = (most - least || Math.abs(most) || 1) * 0.6;
  const [floor, ceiling] = [least - slack, most + slack];
  for (const value of lo) if (value !== null && value < least) least = Math.max(value, floor);
  for (const value of hi) if (value !== null && value > most) most = Math.min(value, ceiling);
  return least === most ? [least - 1, most + 1] : [least, most];
}

export const Sparkline = memo(function Sparkline({ width = 280, height = 36, label, ...strand }: Props) {
  const { y, lo, hi, v } = strand;
  const [least, most] = bounds(strand);
  const step = (width - 2 * PAD) / Math.max(1, y.length - 1);
  const px = (index: number) => (PAD + index * step).toFixed(1);
  const py = (value: number) => {
    const inside = Math.min(most, Math.max(least, value));
    return (height - PAD - ((inside - least) / (most - least)) * (height - 2 * PAD)).toFixed(1);
  };
  let line = "";
  let band = "";
  let open = false;
  let from = -1;
  for (let index = 0; index <= y.length; index++) {
    const value = y[index] ?? null;
    if (value !== null) {
      line += `${open ? "L" : "M"}${px(index)} ${py(value)}`;
      // A single point between gaps would be no line at all.
      if (!open && (y[index + 1] ?? null) === null) line += "h.01";
    }
    open = value !== null;
    const banded = index < y.length && (lo?.[index] ?? null) !== null && (hi?.[index] ?? null) !== null;
    if (banded && from < 0) from = index;
    if (!banded && from >= 0) {
      let back = "";
      for (let at = from; at < index; at++) {
        band += `${at === from ? "M" : "L"}${px(at)} ${py(hi![at]!)}`;
        back = `L${px(at)} ${py(lo![at]!)}${back}`;
      }
      band += `${back}Z`;
      from = -1;
    }
  }
  return (
    <svg className="l-spark" width={width} height={height} role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : true}>
      {band && <path d={band} className="l-spark-band" />}
      <path d={line} className="l-spark-line" />
      {v?.map((status, index) => {
        const value = y[index] ?? null;
        if (status === "anomaly" && value !== null) {
          return <circle key={index} cx={px(index)} cy={py(value)} r="2.4" className="l-spark-anomaly" />;
        }
        if ((status === "no_data" || status === "error") && value === null) {
          return <path key={index} d={`M${px(index)} ${height - 1}v-5`} className="l-spark-gap" />;
        }
        return null;
      })}
    </svg>
  );
});
