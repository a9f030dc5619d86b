// A tab on the page of a Dag run: metrics and verdicts of the interval that it was for.
import { useQuery } from "@tanstack/react-query";
import { AIRFLOW, unwrap } from "../api/client";
import { Empty, Show } from "../shared/states";
import { projectOf } from "./dag-of";
import { NoProject } from "./dag-tab";
import { DayFindings } from "./day-findings";
import { Frame } from "./frame";

/** The interval of a run, as Airflow knows it: its partition. */
function useInterval(dagId: string, runId: string) {
  return useQuery({
    queryKey: ["run-interval", dagId, runId],
    queryFn: () =>
      unwrap(
        fetch(`${AIRFLOW}/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}`).then(async (response) => {
          const body = (await response.json().catch(() => null)) as { partition_key?: string | null; conf?: Record<string, unknown> } | null;
          return response.ok ? { data: body, response } : { error: body, response };
        }),
      ),
  });
}

function RunOf({ project, dagId, runId }: { project: string; dagId: string; runId: string }) {
  const run = useInterval(dagId, runId);
  return (
    <Show query={run} what="run">
      {(found) => {
        const day = found?.partition_key ?? String(found?.conf?.interval ?? found?.conf?.day ?? "");
        if (day) return <DayFindings project={project} day={day} />;
        return (
          <Empty title="This run is for no interval.">
            <p>Trigger the Dag with a partition key: the day, as 2026-01-31.</p>
          </Empty>
        );
      }}
    </Show>
  );
}

export function RunTab({ dagId, runId }: { dagId?: string; runId?: string }) {
  const project = projectOf(dagId);
  return <Frame>{project && dagId && runId ? <RunOf project={project} dagId={dagId} runId={runId} /> : <NoProject dagId={dagId} />}</Frame>;
}
