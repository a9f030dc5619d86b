// Days, weeks, hours: the names of a project's intervals. A name is a business date in the project's zone; it is read as
// if it were UTC and never meets the visitor's time zone.

const KEY = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2})(?::(\d{2}))?)?/;
const DAY_SECONDS = 86_400;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Whether `key` names an interval (or is a plain date) of the calendar. */
export function isDay(key: string): boolean {
  const x = dayToX(key);
  return Number.isFinite(x) && xToDay(x) === key.slice(0, 10);
}

/** The position of an interval on a chart's axis, in seconds; NaN when `key` is no name of one. */
export function dayToX(key: string): number {
  const parts = KEY.exec(key);
  if (!parts) return Number.NaN;
  const [, year, month, day, hour = "0", minute = "0"] = parts;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute)) / 1000;
}

/** The date at a chart's position. */
export function xToDay(x: number): string {
  const date = new Date(x * 1000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 10);
}

/** The date `days` after (before, when negative) the date of `key`. */
export function shiftDay(key: string, days: number): string {
  return xToDay(dayToX(key.slice(0, 10)) + days * DAY_SECONDS);
}

/** How many days lie from `first` to `last`, both counted. */
export function daysBetween(first: string, last: string): number {
  return Math.round((dayToX(last.slice(0, 10)) - dayToX(first.slice(0, 10))) / DAY_SECONDS) + 1;
}

/** `Fri 8 Mar 2013`, and the time where there is one. */
export function formatDay(key: string): string {
  const x = dayToX(key);
  if (!Number.isFinite(x)) return key;
  const date = new Date(x * 1000);
  const rest = key.length > 10 ? ` ${key.slice(11)}` : "";
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}${rest}`;
}

/** `8 Mar`. */
export function shortDay(key: string): string {
  const date = new Date(dayToX(key) * 1000);
  return Number.isNaN(date.getTime()) ? key : `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** The days that a range such as `90d`, `8w`, `6m` or `1y` spans; `fallback` when it is none. */
export function rangeDays(range: string, fallback: number): number {
  const parts = /^(\d{1,4})([dwmy])$/.exec(range);
  if (!parts) return fallback;
  const length = { d: 1, w: 7, m: 30.4375, y: 365.25 }[parts[2] as "d" | "w" | "m" | "y"];
  return Math.max(1, Math.min(40_000, Math.round(Number(parts[1]) * length)));
}

/** An instant in the visitor's own zone: `07:42`, with its date when that is not today's. */
export function formatInstant(instant: string | number | null | undefined, now = new Date()): string {
  if (instant === null || instant === undefined || instant === "") return "–";
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "–";
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === now.toDateString()) return time;
  const year = date.getFullYear() === now.getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()]}${year} ${time}`;
}
