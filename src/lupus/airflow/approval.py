"""Tasks that wait until a person agrees to a retraining: in Airflow, or wherever the store can be reached from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred

from lupus.airflow.intervals import run_interval
from lupus.airflow.operators import ProjectOperator, workspace
from lupus.model import Approval, Project, RetrainRequest, RetrainState, retrain_id

APPROVE: Final = "Approve"
REFUSE: Final = "Refuse"

_LOOK_AGAIN: Final = timedelta(minutes=1)
"""How often an answer that was given outside of Airflow is looked for."""


class AirflowApprovalOperator(HITLOperator):
    """Ask for approval as one of Airflow's required actions, and record who answered what.

    Skipped when the interval asks for nothing, when somebody refuses, or when nobody answers in time: not to
    retrain is no failure.
    """

    template_fields = ()
    ui_color = "#f4efd9"
    shallow_copy_attrs = ("project", "_BaseOperator__init_kwargs")

    def __init__(self, *, project: Project, approve_within: timedelta, **kwargs: Any) -> None:
        super().__init__(
            subject=f"Retrain {project.name}?", options=[APPROVE, REFUSE], response_timeout=approve_within, **kwargs
        )
        self.project = project

    def execute(self, context: Context) -> Any:
        request = _own(self.project, context)
        if request.state is not RetrainState.AWAITING_APPROVAL:
            return _answered(request)
        self.subject = f"Retrain {self.project.name} after {request.interval.key}?"
        self.body = request_text(request)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        from lupus import stages

        request = _own(self.project, context)
        with workspace() as opened:
            if "error" in event:
                if event["error_type"] != "timeout":
                    self.process_trigger_event_error(event)
                request = stages.time_out_retrain(opened, request.id)
            elif request.state is RetrainState.AWAITING_APPROVAL:
                user = event.get("responded_by_user") or {}
                by = str(user.get("name") or user.get("id") or "somebody in Airflow")
                approve = event["chosen_options"] == [APPROVE]
                request = stages.answer_retrain(opened, request.id, approve=approve, by=by)
        return _answered(request)


class StoreApprovalOperator(ProjectOperator):
    """Wait, without a worker, for an answer that reaches the store: from Slack, the UI or the command line.

    Skipped like `AirflowApprovalOperator`.
    """

    ui_color = "#f4efd9"

    def __init__(self, *, project: Project, approve_within: timedelta, **kwargs: Any) -> None:
        super().__init__(project=project, **kwargs)
        self.approve_within = approve_within

    def execute(self, context: Context) -> dict[str, str]:
        return self._look(_own(self.project, context), datetime.now(UTC) + self.approve_within)

    def resume(self, context: Context, event: Any = None, until: str = "") -> dict[str, str]:
        """Look again after a wait (`event` only says that it is over); `until` is when nobody has answered in time."""
        del event
        return self._look(_own(self.project, context), datetime.fromisoformat(until))

    def _look(self, request: RetrainRequest, until: datetime) -> dict[str, str]:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        from lupus import stages

        now = datetime.now(UTC)
        if request.state is RetrainState.AWAITING_APPROVAL and now >= until:
            with workspace() as opened:
                request = stages.time_out_retrain(opened, request.id)
        if request.state is not RetrainState.AWAITING_APPROVAL:
            return _answered(request)
        self.log.info("%s\nlupus retrain approve %s (or refuse) answers", request_text(request), request.id)
        moment = max(min(now + _LOOK_AGAIN, until), now + timedelta(seconds=1))
        raise TaskDeferred(
            trigger=DateTimeTrigger(moment=moment), method_name="resume", kwargs={"until": until.isoformat()}
        )


def approval_task(project: Project, **kwargs: Any) -> AirflowApprovalOperator | StoreApprovalOperator | None:
    """The task that waits for the approval which the project's policy wants; None when it wants none."""
    policy = project.retrain
    if policy is None or policy.approval is Approval.NONE:
        return None
    kind = AirflowApprovalOperator if policy.approval is Approval.AIRFLOW else StoreApprovalOperator
    return kind(project=project, approve_within=policy.approve_within, **kwargs)


def request_text(request: RetrainRequest) -> str:
    """What a person needs to know before agreeing, as Markdown."""
    data = request.conf.get("data") or {}
    lines = [
        f"`{request.dag}` would train the model of **{request.project}** again, because:",
        *(f"- {reason}" for reason in request.reasons),
    ]
    if data:
        lines.append(
            f"\nLabelled data: {data['intervals']:,} intervals from {data['first']} to {data['last']}, "
            f"{data['rows']:,} rows."
        )
    lines.append(f"\nRequest `{request.id}`, incident `{request.incident or 'none'}`.")
    return "\n".join(lines)


def _own(project: Project, context: Context) -> RetrainRequest:
    """The request of the run's interval; skips when the policy asks for none, or may not be followed."""
    name = retrain_id(project.name, run_interval(context, project))
    with workspace() as opened:
        found = next((one for one in opened.store.retrain_requests(project.name) if one.id == name), None)
    if found is None:
        raise AirflowSkipException("the interval asks for no retraining")
    if found.state is RetrainState.BLOCKED:
        raise AirflowSkipException(found.note)
    return found


def _answered(request: RetrainRequest) -> dict[str, str]:
    """What the task returns when it was approved; skips when it was not."""
    if request.state in (RetrainState.REFUSED, RetrainState.TIMED_OUT):
        who = f" by {request.by}" if request.by else ""
        raise AirflowSkipException(f"not retrained: {request.state}{who}{f', {request.note}' if request.note else ''}")
    return {"request": request.id, "state": str(request.state), "by": request.by}
