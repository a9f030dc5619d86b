// What the screens ask for. Each question is asked once and kept; old answers stay while new ones are on their way.
import { keepPreviousData, QueryClient, useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { api, type Schemas, unwrap } from "./client";
import { ApiError } from "./errors";

const MINUTE = 60_000;

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: MINUTE,
      gcTime: 10 * MINUTE,
      refetchOnWindowFocus: false,
      // A refusal stays a refusal; a server that is starting deserves one more try.
      retry: (failures, error) => failures < 1 && (!(error instanceof ApiError) || error.status >= 500 || error.status === 0),
      retryDelay: 800,
    },
  },
});

const meOptions = { queryKey: ["me"], queryFn: () => unwrap(api.GET("/api/v1/me")), staleTime: 5 * MINUTE };

export function useMe() {
  return useQuery({ ...meOptions, refetchInterval: 5 * MINUTE });
}

/** True once the server has another bundle than when this tab was opened. */
export function useRelease(): boolean {
  const me = useMe();
  const first = useRef("");
  const now = me.data ? `${me.data.version} ${me.data.bundle}` : "";
  if (!first.current) first.current = now;
  return now !== "" && now !== first.current;
}

/** Changes when a run has ended or an incident has changed; everything else is asked for anew only then. */
export function useLatest() {
  return useQuery({
    queryKey: ["latest"],
    queryFn: async ({ client: queries }) => {
      const before = queries.getQueryData<{ version: string }>(["latest"]);
      const now = await unwrap(api.GET("/api/v1/latest"));
      if (before && before.version !== now.version) {
        void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "latest" && query.queryKey[0] !== "me" });
      }
      return now;
    },
    staleTime: MINUTE,
    refetchInterval: MINUTE,
  });
}

const projectsOptions = (days: number) => ({
  queryKey: ["projects", days],
  queryFn: () => unwrap(api.GET("/api/v1/projects", { params: { query: { days } } })),
});

export function useProjects(days: number) {
  return useQuery({ ...projectsOptions(days), placeholderData: keepPreviousData });
}

/** What the overview will ask for, asked while Airflow's page is still being put together around it. */
export function askAhead(days: number): void {
  void client.prefetchQuery(projectsOptions(days));
  void client.prefetchQuery(meOptions);
}

export function useProject(project: string) {
  return useQuery({
    queryKey: ["project", project],
    queryFn: () => unwrap(api.GET("/api/v1/projects/{project}", { params: { path: { project } } })),
  });
}

export type MatrixBy = "group" | "table" | "column";

export function useMatrix(project: string, query: { days: number; by: MatrixBy; to?: string }) {
  return useQuery({
    queryKey: ["matrix", project, query],
    queryFn: () => unwrap(api.GET("/api/v1/projects/{project}/matrix", { params: { path: { project }, query } })),
    placeholderData: keepPreviousData,
  });
}

export function useDay(project: string, key: string, limit: number, enabled = true) {
  return useQuery({
    queryKey: ["day", project, key, limit],
    queryFn: () =>
      unwrap(api.GET("/api/v1/projects/{project}/days/{day}", { params: { path: { project, day: key }, query: { limit } } })),
    enabled,
  });
}

export function useCatalog(day = "") {
  return useQuery({
    queryKey: ["catalog", day],
    queryFn: () => unwrap(api.GET("/api/v1/catalog", { params: { query: day ? { day } : {} } })),
    staleTime: 5 * MINUTE,
    placeholderData: keepPreviousData,
    structuralSharing: false, // comparing a hundred thousand rows costs more than painting them
  });
}

export interface Range {
  from?: string;
  to?: string;
  days?: number;
}

export function batchKey(ids: readonly string[], range: Range) {
  return ["batch", ids, range] as const;
}

export async function fetchBatch(ids: readonly string[], range: Range): Promise<Schemas["Batch"]> {
  return unwrap<unknown>(api.POST("/api/v1/series:batch", { body: { ids: [...ids], ...range, agg: "auto" } })) as Promise<Schemas["Batch"]>;
}

/** Columns of several series in one request. */
export function useBatch(ids: readonly string[], range: Range, enabled = true) {
  return useQuery({
    queryKey: batchKey(ids, range),
    queryFn: () => fetchBatch(ids, range),
    enabled: enabled && ids.length > 0,
    placeholderData: keepPreviousData,
    structuralSharing: false,
  });
}

export function useSeries(id: string, range: Range) {
  return useQuery({
    queryKey: ["series", id, range],
    queryFn: () =>
      unwrap<unknown>(api.GET("/api/v1/series/{id}", { params: { path: { id }, query: range } })) as Promise<Schemas["SeriesOut"]>,
    placeholderData: (before, query) => (query?.queryKey[1] === id ? before : undefined),
    structuralSharing: false,
  });
}

export function useWhy(id: string, key: string, enabled: boolean) {
  return useQuery({
    queryKey: ["why", id, key],
    queryFn: () => unwrap(api.GET("/api/v1/series/{id}/why", { params: { path: { id }, query: { day: key } } })),
    enabled,
    staleTime: 10 * MINUTE,
  });
}

export interface IncidentQuery {
  state?: "active" | "open" | "acknowledged" | "muted" | "resolved" | "all";
  project?: string;
  assignee?: string;
  limit?: number;
}

export function useIncidents(query: IncidentQuery) {
  return useQuery({
    queryKey: ["incidents", query],
    queryFn: () => unwrap(api.GET("/api/v1/incidents", { params: { query } })),
    placeholderData: keepPreviousData,
  });
}

export function useHealth() {
  return useQuery({ queryKey: ["health"], queryFn: () => unwrap(api.GET("/api/v1/health")) });
}
