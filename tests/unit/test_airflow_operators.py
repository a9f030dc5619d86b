"""The operators as shells: what they hand to the stages; when they wait, fail or skip, by Airflow's real signals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRuntimeError,
    AirflowSkipException,
    DagRunTriggerException,
    ErrorType,
    TaskDeferred,
)
from airflow.sdk.execution_time.comms import ErrorResponse

from lupus import stages
from lupus.airflow import delivery, operators, retraining
from lupus.airflow.delivery import DeliverOperator
from lupus.airflow.operators import ActOperator, ExtractOperator, JudgeOperator, is_last_try, worst
from lupus.airflow.retraining import RetrainOperator, retrain_conf, retrain_run_id
from lupus.model import (
    Cadence,
    CadenceKind,
    FileFormat,
    FileSource,
    Interval,
    Project,
    RetrainRequest,
    RetrainState,
    Role,
    Snapshot,
    SnapshotStatus,
    Status,
    StoreError,
    Table,
    retrain_id,
)

KEY = "2024-03-05"
PROJECT = Project(
    name="shop",
    owner="ml-shop",
    cadence=Cadence(CadenceKind.DAILY),
    start=datetime(2024, 3, 1, tzinfo=UTC),
    tables=tuple(Table(name, Role.OTHER, FileSource("x.csv", FileFormat.CSV)) for name in ("a", "b")),
)
DAY = PROJECT.cadence.parse(KEY)
REQUEST = RetrainRequest(
    id=retrain_id("shop", DAY),
    project="shop",
    interval=DAY,
    dag="retrain_shop",
    state=RetrainState.REQUESTED,
    reasons=("rows fell to 3",),
    conf={"since": date(2024, 1, 1), "project": "not this one"},
)


def api_error(status: int) -> AirflowRuntimeError:
    """What a task sees when the API server answers with `status`."""
    detail = {"status_code": status, "message": "", "detail": None}
    return AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))


@dataclass
class Instance:
    """A running task, as far as operators look at it."""

    try_number: int = 1
    max_tries: int = 2
    existing: tuple[str, ...] = ()
    dag: Any = field(default_factory=lambda: SimpleNamespace(is_paused=False))
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, task_ids: str) -> Any:
        return {"judge": {"worst": "anomaly"}}.get(task_ids)

    def get_dr_count(self, dag_id: str, run_ids: list[str]) -> int:
        assert dag_id == "retrain_shop"
        return sum(run_id in self.existing for run_id in run_ids)

    def get_dag(self, dag_id: str) -> Any:
        if self.dag is None:
            raise api_error(404)
        if isinstance(self.dag, Exception):
            raise self.dag
        return self.dag


def context(ti: Instance | None = None) -> Any:
    run = SimpleNamespace(partition_key=KEY, conf={}, run_after=datetime(2024, 3, 6, tzinfo=UTC))
    return {"dag_run": run, "ti": ti or Instance(), "run_id": "manual__1", "dag": SimpleNamespace(dag_id="lupus__shop")}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The calls that reach the stages, in order; the workspace is a name."""
    made: list[tuple[Any, ...]] = []

    @contextmanager
    def opened() -> Iterator[str]:
        yield "workspace"

    monkeypatch.setattr(operators, "workspace", opened)
    monkeypatch.setattr(retraining, "workspace", opened)
    monkeypatch.setattr(delivery, "workspace", opened)
    monkeypatch.setattr(stages, "report_lines", lambda report: [])
    monkeypatch.setattr(stages, "pending_retrain", lambda *_: REQUEST)
    monkeypatch.setattr(stages, "mark_retrain", lambda _, *told: made.append(told))
    return made


def snapshot(table: str) -> Snapshot:
    return Snapshot("shop", table, DAY, SnapshotStatus.OK, None, 7, (), "")


