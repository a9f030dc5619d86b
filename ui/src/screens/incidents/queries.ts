// Incidents as the API gives them, and what people do with them.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { ApiError } from "../../api/errors";
import { client } from "../../api/queries";
import { complain, say } from "../../shared/toast";

export type Summary = Schemas["IncidentSummary"];
export type Outcome = Schemas["PreviewQuestion"]["outcome"];
export type Change = Omit<Schemas["IncidentChangeQuestion"], "version" | "comment" | "until_doubled"> & { comment?: string; until_doubled?: boolean };

export const STATES = ["active", "open", "acknowledged", "muted", "resolved", "all"] as const;
export type StateFilter = (typeof STATES)[number];

export interface Filter {
  state: StateFilter;
  project?: string;
  assignee?: string;
}

export function useIncidents(filter: Filter, limit = 200) {
  return useQuery({
    queryKey: ["incidents", filter, limit],
    queryFn: () => unwrap<unknown>(api.GET("/api/v1/incidents", { params: { query: { ...filter, limit } } })) as Promise<Schemas["Incidents"]>,
    placeholderData: keepPreviousData,
  });
}

export function useIncident(id: string) {
  return useQuery({
    queryKey: ["incident", id],
    queryFn: () => unwrap<unknown>(api.GET("/api/v1/incidents/{id}", { params: { path: { id } } })) as Promise<Schemas["IncidentOut"]>,
    enabled: id !== "",
  });
}

/** What an outcome would do to the baselines; asked before anything is saved. */
export function usePreview(id: string, outcome: Outcome | null) {
  return useQuery({
    queryKey: ["incident-preview", id, outcome],
    queryFn: () => unwrap(api.POST("/api/v1/incidents/{id}:preview", { params: { path: { id } }, body: { outcome: outcome! } })),
    enabled: outcome !== null,
  });
}

async function send(id: string, version: number, change: Change): Promise<Schemas["IncidentOut"]> {
  const body = { comment: "", until_doubled: false, ...change, version };
  const after = await unwrap(api.PATCH("/api/v1/incidents/{id}", { params: { path: { id } }, body }));
  client.setQueryData(["incident", id], after);
  void client.invalidateQueries({ queryKey: ["incidents"] });
  void client.invalidateQueries({ queryKey: ["projects"] });
  void client.invalidateQueries({ queryKey: ["project"] });
  void client.invalidateQueries({ queryKey: ["latest"] });
  void client.invalidateQueries({ queryKey: ["series"] });
  return after;
}

/** Does `change`, says `done`, and offers to take it back. What somebody else did in the meantime is shown instead. */
export async function act(incident: Summary, change: Change, done: string): Promise<boolean> {
  try {
    const after = await send(incident.id, incident.version, change);
    say(done, () => void takeBack(after.summary));
    return true;
  } catch (error) {
    fail(error, incident.id);
    return false;
  }
}

async function takeBack(incident: Summary): Promise<void> {
  try {
    await send(incident.id, incident.version, { action: "undo" });
    say("Taken back");
  } catch (error) {
    fail(error, incident.id);
  }
}

function fail(error: unknown, id: string): void {
  if (error instanceof ApiError && error.status === 409) {
    void client.invalidateQueries({ queryKey: ["incident", id] });
    void client.invalidateQueries({ queryKey: ["incidents"] });
    complain("Somebody else was faster: this is how it stands now. Nothing of yours was saved.");
    return;
  }
  complain(error instanceof ApiError ? `Not saved. ${error.title} ${error.message}` : `Not saved: ${String(error)}`);
}

export function useRetrainings(project: string) {
  return useQuery({
    queryKey: ["retrainings", project],
    queryFn: () => unwrap<unknown>(api.GET("/api/v1/retrainings", { params: { query: { project } } })) as Promise<Schemas["Retrainings"]>,
    enabled: project !== "",
  });
}

/** Approves or refuses a request, or asks for one when there is none. */
export async function retrain(incident: Summary, request: string | null, answer: "approve" | "refuse"): Promise<boolean> {
  const body = { note: "" };
  try {
    if (request === null) await unwrap(api.POST("/api/v1/incidents/{id}:retrain", { params: { path: { id: incident.id } }, body }));
    else if (answer === "approve") await unwrap(api.POST("/api/v1/retrainings/{id}:approve", { params: { path: { id: request } }, body }));
    else await unwrap(api.POST("/api/v1/retrainings/{id}:refuse", { params: { path: { id: request } }, body }));
    say(request === null ? "Asked for: the next run of the project does it" : answer === "approve" ? "Approved" : "Refused");
  } catch (error) {
    complain(error instanceof ApiError ? `Not done. ${error.title} ${error.message}` : `Not done: ${String(error)}`);
    return false;
  }
  void client.invalidateQueries({ queryKey: ["retrainings"] });
  void client.invalidateQueries({ queryKey: ["incident", incident.id] });
  return true;
}
