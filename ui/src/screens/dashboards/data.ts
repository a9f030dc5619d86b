// What the widgets of a dashboard show, asked for together: one request for all charts of the same range.
import { useQueries } from "@tanstack/react-query";
import { batchKey, fetchBatch, type Range } from "../../api/queries";
import { columns, type Columns } from "../../catalog/batches";
import type { Widget } from "./queries";

const MOST_IDS = 200;
const NUMBER_DAYS = 30;

export interface BoardData {
  /** Undefined until it has come; null when the answer left it out. */
  find: (id: string, days: number) => Columns | null | undefined;
  error: unknown;
  retry: () => void;
}

export function daysOf(widget: Widget): number {
  return widget.kind === "chart" ? (widget.days ?? 90) : NUMBER_DAYS;
}

export function useBoardData(widgets: readonly Widget[], day: string): BoardData {
  const byDays = new Map<number, Set<string>>();
  for (const one of widgets) {
    const ids = one.kind === "chart" ? one.series : one.kind === "number" ? [one.series] : [];
    if (!ids.length) continue;
    const days = daysOf(one);
    if (!byDays.has(days)) byDays.set(days, new Set());
    for (const id of ids) byDays.get(days)!.add(id);
  }
  const asked: { days: number; ids: string[]; range: Range }[] = [];
  for (const [days, all] of byDays) {
    const ids = [...all].sort();
    const range = day ? { days, to: day } : { days };
    for (let at = 0; at < ids.length; at += MOST_IDS) asked.push({ days, range, ids: ids.slice(at, at + MOST_IDS) });
  }
  const results = useQueries({
    queries: asked.map(({ ids, range }) => ({
      queryKey: batchKey(ids, range),
      queryFn: () => fetchBatch(ids, range),
      structuralSharing: false as const,
    })),
  });
  return {
    find: (id, days) => {
      const at = asked.findIndex((one) => one.days === days && one.ids.includes(id));
      const data = results[at]?.data;
      return data && columns(data, id);
    },
    error: results.find((one) => one.error)?.error ?? null,
    retry: () => results.forEach((one) => one.error && void one.refetch()),
  };
}
