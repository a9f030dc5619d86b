"""The retraining policy: which anomalies ask, which do not, and what stops them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from act_cases import day, policy, project, series_of, verdict
from lupus.act import Matured, ask_retrain, decide_retrain
from lupus.model import (
    Approval,
    Better,
    Interval,
    LupusError,
    RetrainPolicy,
    RetrainRequest,
    RetrainState,
    Severity,
    Status,
    Verdict,
    retrain_id,
)

# One character an interval, the last one is the run's: A anomaly, a anomaly of too low a severity, - ok,
# . labels awaited, 0 no data, e error, blank nothing at all.
MARKS = {
    "A": (Status.ANOMALY, Severity.HIGH),
    "a": (Status.ANOMALY, Severity.MEDIUM),
    "-": (Status.OK, None),
    ".": (Status.IMMATURE, None),
    "0": (Status.NO_DATA, Severity.CRITICAL),
    "e": (Status.ERROR, Severity.CRITICAL),
}


def _recent(timeline: str) -> dict[Interval, list[Verdict]]:
    recent: dict[Interval, list[Verdict]] = {}
    for number, mark in enumerate(timeline):
        if mark != " ":
            status, severity = MARKS[mark]
            recent[day(number)] = [_auc(number, status=status, severity=severity)]
    return recent


def _auc(number: int, **more: object) -> Verdict:
    return verdict(number, "p_late", "roc_auc", table="prediction", sentence="roc_auc 0.57 is below 0.62", **more)


def _decide(
    timeline: str,
    policy: RetrainPolicy | None,
    *,
    at: int | None = None,
    invalid: tuple[str, ...] = (),
    past: tuple[RetrainRequest, ...] = (),
    upstream: tuple[str, ...] = (),
    matured: Matured = Matured(),  # noqa: B008 - immutable
) -> RetrainRequest | None:
    recent = _recent(timeline)
    series = series_of([_auc(0)])
    interval = day(len(timeline) - 1 if at is None else at)
    return decide_retrain(
        project(retrain=policy),
        interval,
        recent,
        series,
        invalid=invalid,
        past=past,
        upstream=upstream,
        matured=lambda: matured,
    )


def _past(number: int, state: RetrainState) -> RetrainRequest:
    return RetrainRequest(
        id=retrain_id("flights", day(number)),
        project="flights",
        interval=day(number),
        dag="retrain_flights",
        state=state,
        reasons=(),
        conf={},
    )


@pytest.mark.parametrize(
    ("timeline", "for_intervals", "within", "asks"),
    [
        ("A", 1, 1, True),
        ("a", 1, 1, False),
        ("-", 1, 1, False),
        ("0", 1, 1, False),
        ("e", 1, 1, False),
        (".", 1, 1, False),
        ("", 1, 1, False),
        ("A-", 1, 1, False),
        ("A-", 1, 2, True),
        ("AA", 3, 3, False),
        ("AAA", 3, 3, True),
        ("AaA", 3, 3, False),
        ("A-AA", 3, 3, False),
        ("A-AA", 3, 4, True),
        # Labels come late: the newest judged intervals are what counts, not the newest ones.
        ("AAA...", 3, 3, True),
        ("AAA.-.", 3, 3, False),
        ("AA0A  .", 3, 3, True),
        ("AAA", 3, 1, True),  # within less than for_intervals can only mean for_intervals
    ],
)
def test_policy(timeline: str, for_intervals: int, within: int, asks: bool) -> None:
    request = _decide(timeline, policy(for_intervals, within), at=max(0, len(timeline) - 1))
    assert (request is not None) is asks


def test_no_policy_asks_for_nothing() -> None:
    assert _decide("AAA", None) is None


def test_two_anomalies_in_one_interval_are_one_interval() -> None:
    two = {day(0): [_auc(0, severity=Severity.HIGH), _auc(0, severity=Severity.HIGH, rule="threshold")]}
    series = series_of([_auc(0)])
    made = decide_retrain(project(retrain=policy(2, 2)), day(0), two, series, invalid=(), past=())
    assert made is None


def test_other_groups_do_not_count() -> None:
    drift = {day(0): [verdict(0, severity=Severity.CRITICAL)]}
    series = series_of(drift[day(0)])
    assert decide_retrain(project(retrain=policy()), day(0), drift, series, invalid=(), past=()) is None


def test_later_intervals_are_not_looked_at() -> None:
    assert _decide("-AAA", policy(), at=0) is None


def test_the_request() -> None:
    request = _decide("AAA", policy(3, 3))
    assert request is not None
    assert request.id == retrain_id("flights", day(2))
    assert (request.state, request.dag, request.note) == (RetrainState.REQUESTED, "retrain_flights", "")
    assert request.reasons[0] == f"{day(2).key}: prediction.p_late roc_auc: roc_auc 0.57 is below 0.62"
    assert json.loads(json.dumps(request.conf)) == {
        "window": 60,
        "project": "flights",
        "interval": day(2).key,
        "reasons": list(request.reasons),
        "request_id": request.id,
    }


def test_conf_is_plain_json_and_what_lupus_says_wins() -> None:
    odd = replace(policy(), conf={"project": "mine", "gap": timedelta(days=1), "deep": {"list": (1, None, "x")}})
    request = _decide("A", odd)
    assert request is not None
    conf = json.loads(json.dumps(request.conf))
    assert (conf["project"], conf["gap"], conf["deep"]) == ("flights", "1 day, 0:00:00", {"list": [1, None, "x"]})


def test_many_reasons_are_counted() -> None:
    recent = {day(0): [_auc(0, severity=Severity.HIGH, rule=f"rule{number}") for number in range(25)]}
    made = decide_retrain(project(retrain=policy()), day(0), recent, series_of([_auc(0)]), invalid=(), past=())
    assert made is not None
    assert len(made.reasons) == 11
    assert made.reasons[-1] == "and 15 more"


@pytest.mark.parametrize(
    ("state", "distance", "asks"),
    [
        (RetrainState.REQUESTED, 13, False),
        (RetrainState.TRIGGERED, 13, False),
        (RetrainState.SUCCEEDED, 13, False),
        (RetrainState.FAILED, 13, False),
        (RetrainState.BLOCKED, 13, True),
        (RetrainState.REFUSED, 13, False),
        (RetrainState.TIMED_OUT, 13, False),
        (RetrainState.SUCCEEDED, 15, True),
        (RetrainState.SUCCEEDED, 0, True),  # its own request: the same one again
        (RetrainState.SUCCEEDED, -3, False),  # an old interval runs again after a newer retraining
        (RetrainState.SUCCEEDED, -15, True),
    ],
)
def test_cooldown(state: RetrainState, distance: int, asks: bool) -> None:
    request = _decide(" " * 20 + "A", policy(cooldown_days=14), past=(_past(20 - distance, state),))
    assert (request is not None) is asks


def test_same_interval_again_is_the_same_request() -> None:
    first = _decide("AAA", policy(3, 3))
    assert first is not None
    assert _decide("AAA", policy(3, 3), past=(replace(first, note="blocked", state=RetrainState.BLOCKED),)) == first
    for state in (one for one in RetrainState if one.settled):
        settled = replace(first, state=state)
        assert _decide("AAA", policy(3, 3), past=(settled,)) == settled, "nobody's word is taken back"


def test_never_on_critically_invalid_data() -> None:
    invalid = tuple(f"expectation {number} failed" for number in range(5))
    request = _decide("AAA", policy(3, 3), invalid=invalid)
    assert request is not None
    assert request.state is RetrainState.BLOCKED
    assert request.note.endswith("expectation 0 failed; expectation 1 failed; expectation 2 failed; and 2 more")
    assert _decide("--A", policy(3, 3), invalid=invalid) is None, "nothing asked, so nothing is blocked"


def test_the_metric_that_asks_is_remembered() -> None:
    request = _decide("AAA", policy(3, 3))
    assert request is not None
    assert (str(request.series), request.better) == ("prediction.p_late roc_auc", Better.HIGHER)


@pytest.mark.parametrize("approval", [Approval.AIRFLOW, Approval.SLACK])
def test_a_person_is_asked_first(approval: Approval) -> None:
    request = _decide("A", replace(policy(), approval=approval))
    assert request is not None
    assert request.state is RetrainState.AWAITING_APPROVAL


def test_blocked_by_an_incident_upstream() -> None:
    request = _decide("A", policy(), upstream=("weather has an incident since 2013-03-08: Rows of wind",))
    assert request is not None
    assert request.state is RetrainState.BLOCKED
    assert request.note == "not retrained: weather has an incident since 2013-03-08: Rows of wind"


def test_every_reason_against_is_told() -> None:
    strict = replace(policy(), min_matured=14, min_matured_rows=1000, budget=1)
    small = Matured(9, 800, day(-9), day(-1))
    request = _decide(" " * 20 + "A", strict, past=(_past(1, RetrainState.SUCCEEDED),), invalid=("bad",), matured=small)
    assert request is not None
    assert request.note == (
        "not retrained: the data failed critical validation: bad; 9 of at least 14 intervals have matured; "
        "800 of at least 1,000 labelled rows have matured; the budget of 1 a month is used up in 2013-03"
    )


@pytest.mark.parametrize(
    ("intervals", "rows", "state"),
    [(13, 1000, RetrainState.BLOCKED), (14, 999, RetrainState.BLOCKED), (14, 1000, RetrainState.REQUESTED)],
)
def test_at_least_so_much_matured_data(intervals: int, rows: int, state: RetrainState) -> None:
    wanted = replace(policy(), min_matured=14, min_matured_rows=1000)
    request = _decide("A", wanted, matured=Matured(intervals, rows, day(-20), day(-3)))
    assert request is not None
    assert request.state is state
    assert request.conf["data"] == {
        "first": day(-20).key,
        "last": day(-3).key,
        "start": day(-20).start.isoformat(),
        "end": day(-3).end.isoformat(),
        "intervals": intervals,
        "rows": rows,
    }


@pytest.mark.parametrize(
    ("days", "state", "blocked"),
    [
        ((1, 8), RetrainState.SUCCEEDED, True),
        ((1, 8), RetrainState.FAILED, True),
        ((1, 8), RetrainState.REFUSED, False),
        ((1, 8), RetrainState.BLOCKED, False),
        ((8,), RetrainState.SUCCEEDED, False),
        ((-8, -7), RetrainState.SUCCEEDED, False),  # 28 February and 1 March, by the clocks of New York
    ],
)
def test_budget_of_a_calendar_month(days: tuple[int, ...], state: RetrainState, blocked: bool) -> None:
    two = replace(policy(cooldown_days=1), budget=2)
    past = tuple(_past(one, state) for one in days)
    request = _decide(" " * 20 + "A", two, past=past)
    assert request is not None
    assert (request.state is RetrainState.BLOCKED) is blocked


def _ask(past: tuple[RetrainRequest, ...] = (), policy: RetrainPolicy | None = policy()) -> RetrainRequest:  # noqa: B008
    shop = project(retrain=policy)
    return ask_retrain(shop, day(3), by="vera", why="new data", past=past, incident="i1", matured=Matured())


def test_a_person_may_ask() -> None:
    asked = _ask()
    assert (asked.state, asked.by, asked.reasons) == (RetrainState.APPROVED, "vera", ("vera asked for it: new data",))
    assert asked.id != retrain_id("flights", day(3)), "it is not the policy's own of that interval"
    assert asked.conf["request_id"] == asked.id


def test_nobody_may_ask_twice_or_for_nothing() -> None:
    with pytest.raises(LupusError, match="has a retraining that is triggered"):
        _ask((_past(1, RetrainState.TRIGGERED),))
    with pytest.raises(LupusError, match=r"names no retraining Dag; give it retrain\.dag"):
        _ask(policy=None)
    assert _ask((_past(1, RetrainState.SUCCEEDED),)).id != _ask().id
