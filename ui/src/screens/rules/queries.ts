// A proposal for a rule, tried on one series at once, or on a whole project as a stream of progress.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, apiHref, type Schemas, unwrap } from "../../api/client";
import { ApiError, sentence } from "../../api/errors";

export type Backtest = Schemas["BacktestOut"];
export type Flag = Schemas["Flag"];

export interface Proposal {
  project: string;
  rule: string;
  parameters: Record<string, unknown>;
}

export function useTrial(proposal: Proposal, series: string) {
  return useQuery({
    queryKey: ["backtest", proposal, series],
    queryFn: () => unwrap<unknown>(api.POST("/api/v1/rules:backtest", { body: { ...proposal, series } })) as Promise<Backtest>,
    enabled: series !== "",
    placeholderData: keepPreviousData,
    structuralSharing: false,
  });
}

/** All series: calls `onProgress` as the server gets on, and gives the result. */
export async function tryAll(proposal: Proposal, onProgress: (done: number, of: number) => void, signal: AbortSignal): Promise<Backtest> {
  const response = await fetch(apiHref("/api/v1/rules:backtest"), {
    method: "POST",
    signal,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-Lupus-Request": "1" },
    body: JSON.stringify(proposal),
  });
  if (!response.ok || !response.body) {
    const body: unknown = await response.json().catch(() => null);
    throw new ApiError(response.status, sentence(body, response.status), response.headers.get("X-Request-ID") ?? "");
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += value ?? "";
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const line = event.split("\n").find((one) => one.startsWith("data:"));
      if (!line) continue;
      const progress = JSON.parse(line.slice(5)) as Schemas["Progress"];
      if (progress.problem) throw new ApiError(500, progress.problem, "");
      if (progress.result) return progress.result;
      onProgress(progress.done, progress.of);
    }
    if (done) throw new ApiError(0, "The answer ended before its result.", "");
  }
}
