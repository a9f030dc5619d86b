// Search over the coded catalogue: each token is looked up once in a dictionary, then rows are only compared as numbers.
import { type Catalog, type Dimension, dimensions } from "./catalog";
import { type Field, type Token, parse } from "./tokens";

const ANOMALY = 2;
const NO_DATA = 3;
const ERROR = 4;
const WARN = 1;

export type Sort = "score" | "name" | "value";

export interface Facet {
  field: Field;
  label: string;
  /** Most rows first: places in the dictionary with their totals. */
  values: { word: string; shown: string; total: number; anomalies: number; chosen: boolean; excluded: boolean }[];
  more: number;
}

export interface Found {
  rows: Int32Array;
  anomalies: number;
  warnings: number;
  missing: number;
  facets: Facet[];
  /** Of no hit: the token without which there would be some, or that has none by itself. */
  culprit: Token | null;
}

type Test = (row: number) => boolean;

/** Words of `sev:` and `verdict:` that mean several. */
const MEANINGS: Record<string, readonly string[]> = { finding: ["anomaly", "no_data", "error"], nodata: ["no_data"] };

function matching(words: readonly string[], value: string, exact: boolean): Uint8Array {
  const marks = new Uint8Array(words.length);
  const meant = MEANINGS[value];
  words.forEach((word, place) => {
    const low = word.toLowerCase();
    const hit = meant ? meant.includes(low) : exact ? low === value : low.includes(value);
    if (hit) marks[place] = 1;
  });
  return marks;
}

/** The place in a dictionary whose word is `value`, else every word that holds it. `*` stands for anything. */
function marksOf(dimension: Dimension, value: string): Uint8Array {
  if (value.includes("*")) {
    const pattern = new RegExp(`^${value.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`);
    return Uint8Array.from(dimension.words, (word) => (pattern.test(word.toLowerCase()) ? 1 : 0));
  }
  if (dimension.whole && value === dimension.whole) return matching(dimension.words, "", true);
  const exact = matching(dimension.words, value, true);
  return exact.includes(1) ? exact : matching(dimension.words, value, false);
}

function tester(catalog: Catalog, all: readonly Dimension[], token: Token): Test {
  const { field, value, negated } = token;
  let test: Test;
  if (field === "sev" && (value === "warn" || value === "anomaly" || value in MEANINGS)) {
    // People ask for `sev:warn` and mean the verdict, or worse.
    const status = catalog.status;
    test = value === "warn" ? (row) => status[row] === WARN || isFound(status[row]!) : (row) => isFound(status[row]!);
  } else if (field) {
    const dimension = all.find((one) => one.field === field)!;
    const marks = marksOf(dimension, value);
    const { codes } = dimension;
    test = (row) => marks[codes[row]!] === 1;
  } else {
    const parts = all
      .filter((one) => one.field !== "verdict" && one.field !== "sev" && one.field !== "incident")
      .map((one) => ({ marks: matching(one.words, value, false), codes: one.codes }))
      .filter((one) => one.marks.includes(1));
    test = (row) => {
      for (const { marks, codes } of parts) if (marks[codes[row]!] === 1) return true;
      return false;
    };
  }
  return negated ? (row) => !test(row) : test;
}

function isFound(status: number): boolean {
  return status === ANOMALY || status === NO_DATA || status === ERROR;
}

const FACET_VALUES = 8;

function facetsOf(catalog: Catalog, all: readonly Dimension[], rows: Int32Array, tokens: readonly Token[]): Facet[] {
  const { status } = catalog;
  return all
    .filter((one) => one.field !== "sev" && one.field !== "incident")
    .map((one) => {
      const totals = new Int32Array(one.words.length);
      const anomalies = new Int32Array(one.words.length);
      const { codes } = one;
      for (let at = 0; at < rows.length; at++) {
        const row = rows[at]!;
        const code = codes[row]!;
        if (code < 0) continue;
        totals[code]! += 1;
        if (isFound(status[row]!)) anomalies[code]! += 1;
      }
      const asked = (word: string, negated: boolean) =>
        tokens.some((token) => token.field === one.field && token.negated === negated && token.value === (word || one.whole).toLowerCase());
      const present = Array.from(totals.keys()).filter((code) => totals[code]! > 0 || asked(one.words[code]!, true));
      present.sort((a, b) => anomalies[b]! - anomalies[a]! || totals[b]! - totals[a]! || (one.words[a]! < one.words[b]! ? -1 : 1));
      return {
        field: one.field,
        label: one.label,
        more: Math.max(0, present.length - FACET_VALUES),
        values: present.slice(0, FACET_VALUES).map((code) => ({
          word: one.words[code] || one.whole,
          shown: one.words[code] || one.whole,
          total: totals[code]!,
          anomalies: anomalies[code]!,
          chosen: asked(one.words[code]!, false),
          excluded: asked(one.words[code]!, true),
        })),
      };
    })
    .filter((facet) => facet.values.length > 1 || facet.values.some((value) => value.chosen || value.excluded));
}

function passing(count: number, tests: readonly Test[]): Int32Array {
  const rows = new Int32Array(count);
  let found = 0;
  rows: for (let row = 0; row < count; row++) {
    for (const test of tests) if (!test(row)) continue rows;
    rows[found++] = row;
  }
  return rows.subarray(0, found);
}

