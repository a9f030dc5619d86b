// The columns of the rows that are in sight, in pages of forty: one request each, kept for the way back.
import { useQueries } from "@tanstack/react-query";
import type { Schemas } from "../api/client";
import { batchKey, fetchBatch, type Range } from "../api/queries";
import { statusOf } from "../shared/codes";
import type { Status } from "../shared/verdict";
import type { Catalog } from "./catalog";

const PAGE = 40;

export interface Columns {
  days: readonly string[];
  y: readonly (number | null)[];
  lo: readonly (number | null)[];
  hi: readonly (number | null)[];
  v: readonly (Status | null)[];
  score: readonly (number | null)[];
}

const columnsOf = new WeakMap<Schemas["BatchSeries"], Columns>();

/** A series of a batch with its days, made once. */
export function columns(batch: Schemas["Batch"], id: string): Columns | null {
  const series = batch.s[id];
  if (!series) return null;
  let made = columnsOf.get(series);
  if (!made) {
    const v = series.v.map(statusOf);
    const days = batch.axes[series.axis]?.keys ?? [];
    const { y, lo, hi, sc } = series;
    made = { days, y, lo, hi, v, score: sc };
    columnsOf.set(series, made);
  }
  return made;
}

/** Columns of the rows from `first` to `last`, by id; what has not come yet is not in it. */
export function useColumns(catalog: Catalog | undefined, rows: Int32Array, first: number, last: number, range: Range) {
  const pages: string[][] = [];
  if (catalog) {
    for (let page = Math.floor(Math.max(0, first) / PAGE); page <= Math.floor(last / PAGE); page++) {
      const ids = Array.from(rows.subarray(page * PAGE, (page + 1) * PAGE), (row) => catalog.id[row]!);
      if (ids.length) pages.push(ids);
    }
  }
  const results = useQueries({
    queries: pages.map((ids) => ({
      queryKey: batchKey(ids, range),
      queryFn: () => fetchBatch(ids, range),
      structuralSharing: false as const,
    })),
  });
  const error = results.find((one) => one.error)?.error ?? null;
  const find = (id: string): Columns | null => {
    for (const one of results) {
      const found = one.data && columns(one.data, id);
      if (found) return found;
    }
    return null;
  };
  return { find, error, retry: () => results.forEach((one) => one.error && void one.refetch()) };
}
