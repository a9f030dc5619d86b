"""What belongs to no baseline, on SQLite and on PostgreSQL alike: stored with its reason, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from lupus.model import (
    Cadence,
    CadenceKind,
    Exclusion,
    ExclusionReason,
    ExpectationOutcome,
    ExpectationSeverity,
    Finding,
    Incident,
    IncidentState,
    Interval,
    MetricPoint,
    Outcome,
    Series,
    SeriesKey,
    Severity,
    Status,
    StoreError,
    Validation,
    Verdict,
    exclusions_of,
)
from lupus.store import Store, open_store

DAILY = Cadence(CadenceKind.DAILY, timezone="America/New_York")
DAYS = tuple(DAILY.between(DAILY.parse("2013-03-07"), DAILY.parse("2013-03-16")))  # the clocks change on the 10th
MEAN, STD, NULLS = (SeriesKey("flights", "data", "delay", name, "") for name in ("mean", "std", "null_ratio"))
AUC = SeriesKey("flights", "prediction", "score", "roc_auc", "")
KEYS = sorted([MEAN, STD, NULLS, AUC])


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Ten days of four series."""
    with open_store(url) as opened:
        for day in DAYS:
            points = [MetricPoint(Series(key, "input"), day, 1.0, 10) for key in KEYS]
            opened.replace_points("flights", day, points, scope="table:data")
        yield opened


def incident(found: Sequence[tuple[SeriesKey, int]], *, name: str = "abc", **more: object) -> Incident:
    findings = tuple(
        Finding(DAYS[day], Verdict(key, DAYS[day], "rule", Status.ANOMALY, 1.0, "odd", Severity.HIGH))
        for key, day in found
    )
    first, last = min(day for _, day in found), max(day for _, day in found)
    one = Incident(
        name, "flights", IncidentState.RESOLVED, Severity.HIGH, DAYS[first], DAYS[last], findings, "Mean of data.delay"
    )
    return replace(one, **more)  # type: ignore[arg-type]


def out(store: Store) -> set[tuple[str, int]]:
    """(metric, day) of what is in no baseline."""
    history = store.history("flights", DAYS)
    return {(history.series[row].key.metric, column) for row, column in np.argwhere(history.excluded).tolist()}


def reasons(store: Store) -> list[tuple[str, str, str]]:
    return [(str(one.reason), one.source, one.metric or "*") for one in store.exclusions("flights")]


FOUND = [(MEAN, 2), (MEAN, 3), (MEAN, 6), (AUC, 3)]


@pytest.mark.parametrize("outcome", [Outcome.FIXED, Outcome.EXPECTED])
def test_findings_of_faults_and_one_offs_are_left_out_with_their_incident_as_the_reason(
    store: Store, outcome: Outcome
) -> None:
    store.save_incidents([incident(FOUND)])
    assert out(store) == set()
    store.save_incidents([incident(FOUND, outcome=outcome)])
    assert out(store) == {("mean", 2), ("mean", 3), ("mean", 6), ("roc_auc", 3)}
    found = store.exclusions("flights")
    assert [(one.start, one.end, one.metric) for one in found if one.metric == "mean"] == [
        (DAYS[2].start, DAYS[3].end, "mean"),
        (DAYS[6].start, DAYS[6].end, "mean"),
    ]
    assert {(one.reason, one.source, one.note, one.restart) for one in found} == {
        (ExclusionReason(outcome.value), "abc", "Mean of data.delay", False)
    }
    assert store.excluded_columns("flights", DAYS[:4]) == {
        (DAYS[2], "data", "delay"),
        (DAYS[3], "data", "delay"),
        (DAYS[3], "prediction", "score"),
    }


def test_a_false_alarm_stays_in(store: Store) -> None:
    store.save_incidents([incident(FOUND, outcome=Outcome.FIXED)])
    store.save_incidents([incident(FOUND, outcome=Outcome.FALSE_ALARM)])
    assert (out(store), store.exclusions("flights")) == (set(), [])


def test_a_new_normal_restarts_the_baselines_of_its_series_after_the_incident(store: Store) -> None:
    store.save_incidents([incident(FOUND, outcome=Outcome.NEW_NORMAL)])
    assert out(store) == set()
    history = store.history("flights", DAYS)
    assert history.since is not None
    expected = np.zeros((4, 10))
    for key in (MEAN, AUC):
        expected[KEYS.index(key), 7:] = 2  # from the day after the incident on nothing before its first day counts
    np.testing.assert_array_equal(history.since, expected)
    assert {(one.metric, one.reason, one.restart) for one in store.exclusions("flights")} == {
        ("mean", ExclusionReason.NEW_NORMAL, True),
        ("roc_auc", ExclusionReason.NEW_NORMAL, True),
    }
    # A part of the history sees the same restart, as far as it is in it.
    late = store.history("flights", DAYS[1:])
    assert late.since is not None
    np.testing.assert_array_equal(late.since, np.maximum(expected[:, 1:] - 1, 0))
    assert store.history("flights", DAYS[:7]).since is None
    assert store.excluded_columns("flights", DAYS) == set()


