// Every address of the Web UI. They begin below Airflow's base path, which the router adds.

export const HOME = "/plugin/lupus";

const part = encodeURIComponent;

function query(values: Record<string, string | number | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

export const paths = {
  overview: () => HOME,
  explore: (values?: { q?: string; day?: string; r?: string; sort?: string }) => `${HOME}/explore${query(values)}`,
  project: (project: string, values?: { day?: string; days?: number; by?: string }) =>
    `${HOME}/p/${part(project)}${query(values)}`,
  metric: (project: string, series: string, values?: { day?: string; r?: string; ov?: string }) =>
    `${HOME}/p/${part(project)}/m/${part(series)}${query(values)}`,
  rule: (project: string, rule: string, values?: { s?: string }) =>
    `${HOME}/p/${part(project)}/rules/${part(rule)}${query(values)}`,
  incidents: (values?: { state?: string; project?: string }) => `${HOME}/incidents${query(values)}`,
  incident: (id: string) => `${HOME}/incidents/${part(id)}`,
  dashboards: () => `${HOME}/d`,
  dashboard: (slug: string, values?: { day?: string; kiosk?: string }) => `${HOME}/d/${part(slug)}${query(values)}`,
  /** Airflow's own page of a run. */
  run: (dagId: string, runId: string) => `/dags/${part(dagId)}/runs/${part(runId)}`,
  dag: (dagId: string) => `/dags/${part(dagId)}`,
};

/** A token of the explorer's search, quoted where it must be. */
export function token(name: string, value: string): string {
  return /^[^\s"]+$/.test(value) ? `${name}:${value}` : `${name}:"${value.replaceAll('"', '\\"')}"`;
}
