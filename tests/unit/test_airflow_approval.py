"""The tasks that wait for a person: what they ask, when they skip, and that an answer counts once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskAwaitingInput, TaskDeferred

from lupus.airflow import approval
from lupus.airflow.approval import AirflowApprovalOperator, StoreApprovalOperator, approval_task, request_text
from lupus.model import (
    Approval,
    Cadence,
    CadenceKind,
    Project,
    RetrainPolicy,
    RetrainRequest,
    RetrainState,
    RetrainWhen,
    Selector,
    retrain_id,
)
from lupus.store import Store, open_store

KEY = "2024-03-05"
POLICY = RetrainPolicy("fit", RetrainWhen(Selector()), timedelta(days=7), approval=Approval.AIRFLOW)
PROJECT = Project(
    name="shop",
    owner="ml-shop",
    cadence=Cadence(CadenceKind.DAILY),
    start=datetime(2024, 3, 1, tzinfo=UTC),
    tables=(),
    retrain=POLICY,
)
DAY = PROJECT.cadence.parse(KEY)
REQUEST = RetrainRequest(
    id=retrain_id("shop", DAY),
    project="shop",
    interval=DAY,
    dag="fit",
    state=RetrainState.AWAITING_APPROVAL,
    reasons=("rows fell to 3",),
    conf={"data": {"first": "2024-02-01", "last": "2024-03-02", "intervals": 30, "rows": 1200}},
    incident="i1",
)
CONTEXT: Any = {
    "dag_run": SimpleNamespace(partition_key=KEY, conf={}, run_after=datetime(2024, 3, 6, tzinfo=UTC)),
    "task_instance": SimpleNamespace(id="ti"),
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of the test's own, which the operators use."""
    with open_store(f"sqlite:///{tmp_path / 'lupus.db'}") as opened:

        @contextmanager
        def workspace() -> Iterator[Any]:
            yield SimpleNamespace(store=opened)

        monkeypatch.setattr(approval, "workspace", workspace)
        yield opened


def in_airflow() -> AirflowApprovalOperator:
    made = approval_task(PROJECT, task_id="approve")
    assert isinstance(made, AirflowApprovalOperator)
    return made


def elsewhere() -> StoreApprovalOperator:
    asks = replace(PROJECT, retrain=replace(POLICY, approval=Approval.SLACK))
    made = approval_task(asks, task_id="approve")
    assert isinstance(made, StoreApprovalOperator)
    return made


def test_nobody_is_asked_unless_the_policy_says_so() -> None:
    assert approval_task(replace(PROJECT, retrain=None), task_id="approve") is None
    assert approval_task(replace(PROJECT, retrain=replace(POLICY, approval=Approval.NONE)), task_id="approve") is None


@pytest.mark.parametrize("operator", [in_airflow, elsewhere])
@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (None, "asks for no retraining"),
        (replace(REQUEST, state=RetrainState.BLOCKED, note="not retrained: bad data"), "bad data"),
        (replace(REQUEST, state=RetrainState.REFUSED, by="vera"), "refused by vera"),
        (replace(REQUEST, state=RetrainState.TIMED_OUT, note="nobody answered in time"), "nobody answered in time"),
    ],
)
def test_nothing_to_wait_for(store: Store, operator: Any, request_: RetrainRequest | None, why: str) -> None:
    if request_ is not None:
        store.add_retrain(request_)
    with pytest.raises(AirflowSkipException, match=why):
        operator().execute(CONTEXT)


@pytest.mark.parametrize("operator", [in_airflow, elsewhere])
def test_what_was_approved_needs_no_second_answer(store: Store, operator: Any) -> None:
    store.add_retrain(replace(REQUEST, state=RetrainState.APPROVED, by="vera"))
    assert operator().execute(CONTEXT) == {"request": REQUEST.id, "state": "approved", "by": "vera"}


def test_the_question_in_airflow(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **told: asked.append(told)
    )
    store.add_retrain(REQUEST)
    with pytest.raises(TaskAwaitingInput):
        in_airflow().execute(CONTEXT)
    (question,) = asked
    assert (question["subject"], question["options"]) == (f"Retrain shop after {KEY}?", ["Approve", "Refuse"])
    assert question["body"] == request_text(REQUEST)
    assert "- rows fell to 3" in question["body"]
    assert "30 intervals from 2024-02-01 to 2024-03-02, 1,200 rows" in question["body"]


def _event(option: str) -> dict[str, Any]:
    user = {"id": "7", "name": "vera"}
    return {"chosen_options": [option], "params_input": {}, "responded_by_user": user, "responded_at": None}


def test_the_answer_in_airflow(store: Store) -> None:
    store.add_retrain(REQUEST)
    told = in_airflow().execute_complete(CONTEXT, _event("Approve"))
    assert told == {"request": REQUEST.id, "state": "approved", "by": "vera"}
    assert store.retrain_request(REQUEST.id).by == "vera"
    # The task is killed after it wrote the answer, and comes back with it.
    assert in_airflow().execute_complete(CONTEXT, _event("Approve")) == told


def test_refused_in_airflow(store: Store) -> None:
    store.add_retrain(REQUEST)
    with pytest.raises(AirflowSkipException, match="refused by vera"):
        in_airflow().execute_complete(CONTEXT, _event("Refuse"))
    assert store.retrain_request(REQUEST.id).state is RetrainState.REFUSED


def test_nobody_answered_in_airflow(store: Store) -> None:
    store.add_retrain(REQUEST)
    with pytest.raises(AirflowSkipException, match="timed_out, nobody answered in time"):
        in_airflow().execute_complete(CONTEXT, {"error": "too late", "error_type": "timeout"})
    assert store.retrain_request(REQUEST.id).state is RetrainState.TIMED_OUT


def test_an_answer_from_elsewhere_is_looked_for_every_minute(store: Store) -> None:
    store.add_retrain(REQUEST)
    with pytest.raises(TaskDeferred) as waits:
        elsewhere().execute(CONTEXT)
    wait = waits.value.trigger.moment - datetime.now(UTC)  # type: ignore[attr-defined]
    assert timedelta(seconds=50) < wait <= timedelta(seconds=60)
    assert waits.value.method_name == "resume"
    until = str((waits.value.kwargs or {})["until"])
    with pytest.raises(TaskDeferred):
        elsewhere().resume(CONTEXT, None, until)
    store.mark_retrain(REQUEST.id, RetrainState.APPROVED, by="vera")
    assert elsewhere().resume(CONTEXT, None, until)["by"] == "vera"


def test_nobody_answered_elsewhere(store: Store) -> None:
    store.add_retrain(REQUEST)
    with pytest.raises(AirflowSkipException, match="nobody answered in time"):
        elsewhere().resume(CONTEXT, None, datetime.now(UTC).isoformat())
    assert store.retrain_request(REQUEST.id).state is RetrainState.TIMED_OUT
