"""RetrainOperator: triggers the retraining Dag, exactly once per request, and waits for it without a worker."""

from __future__ import annotations

import json
from typing import Any, Final

from airflow.sdk import Context, DagRunState
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRuntimeError,
    AirflowSkipException,
    DagRunTriggerException,
)

from lupus.airflow.intervals import run_interval
from lupus.airflow.operators import ProjectOperator, workspace
from lupus.model import RetrainRequest, RetrainState

_POLL_SECONDS: Final = 5


def retrain_run_id(request: RetrainRequest) -> str:
    """The name of the one run that `request` may start: the same on every rerun, so Airflow itself refuses a second."""
    return f"lupus__{request.project}__{request.interval.key}__{request.id}"


class RetrainOperator(ProjectOperator):
    """Trigger the Dag that the project's retraining policy names, if the interval asks for it.

    The run's id is made from the request. A task that was killed and runs again finds the run and waits
    for it; it never starts a second one.
    """

    def execute(self, context: Context) -> None:
        from lupus import stages

        interval = run_interval(context, self.project)
        with workspace() as opened:
            request = stages.pending_retrain(opened, self.project, interval)
        if request is None:
            raise AirflowSkipException(f"{interval.key} asks for no retraining")
        run_id = retrain_run_id(request)
        self.log.info("Retraining is asked for: %s", "; ".join(request.reasons) or "see the incident")
        ti = context["ti"]
        if ti.get_dr_count(dag_id=request.dag, run_ids=[run_id]):
            self.log.info("%s of %s exists already; waiting for it", run_id, request.dag)
            ti.xcom_push(key="trigger_run_id", value=run_id)
            self._wait(request, run_id)
        self._check_target(ti, request.dag)
        with workspace() as opened:
            stages.mark_retrain(opened, request.id, RetrainState.TRIGGERED, run_id)
        # Airflow's own way for a task to start a run; it defers afterwards and comes back to `execute_complete`.
        raise DagRunTriggerException(
            trigger_dag_id=request.dag,
            dag_run_id=run_id,
            conf=retrain_conf(request),
            logical_date=None,
            reset_dag_run=False,
            skip_when_already_exists=False,
            wait_for_completion=True,
            allowed_states=[DagRunState.SUCCESS],
            failed_states=[DagRunState.FAILED],
            poke_interval=_POLL_SECONDS,
            deferrable=True,
        )

    def execute_complete(self, context: Context, event: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        """Record how the retraining Dag's run ended, and end likewise."""
        from lupus import stages

        _, data = event
        (run_id,) = data["run_ids"]
        state = str(data.get(run_id))
        succeeded = state == DagRunState.SUCCESS
        interval = run_interval(context, self.project)
        with workspace() as opened:
            outcome = RetrainState.SUCCEEDED if succeeded else RetrainState.FAILED
            stages.mark_retrain(opened, run_id.rpartition("__")[2], outcome, f"{run_id}: {state}")
        if not succeeded:
            # A retry would find the same failed run: only a person (or the other Dag's own retries) can mend it.
            raise AirflowFailException(
                f"{data['dag_id']} ended as {state}: see its run {run_id}, and clear that run when the cause is mended"
            )
        self.log.info("%s of %s succeeded", run_id, data["dag_id"])
        return {"interval": interval.key, "dag": data["dag_id"], "run_id": run_id}

    def _wait(self, request: RetrainRequest, run_id: str) -> None:
        from airflow.providers.standard.triggers.external_task import DagStateTrigger
        from airflow.utils.state import DagRunState

        self.defer(
            trigger=DagStateTrigger(
                dag_id=request.dag,
                states=[DagRunState.SUCCESS, DagRunState.FAILED],
                run_ids=[run_id],
                poll_interval=_POLL_SECONDS,
            ),
            method_name="execute_complete",
        )

    def _check_target(self, ti: Any, dag_id: str) -> None:
        """Fail clearly rather than wait for ever. The request stays pending: clear this task to try again."""
        try:
            target = ti.get_dag(dag_id)
        except AirflowRuntimeError as error:
            if (error.error.detail or {}).get("status_code") != 404:
                raise  # the API server is unwell: a retry may help
            raise AirflowFailException(
                f"the retraining Dag {dag_id!r} of project {self.project.name!r} does not exist; put it into the Dags "
                "folder, or correct retrain.dag in the project file; then clear this task"
            ) from error
        if target.is_paused:
            raise AirflowFailException(
                f"the retraining Dag {dag_id!r} is paused; unpause it, then clear this task to trigger it"
            )


def retrain_conf(request: RetrainRequest) -> dict[str, Any]:
    """What the retraining Dag is told: the request's own conf, and always project, interval, reasons and request."""
    told = {
        **request.conf,
        "project": request.project,
        "interval": request.interval.key,
        "reasons": list(request.reasons),
        "request": request.id,
    }
    # YAML knows dates; JSON does not. They arrive as ISO 8601 text.
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain
