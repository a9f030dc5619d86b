// One series with its band, its anomalies and what happened to it. uPlot draws lines and axes; the rest is drawn on top.
import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { useTheme } from "../state/theme";
import { dayToX, formatDay, xToDay } from "./days";
import { drawAnomalies, drawExclusions, drawLimits, drawMarkers, hatching } from "./drawing";
import { formatBand, formatScore, formatTick, formatValue } from "./units";
import { LABELS, type Status } from "./verdict";

export interface Marker {
  day: string;
  label: string;
  kind: "model_version" | "retraining" | "annotation" | "new_level";
}

export interface Exclusion {
  first: string;
  last: string;
  reason: string;
}

export interface ChartData {
  days: readonly string[];
  y: readonly (number | null)[];
  lo?: readonly (number | null)[];
  hi?: readonly (number | null)[];
  v?: readonly (Status | null)[];
  score?: readonly (number | null)[];
  /** From this position on, labels are still arriving: the line is dashed. */
  immatureFrom?: number;
  /** Of an envelope of weeks: every anomaly as (seconds, value); `lo` and `hi` are the week's extremes then. */
  points?: readonly (readonly [number, number])[];
}

export interface Overlay {
  name: string;
  unit: string;
  y: readonly (number | null)[];
}

interface Props {
  data: ChartData;
  unit: string;
  /** What the figure shows, in one sentence. */
  label: string;
  height?: number;
  markers?: readonly Marker[];
  exclusions?: readonly Exclusion[];
  overlays?: readonly Overlay[];
  /** Small charts have no caption and fewer ticks. */
  small?: boolean;
  /** Where the plot begins and how wide it is, in pixels, whenever that changes. */
  onPlot?: (left: number, width: number) => void;
  onZoom?: (first: string, last: string) => void;
  /** Shift-drag, or shift-enter on a day. */
  onSelect?: (first: string, last: string) => void;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAY = 86_400;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;
/** Steps of the axis of days: nothing below a day, or every tick of a short range would be an hour of one. */
const DAY_STEPS = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15].map((days) => days * DAY),
  ...[1, 2, 3, 4, 6].map((months) => months * MONTH),
  ...[1, 2, 5, 10, 25, 50].map((years) => years * YEAR),
];

/** Ticks of the time axis: the day, with the year where it changes. */
function dateTicks(splits: number[], increment: number, withYear: boolean): string[] {
  let year = withYear ? 0 : new Date((splits[0] ?? 0) * 1000).getUTCFullYear();
  return splits.map((x) => {
    const date = new Date(x * 1000);
    const month = MONTHS[date.getUTCMonth()];
    const text = increment >= 26 * 86_400 ? `${month}` : `${date.getUTCDate()} ${month}`;
    const shown = increment < 86_400 ? `${text}\n${date.toISOString().slice(11, 16)}` : text;
    if (date.getUTCFullYear() === year) return shown;
    year = date.getUTCFullYear();
    return `${shown}\n${year}`;
  });
}

/** The sentence of one interval, for the caption and for those who listen. */
export function pointSentence(data: ChartData, unit: string, index: number): string {
  const day = data.days[index];
  if (!day) return "";
  const value = data.y[index] ?? null;
  const status = data.v?.[index] ?? null;
  const band = formatBand(data.lo?.[index], data.hi?.[index], unit);
  if (data.points) return `Week of ${formatDay(day)}: mean ${formatValue(value, unit)}${band ? ` · from ${band}` : ""}`;
  const score = data.score?.[index] ?? null;
  const parts = [`${formatDay(day)}: ${value === null ? "no value" : formatValue(value, unit)}`];
  if (band) parts.push(`expected ${band}`);
  if (status) parts.push(score !== null && status === "anomaly" ? `anomaly, score ${formatScore(score)}` : LABELS[status]);
  return parts.join(" · ");
}

