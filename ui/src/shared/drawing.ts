// What uPlot does not draw: anomalies, excluded days, events.
import type uPlot from "uplot";
import type { Theme } from "../state/theme";
import type { ChartData, Exclusion, Marker } from "./chart";
import { dayToX } from "./days";

const DAY_SECONDS = 86_400;

/** Diagonal lines, as a pattern. */
export function hatching(colour: string): CanvasPattern | null {
  const tile = document.createElement("canvas");
  const size = 8 * devicePixelRatio;
  tile.width = size;
  tile.height = size;
  const context = tile.getContext("2d");
  if (!context) return null;
  context.strokeStyle = colour;
  context.globalAlpha = 0.45;
  context.lineWidth = 1.5 * devicePixelRatio;
  for (const offset of [-size, 0, size]) {
    context.moveTo(offset, size);
    context.lineTo(offset + size, 0);
  }
  context.stroke();
  return context.createPattern(tile, "repeat");
}

/** Days that no baseline learns from. */
export function drawExclusions(plot: uPlot, exclusions: readonly Exclusion[], hatch: CanvasPattern | null): void {
  const { ctx, bbox } = plot;
  if (!hatch) return;
  ctx.save();
  ctx.fillStyle = hatch;
  for (const one of exclusions) {
    const left = Math.max(bbox.left, plot.valToPos(dayToX(one.first) - DAY_SECONDS / 2, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(dayToX(one.last) + DAY_SECONDS / 2, "x", true));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

/** Where a limit leaves all values of one side: uPlot fills only between two lines. */
export function drawLimits(plot: uPlot, { lo, hi }: Pick<ChartData, "lo" | "hi">, colour: string): void {
  const { ctx, bbox } = plot;
  const days = plot.data[0];
  ctx.save();
  ctx.fillStyle = colour;
  for (let at = 0; at < days.length; at++) {
    const [low, high] = [lo?.[at] ?? null, hi?.[at] ?? null];
    if ((low === null) === (high === null)) continue;
    const [before, after] = [(days[at]! - (days[at - 1] ?? -Infinity)) / 2, ((days[at + 1] ?? Infinity) - days[at]!) / 2];
    const [start, end] = [days[at]! - Math.min(before, DAY_SECONDS / 2), days[at]! + Math.min(after, DAY_SECONDS / 2)];
    const left = Math.max(bbox.left, Math.round(plot.valToPos(start, "x", true)));
    const right = Math.min(bbox.left + bbox.width, Math.round(plot.valToPos(end, "x", true)));
    const limit = Math.min(bbox.top + bbox.height, Math.max(bbox.top, plot.valToPos((low ?? high)!, "y", true)));
    if (right <= left) continue;
    if (low === null) ctx.fillRect(left, limit, right - left, bbox.top + bbox.height - limit);
    else ctx.fillRect(left, bbox.top, right - left, limit - bbox.top);
  }
  ctx.restore();
}

/** Dashed lines with a word: a new model version, a retraining, an annotation. */
export function drawMarkers(plot: uPlot, markers: readonly Marker[], colours: Theme, labelled: boolean): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11.5 * ratio}px ${getComputedStyle(plot.root).fontFamily}`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left"; // the axes leave their own behind
  ctx.lineWidth = 1.4 * ratio;
  const taken: [number, number, number][] = [];
  for (const one of markers) {
    const x = Math.round(plot.valToPos(dayToX(one.day), "x", true));
    if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
    ctx.strokeStyle = colours.event;
    ctx.fillStyle = colours.event;
    ctx.setLineDash(one.kind === "annotation" ? [2 * ratio, 3 * ratio] : [6 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (!labelled) continue;
    const text = one.label.length > 32 ? `${one.label.slice(0, 31)}…` : one.label;
    const width = ctx.measureText(text).width;
    // Four rows of labels, to the right of the line or to its left; one that fits nowhere is left to the list below.
    const sides = [x + 5 * ratio, x - width - 5 * ratio].filter((side) => side >= bbox.left && side + width <= bbox.left + bbox.width);
    const spots = [0, 1, 2, 3].flatMap((row) => sides.map((left): [number, number] => [row, left]));
    const spot = spots.find(([row, left]) => taken.every(([at, from, to]) => at !== row || left > to || left + width < from));
    if (!spot) continue;
    const [row, left] = spot;
    taken.push([row, left - 4 * ratio, left + width + 4 * ratio]);
    const top = bbox.top + (2 + 15 * row) * ratio;
    ctx.save();
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = colours.surface;
    ctx.fillRect(left - 2 * ratio, top - ratio, width + 4 * ratio, 14 * ratio);
    ctx.restore();
    ctx.fillText(text, left, top);
  }
  ctx.restore();
}

/** Diamonds on anomalies, triangles on warnings, a foot mark where the value is missing. Always drawn, at any zoom. */
export function drawAnomalies(plot: uPlot, data: ChartData, colours: Theme, small: boolean): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const size = (small ? 3.6 : 5.2) * ratio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - size, bbox.top - size, bbox.width + 2 * size, bbox.height + 2 * size);
  ctx.clip();
  ctx.lineWidth = ratio;
  for (const [at, value] of data.points ?? []) {
    diamond(ctx, plot.valToPos(at, "x", true), plot.valToPos(value, "y", true), size);
    ctx.fillStyle = colours.anomaly;
    ctx.fill();
  }
  data.v?.forEach((status, index) => {
    if (data.points) return; // of a week there is no one value to mark
    if (status === null || status === "ok" || status === "immature") return;
    const value = data.y[index] ?? null;
    const x = plot.valToPos(dayToX(data.days[index] ?? ""), "x", true);
    ctx.beginPath();
    if (value === null) {
      if (status === "warn") return;
      const foot = bbox.top + bbox.height;
      ctx.strokeStyle = colours.anomaly;
      ctx.lineWidth = 2 * ratio;
      ctx.moveTo(x, foot);
      ctx.lineTo(x, foot - 9 * ratio);
      ctx.stroke();
      ctx.lineWidth = ratio;
      return;
    }
    const y = plot.valToPos(value, "y", true);
    if (status === "warn") {
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y + size * 0.8);
      ctx.lineTo(x - size, y + size * 0.8);
    } else {
      diamond(ctx, x, y, size);
    }
    if (status === "warn") ctx.closePath();
    ctx.fillStyle = status === "warn" ? colours.warn : colours.anomaly;
    ctx.fill();
    ctx.strokeStyle = colours.surface;
    ctx.stroke();
  });
  ctx.restore();
}

function diamond(ctx: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(x, y - size);
  ctx.lineTo(x + size, y);
  ctx.lineTo(x, y + size);
  ctx.lineTo(x - size, y);
  ctx.closePath();
}
