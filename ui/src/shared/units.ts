// Numbers as people read them: the front end's twin of `lupus.model.units.format_value`. Exact values stay in tooltips.

const LARGE: [number, string][] = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
];

/** `value` with three significant digits (or `digits`), grouped, without its unit. */
export function significant(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinity" : "-infinity";
  const size = Math.abs(value);
  if (size >= 1e15) return value.toExponential(digits - 1);
  for (const [scale, letter] of LARGE) {
    if (size >= scale) return `${trimmed(value / scale, digits)}${letter}`;
  }
  if (size >= 10 ** (digits - 1)) return grouped(value, Math.max(0, digits - String(Math.trunc(size)).length));
  if (size !== 0 && size < 1e-4) return value.toExponential(digits - 1);
  return trimmed(value, digits);
}

/** `value` with its unit: a ratio is a percentage, any other unit follows the number. */
export function formatValue(value: number | null | undefined, unit = "", digits = 3): string {
  if (value === null || value === undefined) return "–";
  if (unit === "ratio") return `${percent(value, digits)} %`;
  const text = significant(value, digits);
  if (unit === "rows") return text === "1" ? "1 row" : `${text} rows`;
  return unit ? `${text} ${unit}` : text;
}

/** What stands beside an axis: no unit but the percent sign, because the caption has it. */
export function formatTick(value: number, unit: string, digits = 3): string {
  return unit === "ratio" ? `${significant(100 * value, digits)} %` : significant(value, digits);
}

/** A band with its unit said once; either side may be open. */
export function formatBand(low: number | null | undefined, high: number | null | undefined, unit = ""): string {
  const open = (value: number | null | undefined) => value === null || value === undefined;
  if (open(low) && open(high)) return "";
  if (open(low)) return `at most ${formatValue(high, unit)}`;
  if (open(high)) return `at least ${formatValue(low, unit)}`;
  const [first, last] = [formatValue(low, unit), formatValue(high, unit)];
  const space = last.indexOf(" ");
  const suffix = space < 0 ? "" : last.slice(space);
  return `${suffix && first.endsWith(suffix) ? first.slice(0, -suffix.length) : first} … ${last}`;
}

/** A score: one decimal below a hundred. A score of 1 is the edge of the band. */
export function formatScore(score: number | null | undefined): string {
  if (score === null || score === undefined) return "";
  return score < 100 ? score.toFixed(1) : significant(score);
}

/** The share of a score bar that is filled: logarithmic, so that 3 and 30 differ as much as 30 and 300. */
export function scoreShare(score: number | null | undefined): number {
  if (!score || score <= 0) return 0;
  return Math.min(1, Math.log10(1 + score) / 3);
}

/** `3 days`, `1 day`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

function percent(value: number, digits: number): string {
  let text = significant(100 * value, digits);
  // The distance from 100 % is what matters here, so that is what gets the digits.
  for (let more = digits + 1; value > 0.99 && value < 1 && text === "100" && more < 16; more++) {
    text = significant(100 * value, more);
  }
  return text;
}

function trimmed(value: number, digits: number): string {
  const text = value.toPrecision(digits);
  const plain = text.includes("e") ? String(Number(text)) : text;
  const short = plain.includes(".") ? plain.replace(/\.?0+$/, "") : plain;
  return short === "-0" ? "0" : short;
}

function grouped(value: number, decimals: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}