@pytest.mark.parametrize(
    ("muted_until", "state", "days"),
    [
        ("", IncidentState.MUTED, {2, 3, 6}),
        ("2013-03-10", IncidentState.MUTED, {2, 3}),
        ("2013-03-10", IncidentState.RESOLVED, {2, 3}),
        ("", IncidentState.OPEN, set()),
    ],
)
def test_muted_periods_are_left_out(store: Store, muted_until: str, state: IncidentState, days: set[int]) -> None:
    store.save_incidents([incident(FOUND[:3], state=state, muted_until=muted_until)])
    assert out(store) == {("mean", day) for day in days}
    assert {one.reason for one in store.exclusions("flights")} == ({ExclusionReason.MUTED} if days else set())


def test_what_is_left_out_follows_its_incident_through_reruns(store: Store) -> None:
    store.save_incidents([incident(FOUND, outcome=Outcome.FIXED)])
    store.save_incidents([incident(FOUND[:1], outcome=Outcome.FIXED)])
    assert out(store) == {("mean", 2)}
    store.save_incidents([incident(FOUND[1:2], outcome=Outcome.FIXED, name="other")], delete=["abc"])
    assert reasons(store) == [("fixed", "other", "mean")]
    store.commit_act("flights", DAYS[8], incidents=[incident([(STD, 8)], name="third")], delete=["other"])
    assert reasons(store) == []


def test_tables_that_failed_critical_validation_are_left_out_there(store: Store) -> None:
    def validation(*, success: bool) -> Validation:
        outcome = ExpectationOutcome("unique_id", "b", "", ExpectationSeverity.CRITICAL, success, None, "", {})
        return Validation("flights", "data", DAYS[4], "suite", (outcome,))

    store.save_validation(validation(success=False))
    assert out(store) == {("mean", 4), ("std", 4), ("null_ratio", 4)}
    (one,) = store.exclusions("flights")
    assert (one.reason, one.table, one.column, one.note) == (ExclusionReason.INVALID, "data", None, "unique_id")
    assert store.excluded_columns("flights", DAYS) == {(DAYS[4], "data", "")}
    store.save_validation(validation(success=True))
    assert out(store) == set()
    store.save_validation(validation(success=False))
    store.replace_validation("flights", "data", DAYS[4], None)
    assert store.exclusions("flights") == []


def by_hand(reason: ExclusionReason, first: int, last: int, **parts: str | None) -> Exclusion:
    return Exclusion("flights", reason, DAYS[first].start, DAYS[last].end, source="vera", note="strike", **parts)


def test_people_leave_out_and_keep_by_hand_and_have_the_last_word(store: Store) -> None:
    store.add_exclusion(by_hand(ExclusionReason.LEFT_OUT, 1, 2))
    assert out(store) == {(key.metric, day) for key in KEYS for day in (1, 2)}
    assert store.excluded_columns("flights", DAYS[:3]) == {
        (DAYS[day], table, "") for day in (1, 2) for table in ("data", "prediction")
    }
    store.save_incidents([incident(FOUND, outcome=Outcome.FIXED)])
    kept = by_hand(ExclusionReason.KEPT, 2, 6, table="data", column="delay")
    store.add_exclusion(kept)
    assert out(store) == {(key.metric, 1) for key in KEYS} | {("roc_auc", 2), ("roc_auc", 3)}
    assert (DAYS[6], "data", "delay") not in store.excluded_columns("flights", DAYS)
    assert store.exclusion(kept.id) == kept
    store.remove_exclusion(kept.id)
    with pytest.raises(StoreError, match="there is no exclusion"):
        store.exclusion(kept.id)
    assert ("mean", 6) in out(store)
    assert len({one.id for one in store.exclusions("flights")}) == len(store.exclusions("flights"))


def test_what_a_person_keeps_lifts_a_restart_that_lies_in_it(store: Store) -> None:
    store.save_incidents([incident(FOUND, outcome=Outcome.NEW_NORMAL)])
    store.add_exclusion(by_hand(ExclusionReason.KEPT, 0, 3, metric="mean"))
    history = store.history("flights", DAYS)
    assert history.since is not None
    assert np.unique(np.nonzero(history.since)[0]).tolist() == [KEYS.index(AUC)]