/** The rows for which every token of `text` holds. The catalogue comes in order of score. */
export function search(catalog: Catalog, text: string, sort: Sort = "score"): Found {
  const all = dimensions(catalog);
  const tokens = parse(text);
  const count = catalog.id.length;
  const tests = tokens.map((token) => tester(catalog, all, token));
  const rows = passing(count, tests);
  let [anomalies, warnings, missing] = [0, 0, 0];
  for (const row of rows) {
    const status = catalog.status[row]!;
    if (status === ANOMALY || status === ERROR) anomalies += 1;
    else if (status === WARN) warnings += 1;
    else if (status === NO_DATA) missing += 1;
  }
  return {
    rows: sort === "score" ? plainFirst(catalog, rows, tokens) : sorted(catalog, rows, sort),
    anomalies,
    warnings,
    missing,
    facets: facetsOf(catalog, all, rows, tokens),
    culprit: rows.length > 0 || count === 0 ? null : culprit(count, tokens, tests),
  };
}

/** Why nothing was found: a token that fits nothing by itself, else one without which something would be found. */
function culprit(count: number, tokens: readonly Token[], tests: readonly Test[]): Token | null {
  const alone = tests.findIndex((test) => passing(count, [test]).length === 0);
  if (alone >= 0) return tokens[alone] ?? null;
  const without = tests.findIndex((test) => passing(count, tests.filter((one) => one !== test)).length > 0);
  return tokens[without] ?? tokens.at(-1) ?? null;
}

/** In order of score; but of the rows that are fine, those whose metric is called like a word come first, then whole tables. */
function plainFirst(catalog: Catalog, rows: Int32Array, tokens: readonly Token[]): Int32Array {
  const words = new Set(tokens.filter((one) => one.field === null && !one.negated).map((one) => one.value));
  const called = catalog.metrics.map((metric) => words.has(metric.toLowerCase()));
  const whole = catalog.segments.indexOf("");
  const ranks = new Uint8Array(rows.length);
  const next = [0, 0, 0, 0, 0, 0];
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place]!;
    const status = catalog.status[row]!;
    const fine = status < WARN || status > ERROR;
    const rank = fine ? (called[catalog.metric[row]!] ? 1 : 3) + (catalog.segment[row] === whole ? 0 : 1) : 0;
    ranks[place] = rank;
    next[rank + 1]! += 1;
  }
  for (let rank = 1; rank < 6; rank++) next[rank]! += next[rank - 1]!;
  const order = new Int32Array(rows.length);
  for (let place = 0; place < rows.length; place++) order[next[ranks[place]!]!++] = rows[place]!;
  return order;
}

function sorted(catalog: Catalog, rows: Int32Array, sort: "name" | "value"): Int32Array {
  const order = rows.slice();
  if (sort === "value") return order.sort((a, b) => (catalog.value[b] ?? -Infinity) - (catalog.value[a] ?? -Infinity));
  const ranks = [
    [catalog.projects, catalog.project],
    [catalog.tables, catalog.table],
    [catalog.columns, catalog.column],
    [catalog.metrics, catalog.metric],
    [catalog.segments, catalog.segment],
  ].map(([words, codes]) => ({ rank: rankOf(words as string[]), codes: codes as number[] }));
  return order.sort((a, b) => {
    for (const { rank, codes } of ranks) {
      const difference = rank[codes[a]!]! - rank[codes[b]!]!;
      if (difference) return difference;
    }
    return a - b;
  });
}

function rankOf(words: readonly string[]): Int32Array {
  const order = Array.from(words.keys()).sort((a, b) => (words[a]! < words[b]! ? -1 : 1));
  const rank = new Int32Array(words.length);
  order.forEach((place, position) => {
    rank[place] = position;
  });
  return rank;
}

/** What could follow at the end of `text`: fields, then values of the field that is being typed. */
export function suggestions(catalog: Catalog, text: string, limit = 8): string[] {
  const typed = /(?:^|\s)(-?)([a-z_]*)(?::("?)([^"\s]*))?$/i.exec(text);
  if (!typed) return [];
  const [, minus = "", name = "", , begun] = typed;
  if (begun === undefined) {
    if (name === "") return [];
    return FIELD_NAMES.filter((field) => field.startsWith(name.toLowerCase())).map((field) => `${minus}${field}:`).slice(0, limit);
  }
  const dimension = dimensions(catalog).find((one) => one.field === name);
  if (!dimension) return [];
  const low = begun.toLowerCase();
  const fits = dimension.words.filter((word) => word.toLowerCase().includes(low));
  fits.sort((a, b) => Number(b.toLowerCase().startsWith(low)) - Number(a.toLowerCase().startsWith(low)) || (a < b ? -1 : 1));
  return fits.slice(0, limit).map((word) => `${minus}${quoted(name, word || dimension.whole)}`);
}

const FIELD_NAMES: readonly string[] = ["project", "group", "role", "table", "column", "metric", "seg", "tag", "sev", "verdict", "incident"];

function quoted(name: string, word: string): string {
  return /^[^\s"]+$/.test(word) ? `${name}:${word}` : `${name}:"${word.replace(/[\\"]/g, "\\$&")}"`;
}
