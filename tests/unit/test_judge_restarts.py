"""Baselines that begin anew: for the points after, and as if nothing had been before."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge_cases import DAILY, RECENT, history
from lupus.judge import AcceptedLevel, judge
from lupus.model import RuleSpec, Status

RANDOM = np.random.default_rng(20260302)
QUIET = RANDOM.normal(100, 1, 120)
TREND = RuleSpec("trend", "trend_change")
RULES = [
    RECENT,
    RuleSpec("short", "recent_average", parameters={"window": 8, "min_history": 3, "sensitivity": 2}),
    RuleSpec("level", "trend_change", parameters={"recent": 4, "window": 12, "sensitivity": 1.0, "accept_after": 5}),
    RuleSpec("flat", "flatline", parameters={"length": 2, "window": 25, "most_repeats": 0.3}),
    RuleSpec("calendar", "periodic", parameters={"seasons": 3, "min_history": 5, "sensitivity": 2}),
    RuleSpec("spread", "sudden_variance", parameters={"recent": 5, "window": 20, "sensitivity": 1}),
    RuleSpec("new", "new_category", parameters={"window": 9, "min_history": 2}),
]
LASTING = [*RULES, RuleSpec("twice", "for", parameters={"rule": "short", "n": 2, "of": 4})]


def restarted(values, restarts):
    """A history whose rows begin anew: `restarts` has (row, first day that counts, day from which on it counts)."""
    one = history(values)
    since = np.zeros(one.values.shape, dtype=np.int64)
    for row, first, day in restarts:
        since[row, day:] = np.maximum(since[row, day:], first)
    return replace(one, since=since)


RESTARTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(0, 69)).map(lambda r: (r[0], min(r[1], r[2]), r[2])),
    max_size=5,
)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), restarts=RESTARTS)
def test_a_restart_is_as_if_nothing_had_been_before(seed, restarts):
    values = np.random.default_rng(seed).normal(0, 1, (4, 70)) + 3 * (np.arange(70) % 7 >= 5)
    one = restarted(values, restarts)
    replayed = judge(one, RULES, DAILY, at=range(70))
    for day in (12, 35, 69):
        excluded = np.arange(70) < one.since[:, [day]]
        bare = replace(one, since=None, excluded=excluded)
        expected = judge(bare, RULES, DAILY, at=[day])
        assert judge(one, RULES, DAILY, at=[day]) == expected
        assert [verdict for verdict in replayed if verdict.interval == one.intervals[day]] == expected


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), restarts=RESTARTS, day=st.integers(0, 69))
def test_the_future_changes_nothing_whatever_is_restarted(seed, restarts, day):
    values = np.random.default_rng(seed).normal(0, 1, (4, 70))
    one = restarted(values, restarts)
    until = [verdict for verdict in judge(one, LASTING, DAILY, at=range(70)) if verdict.interval <= one.intervals[day]]
    # Only what was known then: what begins to count later is not there yet.
    shown = restarted(values[:, : day + 1], [(row, first, at) for row, first, at in restarts if at <= day])
    assert judge(shown, LASTING, DAILY, at=range(day + 1)) == until


def test_a_bound_that_a_person_has_set_keeps_its_reference():
    bound = RuleSpec("bound", "threshold", parameters={"max": {"reference": "first", "intervals": 28, "plus": 5}})
    values = np.concatenate([QUIET, QUIET[:30] + 20])
    one = restarted(values, [(0, 120, 140)])
    assert judge(one, [bound], DAILY, at=[149]) == judge(replace(one, since=None), [bound], DAILY, at=[149])


def test_after_a_new_normal_the_old_band_is_gone():
    values = np.concatenate([QUIET, 130 + RANDOM.normal(0, 1, 40)])
    kept = judge(history(values), [RECENT], DAILY, at=[140])[0]
    anew = judge(restarted(values, [(0, 120, 122)]), [RECENT], DAILY, at=[140])[0]
    assert kept.upper - kept.lower > 3 * (anew.upper - anew.lower)
    early = judge(restarted(values, [(0, 120, 122)]), [RECENT], DAILY, at=[125])[0]
    assert (early.status, early.sentence) == (Status.OK, "not enough history: 5 of 14 intervals")


# Levels that are accepted


def levels(values, rule=TREND):
    found: list[AcceptedLevel] = []
    one = history(values)
    judge(one, [rule], DAILY, at=range(len(one.intervals)), accepted=found)
    place = {interval: number for number, interval in enumerate(one.intervals)}
    return [(place[level.at], place[level.since]) for level in found]


@pytest.mark.parametrize("by", [6, -6, 30])
def test_a_level_that_lasts_is_accepted_once_from_where_it_began(by):
    ((at, began),) = levels(np.concatenate([QUIET, QUIET[:80] + by]))
    assert abs(began - 120) <= 1
    assert 120 + 28 + 6 <= at <= 120 + 28 + 13


def test_a_level_that_went_back_is_not_accepted():
    values = np.concatenate([QUIET, QUIET[:20] + 6, QUIET[:60]])
    assert levels(values) == []


def test_a_level_of_which_hardly_anything_is_known_is_not_accepted():
    values = np.concatenate([QUIET, QUIET[:80] + 6])
    values[136:158] = np.nan
    assert levels(values) == []


def test_when_a_level_is_accepted_is_a_parameter():
    rule = RuleSpec("trend", "trend_change", parameters={"accept_after": 10})
    (first, *_) = levels(np.concatenate([QUIET, QUIET[:80] + 6]), rule)
    (usual,) = levels(np.concatenate([QUIET, QUIET[:80] + 6]))
    assert first == (usual[0] - 18, usual[1])


def test_findings_and_verdicts_accept_the_same():
    one = history(np.concatenate([QUIET, QUIET[:80] + 6]))
    every: list[AcceptedLevel] = []
    some: list[AcceptedLevel] = []
    judge(one, [TREND], DAILY, at=range(200), accepted=every)
    judge(one, [TREND], DAILY, at=range(200), accepted=some, only_findings=True)
    assert every == some
    (level,) = every
    assert (level.rule, level.series.column) == ("trend", "c0")
    assert level.note == "the new level has lasted for 28 intervals and is accepted"