def test_only_what_was_made_by_hand_is_taken_back_by_hand(store: Store) -> None:
    store.save_incidents([incident(FOUND[:1], outcome=Outcome.FIXED)])
    (one,) = store.exclusions("flights")
    with pytest.raises(StoreError, match="made by hand; to overrule"):
        store.remove_exclusion(one.id)
    with pytest.raises(StoreError, match="by hand a person's name"):
        store.add_exclusion(one)
    with pytest.raises(StoreError, match="by hand a person's name"):
        store.add_exclusion(replace(by_hand(ExclusionReason.KEPT, 0, 1), source=""))
    with pytest.raises(StoreError, match="levels that count since its end"):
        store.replace_verdicts("flights", [DAYS[3]], [], exclusions=[one])
    assert store.exclusions("flights") == [one]


def test_the_judge_leaves_out_what_lies_before_levels_that_it_accepts(store: Store) -> None:
    def accepted(key: SeriesKey, first: int, at: int) -> Exclusion:
        parts = (key.table, key.column, key.metric, key.segment)
        reason, end = ExclusionReason.LEVEL_ACCEPTED, DAYS[first].start
        return Exclusion("flights", reason, None, end, *parts, DAYS[at].end, "trend_change", "note")

    store.replace_verdicts("flights", [DAYS[5]], [], exclusions=[accepted(MEAN, 3, 5)])
    store.replace_verdicts("flights", [DAYS[6]], [], exclusions=[accepted(STD, 5, 6)])
    before = store.dump()
    store.replace_verdicts("flights", [DAYS[5]], [], exclusions=[accepted(MEAN, 3, 5)])
    store.replace_verdicts("flights", [DAYS[6]], [])
    assert store.dump() == before
    history = store.history("flights", DAYS)
    assert history.since is not None
    assert history.since[KEYS.index(MEAN)].tolist() == [0] * 6 + [3] * 4
    assert history.since[KEYS.index(STD)].tolist() == [0] * 7 + [5] * 3
    store.replace_verdicts("flights", [DAYS[5]], [], exclusions=[])
    assert reasons(store) == [("level_accepted", "trend_change", "std")]


def test_what_lies_before_the_start_is_left_out_as_long_as_there_is_any(store: Store) -> None:
    def begins(day: int) -> list[Exclusion]:
        return [Exclusion("flights", ExclusionReason.BEFORE_START, None, DAYS[day].start)]

    store.replace_verdicts("flights", [DAYS[8]], [], exclusions=begins(2))
    assert out(store) == {(key.metric, day) for key in KEYS for day in (0, 1)}
    store.replace_verdicts("flights", [DAYS[9]], [], exclusions=begins(1))
    assert out(store) == {(key.metric, 0) for key in KEYS}
    store.replace_verdicts("flights", [DAYS[9]], [], exclusions=begins(0))
    assert store.exclusions("flights") == []


def test_the_span_that_is_asked_for(store: Store) -> None:
    for first, last in ((0, 1), (3, 4), (8, 9)):
        store.add_exclusion(by_hand(ExclusionReason.LEFT_OUT, first, last))
    asked: list[tuple[Interval, Interval, int]] = [
        (DAYS[0], DAYS[9], 3),
        (DAYS[2], DAYS[2], 0),
        (DAYS[1], DAYS[3], 2),
        (DAYS[4], DAYS[7], 1),
    ]
    for first, last, count in asked:
        assert len(store.exclusions("flights", first=first, last=last)) == count
    assert store.exclusions("nobody") == []


def test_keys_of_hours_are_muted_up_to_a_day() -> None:
    hourly = Cadence(CadenceKind.HOURLY)
    hours = list(hourly.between(hourly.parse("2013-03-09T22Z"), hourly.parse("2013-03-10T01Z")))
    findings = tuple(
        Finding(one, Verdict(MEAN, one, "rule", Status.ANOMALY, 1.0, "odd", Severity.HIGH)) for one in hours
    )
    one = Incident("a", "flights", IncidentState.OPEN, Severity.HIGH, hours[0], hours[-1], findings, "t")
    (found,) = exclusions_of(replace(one, muted_until="2013-03-09"))
    assert (found.start, found.end) == (hours[0].start, hours[1].end)
    (found,) = exclusions_of(replace(one, muted_until=hours[2].key))
    assert found.end == hours[2].end
