// A small catalogue for tests, as the API writes one.
import type { Catalog } from "../src/catalog/catalog";

type Row = [project: string, group: string, table: string, column: string, metric: string, segment: string, status: number, score: number | null];

export const ROWS: Row[] = [
  ["flights", "input", "data", "dep_time", "null_ratio", "", 2, 12],
  ["flights", "evaluation", "predictions", "p_late", "roc_auc", "", 2, 6],
  ["flights", "input", "data", "air time", "mean", "carrier=EV", 3, null],
  ["flights", "input", "data", "dep_delay", "mean", "", 1, 1.2],
  ["shop", "input", "data", "dep_time", "mean", "", 0, 0.4],
  ["shop", "prediction", "predictions", "p_late", "mean", "carrier=EV", 0, 0.1],
];

/** The catalogue of `rows`. */
export function catalogOf(rows: readonly Row[]): Catalog {
  const coded = (place: 0 | 1 | 2 | 3 | 4 | 5): [string[], number[]] => {
    const words = [...new Set(rows.map((row) => row[place]))].sort();
    return [words, rows.map((row) => words.indexOf(row[place]))];
  };
  const [projects, project] = coded(0);
  const [groups, group] = coded(1);
  const [tables, table] = coded(2);
  const [columns, column] = coded(3);
  const [metrics, metric] = coded(4);
  const [segments, segment] = coded(5);
  const none = rows.map(() => 0);
  return {
    version: "1",
    statuses: ["ok", "warn", "anomaly", "no_data", "error", "immature"],
    severities: ["low", "medium", "high", "critical"],
    projects, groups, tables, columns, metrics, segments,
    roles: ["data"], units: [""], tags: ["team=ml"], days: ["2013-03-08"], incidents: [],
    id: rows.map((_, index) => index.toString(16).padStart(16, "0")),
    project, group, table, column, metric, segment,
    role: none, unit: none, tag: none, day: none,
    status: rows.map((row) => row[6]),
    severity: rows.map((row) => (row[6] >= 2 ? 2 : -1)),
    score: rows.map((row) => row[7]),
    value: rows.map((_, index) => index),
    expected: rows.map(() => null),
    incident: rows.map(() => -1),
  };
}
