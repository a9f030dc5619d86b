"""Short ways to write what the tests of the store put into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from lupus.model import (
    Cadence,
    CadenceKind,
    Failure,
    FailureKind,
    Finding,
    Incident,
    IncidentState,
    Interval,
    MetricPoint,
    Notice,
    NoticeState,
    Reason,
    RetrainRequest,
    RetrainState,
    Series,
    SeriesKey,
    Severity,
    Status,
    StoredState,
    Verdict,
    notice_id,
    retrain_id,
)
from lupus.store import Store

DAILY = Cadence(CadenceKind.DAILY, timezone="America/New_York")
DAYS = list(DAILY.between(DAILY.parse("2013-03-07"), DAILY.parse("2013-03-14")))  # the clocks change on the 10th
NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
NASTY = "'; DROP TABLE points; -- \"`%s :x {0} \\0 \\ \x00 \r\n ☃ 🦊 " + "long " * 2000
NOW = datetime(2026, 11, 29, 8, 30, tzinfo=UTC)


def series(metric: str, *, table: str = "data", column: str = "delay", segment: str = "", project: str = "flights"):
    return Series(SeriesKey(project, table, column, metric, segment), "input", "ratio", {"team": "ops"})


def point(one: Series, day: Interval, value: float = 1.0, *, n: int = 10, maturity: float | None = None):
    return MetricPoint(one, day, value, n, None, maturity)


def verdict(one: Series, day: Interval, status: Status = Status.OK, rule: str = "recent average", **more) -> Verdict:
    severity = Severity.HIGH if status.is_finding else None
    more.setdefault("sentence", f"{one.key} is {status}")
    return Verdict(one.key, day, rule, status, 1.5, severity=severity, **more)


MEAN, STD, ROWS = series("mean"), series("std"), series("rows", column="")
AUC = series("roc_auc", table="prediction", column="score")


def history_store(store: Store) -> None:
    for index, day in enumerate(DAYS[:4]):
        failed = MetricPoint(STD, day, None, 3, Failure(FailureKind.NO_DATA, "late"))
        points = [point(MEAN, day, float(index), n=index + 1), failed] if index != 2 else []
        store.replace_points("flights", day, points, scope="table:data")
        store.replace_points("flights", day, [point(AUC, day, 0.7, maturity=0.5)], scope="evaluation")


def state(day: Interval, kind: str = "moments", **payload) -> StoredState:
    return StoredState("flights", "data", "delay", "", kind, day, payload)


def incident(**changes) -> Incident:
    findings = (
        Finding(DAYS[1], verdict(MEAN, DAYS[0], Status.ANOMALY, score=3.0)),
        Finding(DAYS[1], verdict(MEAN, DAYS[1], Status.NO_DATA, rule="limit")),
        Finding(DAYS[2], verdict(AUC, DAYS[1], Status.ERROR)),
    )
    one = Incident(
        "i1", "flights", IncidentState.OPEN, Severity.HIGH, DAYS[1], DAYS[2], findings, "Mean of data.delay fell"
    )
    return replace(one, **changes)


def notice(day: Interval = DAYS[1], state: NoticeState = NoticeState.PENDING, **more) -> Notice:
    to = more.pop("destination", "outbox")
    return Notice(
        notice_id("i1", day, to),
        "flights",
        "i1",
        day,
        to,
        Reason.FIRST,
        state,
        {"text": "☃ <x>", "blocks": [{}]},
        **more,
    )


def request(day: Interval = DAYS[1], state: RetrainState = RetrainState.REQUESTED, **more) -> RetrainRequest:
    return RetrainRequest(
        retrain_id("flights", day), "flights", day, "retrain_flights", state, ("auc fell",), {"days": 60}, "i1", **more
    )