export const Chart = memo(function Chart(props: Props) {
  const { data, unit, label, height = 300, small = false, overlays = [] } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const last = data.days.length - 1;
  const [cursor, setCursor] = useState<number | null>(null);
  const [heard, setHeard] = useState("");
  const colours = useTheme();
  const x = useMemo(() => data.days.map(dayToX), [data.days]);
  const hourly = data.days.some((day) => day.length > 10);
  const overlayNames = overlays.map((one) => one.name).join("\n");

  useEffect(() => {
    const root = box.current;
    if (!root) return undefined;
    const hatch = hatching(colours.muted);
    let shifted = false;
    const font = `12px ${getComputedStyle(root).fontFamily}`;
    const axisFont = small ? font.replace("12px", "11px") : font;
    const widest = (_plot: uPlot, values: string[] | null): number => {
      const context = _plot.ctx;
      context.save();
      context.font = axisFont;
      const most = Math.max(0, ...(values ?? []).map((text) => context.measureText(text ?? "").width));
      context.restore();
      return Math.ceil(most) + 14;
    };
    const axis = { stroke: colours.muted, font: axisFont, grid: { stroke: colours.grid, width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      width: Math.max(120, root.clientWidth),
      height,
      padding: [small ? 6 : 14, small ? 14 : 22, 0, 0],
      legend: { show: false },
      tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "Etc/UTC"),
      scales: {
        x: { time: true },
        y: { range: (_plot, low, high) => valueRange(latest.current.data, low, high) },
      },
      cursor: {
        y: false,
        points: { size: 7, fill: colours.line },
        drag: { x: Boolean(latest.current.onZoom || latest.current.onSelect), y: false, setScale: false },
        bind: {
          mousedown: (_plot, _target, handler) => (event: MouseEvent) => {
            shifted = event.shiftKey;
            return handler(event) as null;
          },
        },
      },
      axes: [
        {
          ...axis,
          incrs: hourly ? undefined : DAY_STEPS,
          values: (_plot, splits, _axis, _space, increment) => dateTicks(splits, increment, !small),
          size: small ? 24 : 42,
          space: small ? 56 : 70,
        },
        {
          ...axis,
          size: widest,
          space: small ? 34 : 44,
          values: (_plot, splits) => tickTexts(splits, unit),
        },
      ],
      series: [
        {},
        { stroke: colours.line, width: 1.6, points: { show: false, size: 4 } },
        { stroke: colours.line, width: 1.6, dash: [5, 4], points: { show: false } },
        { stroke: "transparent", points: { show: false } },
        { stroke: "transparent", points: { show: false } },
        ...overlays.map((one, index) => ({
          label: one.name,
          stroke: colours.overlays[index % colours.overlays.length],
          width: 1.3,
          scale: one.unit === unit ? "y" : `o${index}`,
          points: { show: false },
        })),
      ],
      bands: [{ series: [4, 3], fill: colours.band }],
      hooks: {
        drawClear: [
          (drawn) => drawLimits(drawn, latest.current.data, colours.band),
          (drawn) => drawExclusions(drawn, latest.current.exclusions ?? [], hatch),
        ],
        draw: [
          (drawn) => drawMarkers(drawn, latest.current.markers ?? [], colours, !small),
          (drawn) => drawAnomalies(drawn, latest.current.data, colours, small),
        ],
        drawAxes: [(drawn) => latest.current.onPlot?.(drawn.bbox.left / devicePixelRatio, drawn.bbox.width / devicePixelRatio)],
        setCursor: [(drawn) => setCursor(drawn.cursor.idx ?? null)],
        setSelect: [
          (drawn) => {
            const { left, width } = drawn.select;
            if (width < 4) return;
            const first = xToDay(drawn.posToVal(left, "x"));
            const end = xToDay(drawn.posToVal(left + width, "x"));
            drawn.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            const { onSelect, onZoom } = latest.current;
            (shifted && onSelect ? onSelect : onZoom)?.(first, end);
          },
        ],
      },
    };
    const made = new uPlot(options, [[], [], [], [], []] as unknown as uPlot.AlignedData, root);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      const width = Math.max(120, root.clientWidth);
      if (Math.abs(width - made.width) > 1) made.setSize({ width, height: latest.current.height ?? height });
    });
    observer.observe(root);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // The series of a plot are fixed when it is made; data comes below.
  }, [colours, unit, small, height, overlayNames, hourly]);

  useEffect(() => {
    const from = data.immatureFrom ?? data.y.length;
    const firm = data.y.map((value, index) => (index < from ? value : null));
    const soft = data.y.map((value, index) => (index >= from - 1 && from < data.y.length ? value : null));
    const columns = [x, firm, soft, data.lo ?? [], data.hi ?? [], ...overlays.map((one) => one.y)];
    const full = columns.map((column) => (column.length === x.length ? column : x.map(() => null)));
    plot.current?.setData(full as unknown as uPlot.AlignedData);
    // `overlays` is a new list on every rendering; its names and the data's days say when it has changed.
  }, [data, x, overlays, colours, unit, small, height, overlayNames, hourly]);

  useEffect(() => plot.current?.redraw(false), [props.markers, props.exclusions]);

  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -1e9, End: 1e9 };
    const step = steps[event.key];
    const at = cursor ?? last;
    if (step === undefined) {
      const day = data.days[at];
      if (event.key === "Enter" && event.shiftKey && props.onSelect && day) props.onSelect(day, day);
      return;
    }
    event.preventDefault();
    const next = Math.max(0, Math.min(last, cursor === null && Math.abs(step) < 1e8 ? last : at + step));
    const drawn = plot.current;
    drawn?.setCursor({ left: drawn.valToPos(x[next] ?? 0, "x"), top: 0 });
    setCursor(next);
    setHeard(pointSentence(data, unit, next));
  };

  return (
    <figure className={small ? "l-chart l-chart-small" : "l-chart"} tabIndex={0} aria-label={label} onKeyDown={move} onBlur={() => setHeard("")}>
      {!small && (
        <figcaption className="l-chart-caption">
          <span className="l-readout">{pointSentence(data, unit, cursor ?? last)}</span>
        </figcaption>
      )}
      <div ref={box} className="l-plot" style={{ height }} />
      <span className="l-hidden" aria-live="polite">
        {heard}
      </span>
    </figure>
  );
});

/** The range of the value axis: all values; the band only so far that it cannot flatten the line. */
function valueRange(data: ChartData, low: number | null, high: number | null): uPlot.Range.MinMax {
  const values = data.y.filter((value): value is number => value !== null);
  for (const [, value] of data.points ?? []) values.push(value);
  if (values.length === 0) return [low ?? 0, high ?? 1];
  let [least, most] = [Math.min(...values), Math.max(...values)];
  const slack = (most - least || Math.abs(most) || 1) * 0.5;
  const [floor, ceiling] = [least - slack, most + slack];
  least = Math.max(floor, Math.min(least, low ?? least));
  most = Math.min(ceiling, Math.max(most, high ?? most));
  if (least === most) return [least - (Math.abs(least) * 0.1 || 1), most + (Math.abs(most) * 0.1 || 1)];
  const margin = (most - least) * 0.08;
  return [least >= 0 && least - margin < 0 ? 0 : least - margin, most + margin];
}

/** Tick texts with as many digits as it takes to tell neighbours apart. */
function tickTexts(splits: number[], unit: string): string[] {
  for (let digits = 3; digits < 8; digits++) {
    const texts = splits.map((value) => formatTick(value, unit, digits));
    if (new Set(texts).size === texts.length) return texts;
  }
  return splits.map((value) => formatTick(value, unit, 8));
}