def extracts(monkeypatch: pytest.MonkeyPatch, **report: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def extract(workspace: str, project: Project, interval: Interval, **options: Any) -> Any:
        assert (workspace, project, interval) == ("workspace", PROJECT, DAY)
        seen.append(options)
        return SimpleNamespace(**{"snapshots": (), "waiting": (), "failed": (), **report})

    monkeypatch.setattr(stages, "extract", extract)
    return seen


@pytest.mark.parametrize(
    ("try_number", "max_tries", "last"), [(1, 0, True), (1, 2, False), (2, 2, False), (3, 2, True)]
)
def test_the_last_try_is_known(try_number: int, max_tries: int, last: bool) -> None:
    assert is_last_try({"ti": Instance(try_number, max_tries)}) is last


def test_extract_counts_rows(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = extracts(monkeypatch, snapshots=(snapshot("a"), snapshot("b")))
    result = ExtractOperator(task_id="extract", project=PROJECT).execute(context(Instance(3, 2)))
    assert result == {"interval": KEY, "rows": {"a": 7, "b": 7}}
    assert seen[0]["last_try"] is True
    assert seen[0]["tables"] is None


def test_extract_waits_for_the_first_deadline_and_then_looks_for_the_missing_only(
    calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    later = datetime.now(UTC) + timedelta(hours=3)
    waits = (SimpleNamespace(table="b", until=soon), SimpleNamespace(table="c", until=later))
    extracts(monkeypatch, waiting=waits, failed=("a: no such table",))
    task = ExtractOperator(task_id="extract", project=PROJECT)
    with pytest.raises(TaskDeferred) as caught:
        task.execute(context())
    assert caught.value.trigger.moment == soon
    assert caught.value.method_name == "resume"
    assert caught.value.kwargs == {"tables": ["b", "c"], "failed": ["a: no such table"]}
    # What failed before the wait is not forgotten after it.
    seen = extracts(monkeypatch, snapshots=(snapshot("b"),))
    with pytest.raises(AirflowFailException, match="a: no such table"):
        task.resume(context(), None, **caught.value.kwargs)
    assert seen[0]["tables"] == ["b", "c"]


def test_extract_looks_again_every_few_minutes_when_the_deadline_is_far(
    calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = datetime.now(UTC) + timedelta(hours=3)
    extracts(monkeypatch, waiting=(SimpleNamespace(table="b", until=far),))
    with pytest.raises(TaskDeferred) as caught:
        ExtractOperator(task_id="extract", project=PROJECT).execute(context())
    assert caught.value.trigger.moment - datetime.now(UTC) < timedelta(minutes=6)


def test_a_deadline_in_the_past_does_not_make_a_busy_loop(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    extracts(monkeypatch, waiting=(SimpleNamespace(table="b", until=datetime(2024, 3, 6, tzinfo=UTC)),))
    before = datetime.now(UTC)
    with pytest.raises(TaskDeferred) as caught:
        ExtractOperator(task_id="extract", project=PROJECT).execute(context())
    assert caught.value.trigger.moment > before


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Status.OK),
        ([Status.IMMATURE, Status.OK], Status.IMMATURE),
        ([Status.WARN, Status.IMMATURE], Status.WARN),
        ([Status.NO_DATA, Status.ERROR, Status.WARN], Status.ERROR),
        (list(Status), Status.ANOMALY),
    ],
)
def test_the_worst_status(statuses: list[Status], expected: Status) -> None:
    assert worst(statuses) is expected


def test_judge_counts_verdicts(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [SimpleNamespace(status=status) for status in (Status.OK, Status.OK, Status.WARN)]
    monkeypatch.setattr(stages, "judge", lambda *_: SimpleNamespace(verdicts=found))
    result = JudgeOperator(task_id="judge", project=PROJECT).execute(context())
    assert result == {"interval": KEY, "verdicts": {"ok": 2, "warn": 1}, "worst": "warn"}
    json.dumps(result)


def test_act_hands_on_the_run_s_address(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}

    def act(*_: Any, run_url: str, backfill: bool, send: bool) -> Any:
        told.update(url=run_url, backfill=backfill, send=send)
        return SimpleNamespace(incidents=(), notices=(), retrain=None)

    monkeypatch.setattr(stages, "act", act)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    result = ActOperator(task_id="act", project=PROJECT).execute(context())
    assert told == {
        "url": "https://airflow.example/team/dags/lupus__shop/runs/manual__1",
        "backfill": False,
        "send": False,
    }
    assert result == {"interval": KEY, "incidents": [], "notices": {}, "retrain": None}


def deliver(report: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the task answers when the stage answers `report`."""

    def stage(_workspace: Any, project: str, *, patience: stages.Patience) -> Any:
        assert (project, patience.left_seconds) == ("shop", 60.0)
        return report

    monkeypatch.setattr(stages, "deliver", stage)
    return DeliverOperator(task_id="deliver", project=PROJECT).execute(context())


def test_a_delivery_that_is_done(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    result = deliver(stages.DeliveryReport("shop", told=2), monkeypatch)
    assert result == {"interval": KEY, "told": 2, "waiting": False}


def test_a_delivery_that_has_to_wait_longer_gives_its_worker_back(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=5)
    with pytest.raises(TaskDeferred) as caught:
        deliver(stages.DeliveryReport("shop", undelivered=("no answer",), again_at=moment), monkeypatch)
    assert caught.value.trigger.moment == moment
    assert caught.value.method_name == "resume"
    began = datetime.fromisoformat((caught.value.kwargs or {})["began"])
    assert abs((datetime.now(UTC) - began).total_seconds()) < 60


def test_a_delivery_leaves_the_rest_to_the_next_run(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    half_a_day_ago = datetime.now(UTC) - timedelta(hours=13)
    report = stages.DeliveryReport("shop", told=1, again_at=datetime.now(UTC) + timedelta(minutes=5))
    monkeypatch.setattr(stages, "deliver", lambda *_, **__: report)
    operator = DeliverOperator(task_id="deliver", project=PROJECT)
    result = operator.resume(context(), began=half_a_day_ago.isoformat())
    assert result == {"interval": KEY, "told": 1, "waiting": True}


def test_a_store_that_is_down_makes_no_run_red(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = StoreError("the metric store cannot be reached")
    monkeypatch.setattr(stages, "deliver", mock.Mock(side_effect=gone))
    operator = DeliverOperator(task_id="deliver", project=PROJECT)
    with pytest.raises(StoreError):
        operator.execute(context())
    assert operator.execute(context(Instance(try_number=3)))["waiting"] is True


def retrain() -> RetrainOperator:
    return RetrainOperator(task_id="retrain", project=PROJECT)


def test_retraining_is_triggered_under_a_name_made_of_the_request(calls: list[tuple[Any, ...]]) -> None:
    with pytest.raises(DagRunTriggerException) as caught:
        retrain().execute(context())
    assert caught.value.trigger_dag_id == "retrain_shop"
    assert caught.value.dag_run_id == retrain_run_id(REQUEST) == f"lupus__shop__{KEY}__{REQUEST.id}"
    assert caught.value.wait_for_completion
    assert caught.value.deferrable
    assert calls == [(REQUEST.id, RetrainState.TRIGGERED, caught.value.dag_run_id)]


def test_a_task_that_was_killed_finds_the_run_and_only_waits_for_it(calls: list[tuple[Any, ...]]) -> None:
    ti = Instance(existing=(retrain_run_id(REQUEST),))
    with pytest.raises(TaskDeferred) as caught:
        retrain().execute(context(ti))
    assert caught.value.trigger.run_ids == [retrain_run_id(REQUEST)]
    assert caught.value.method_name == "execute_complete"
    assert ti.pushed == {"trigger_run_id": retrain_run_id(REQUEST)}
    assert calls == []


def test_no_request_is_a_skip(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "pending_retrain", lambda *_: None)
    with pytest.raises(AirflowSkipException, match=KEY):
        retrain().execute(context())


@pytest.mark.parametrize(
    ("dag", "words"),
    [(None, "does not exist"), (SimpleNamespace(is_paused=True), "is paused")],
    ids=["missing", "paused"],
)
def test_a_target_that_cannot_run_is_a_clear_failure_and_the_request_stays(
    calls: list[tuple[Any, ...]], dag: Any, words: str
) -> None:
    with pytest.raises(AirflowFailException, match=words) as caught:
        retrain().execute(context(Instance(dag=dag)))
    assert "retrain_shop" in str(caught.value)
    assert "clear this task" in str(caught.value)
    assert calls == []


def test_an_api_server_that_is_unwell_is_worth_a_retry(calls: list[tuple[Any, ...]]) -> None:
    with pytest.raises(AirflowRuntimeError, match="503"):
        retrain().execute(context(Instance(dag=api_error(503))))
    assert calls == []


def ended(state: str) -> tuple[str, dict[str, Any]]:
    run_id = retrain_run_id(REQUEST)
    return "DagStateTrigger", {"dag_id": "retrain_shop", "run_ids": [run_id], run_id: state}


def test_how_the_retraining_ended_is_recorded(calls: list[tuple[Any, ...]]) -> None:
    retrain().execute_complete(context(), ended("success"))
    with pytest.raises(AirflowFailException, match="retrain_shop ended as failed"):
        retrain().execute_complete(context(), ended("failed"))
    assert [told[1] for told in calls] == [RetrainState.SUCCEEDED, RetrainState.FAILED]


def test_conf_is_plain_json_and_cannot_lie_about_the_project() -> None:
    conf = retrain_conf(REQUEST)
    assert conf == {
        "since": "2024-01-01",
        "project": "shop",
        "interval": KEY,
        "reasons": ["rows fell to 3"],
        "request": REQUEST.id,
    }
