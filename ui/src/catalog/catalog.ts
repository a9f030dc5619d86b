// Every series that the user may read, as it comes: dictionaries and columns of integers. Nothing is made per series.
import type { Schemas } from "../api/client";
import { STATUSES } from "../shared/verdict";
import type { Field } from "./tokens";

export type Catalog = Schemas["Catalog"];

/** A field of the search, with the dictionary and the column behind it. */
export interface Dimension {
  field: Field;
  label: string;
  words: readonly string[];
  codes: readonly number[];
  /** What an empty word is called. */
  whole: string;
}

/** The dimensions that facets and tokens speak of. */
export function dimensions(catalog: Catalog): Dimension[] {
  return [
    { field: "verdict", label: "Verdict today", words: STATUSES, codes: catalog.status, whole: "" },
    { field: "project", label: "Project", words: catalog.projects, codes: catalog.project, whole: "" },
    { field: "group", label: "Group", words: catalog.groups, codes: catalog.group, whole: "" },
    { field: "role", label: "Table role", words: catalog.roles, codes: catalog.role, whole: "(none)" },
    { field: "table", label: "Table", words: catalog.tables, codes: catalog.table, whole: "(none)" },
    { field: "column", label: "Column", words: catalog.columns, codes: catalog.column, whole: "(whole table)" },
    { field: "metric", label: "Metric", words: catalog.metrics, codes: catalog.metric, whole: "" },
    { field: "seg", label: "Segment", words: catalog.segments, codes: catalog.segment, whole: "(all)" },
    { field: "tag", label: "Tag", words: catalog.tags, codes: catalog.tag, whole: "(none)" },
    { field: "sev", label: "Severity", words: catalog.severities, codes: catalog.severity, whole: "" },
    { field: "incident", label: "Open incident", words: catalog.incidents, codes: catalog.incident, whole: "" },
  ];
}

/** One series of the catalogue, in words. */
export interface Entry {
  row: number;
  id: string;
  project: string;
  group: string;
  role: string;
  table: string;
  column: string;
  metric: string;
  segment: string;
  unit: string;
}

export function entry(catalog: Catalog, row: number): Entry {
  const word = (words: readonly string[], codes: readonly number[]) => words[codes[row] ?? -1] ?? "";
  return {
    row,
    id: catalog.id[row] ?? "",
    project: word(catalog.projects, catalog.project),
    group: word(catalog.groups, catalog.group),
    role: word(catalog.roles, catalog.role),
    table: word(catalog.tables, catalog.table),
    column: word(catalog.columns, catalog.column),
    metric: word(catalog.metrics, catalog.metric),
    segment: word(catalog.segments, catalog.segment),
    unit: word(catalog.units, catalog.unit),
  };
}

const rowsById = new WeakMap<Catalog, Map<string, number>>();

/** The row of a series' id; -1 when it is not there, or not for this user. */
export function rowOf(catalog: Catalog, id: string): number {
  let rows = rowsById.get(catalog);
  if (!rows) {
    rows = new Map(catalog.id.map((one, row) => [one, row]));
    rowsById.set(catalog, rows);
  }
  return rows.get(id) ?? -1;
}

/** `metric · column · segment` of a series; its id while the catalogue is not there. */
export function seriesName(catalog: Catalog | undefined, id: string): string {
  const row = catalog ? rowOf(catalog, id) : -1;
  if (!catalog || row < 0) return id;
  const { metric, column, segment } = entry(catalog, row);
  return [metric, column, segment].filter(Boolean).join(" · ");
}
