"""What rules keep from the interval before changes nothing but the work."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge_cases import DAILY, history
from lupus.judge import Kept, judge, lookback
from lupus.judge.kept import in_rows
from lupus.model import Cadence, CadenceKind, History, RuleSpec

RECENT = RuleSpec("recent", "recent_average", parameters={"window": 8, "min_history": 3, "sensitivity": 2})
LEVEL = RuleSpec("level", "trend_change", parameters={"recent": 4, "window": 12, "sensitivity": 1.0, "accept_after": 5})
TWICE = RuleSpec("twice", "for", parameters={"rule": "recent", "n": 2, "of": 4})
RULES = [RECENT, LEVEL, TWICE]
WEEKLY = Cadence(CadenceKind.WEEKLY)
DAYS = 150


def noisy(seed: int, rows: int = 7) -> Any:
    """Noise with weekends, spikes, gaps and a level that changes."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (rows, DAYS)) + 3 * (np.arange(DAYS) % 7 >= 5)
    values[random.random(values.shape) < 0.02] += 20
    values[0] += 4 * (np.arange(DAYS) > DAYS // 2)
    values[random.random(values.shape) < 0.05] = np.nan
    return values


def part(of: History, rows: list[int], first: int, end: int) -> History:
    """Some series of a history, between two positions."""
    own = np.ix_(rows, range(first, end))
    return replace(
        of,
        series=tuple(of.series[row] for row in rows),
        intervals=of.intervals[first:end],
        values=of.values[own],
        n=of.n[own],
        maturity=of.maturity[own],
        excluded=of.excluded[own],
        closed=of.closed[first:end],
        since=None if of.since is None else np.maximum(of.since[own] - first, 0),
    )


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    unit=st.sampled_from(["", "rows", "ratio"]),
    cadence=st.sampled_from([DAILY, WEEKLY]),
    more=st.sampled_from([0, 9, DAYS]),
    late=st.integers(1, 4),
    data=st.data(),
)
def test_what_is_kept_changes_no_verdict(  # noqa: PLR0917 - drawn by name
    seed: int, unit: str, cadence: Cadence, more: int, late: int, data: st.DataObject
) -> None:
    values, random = noisy(seed), np.random.default_rng(seed)
    kept, since = Kept(), np.zeros(values.shape, dtype=np.int64)
    rows, reach = list(range(5)), lookback(RULES, DAILY) + late + more
    for day in range(128, 144):
        # What happens between two days: nothing, late labels, an old value, a restart, other series, a day left out.
        event = data.draw(st.sampled_from(["", "", "labels", "old", "restart", "series", "order", "gap"]))
        if event == "labels":
            values[:, day - 3 : day] += random.normal(0, 0.1, (len(values), 3))
        elif event == "old":
            values[random.integers(5), day - random.integers(10, 40)] = random.normal(0, 5)
        elif event == "restart":
            since[random.integers(5), day:] = day - 6
        elif event == "series":
            rows = sorted({*rows, 5, 6} if len(rows) == 5 else {*range(5)})
        elif event == "order":
            rows = rows[::-1]
        elif event == "gap":
            continue
        whole = history(values, unit=unit, n=400, cadence=cadence, excluded=[day - 20])
        now = part(replace(whole, since=since if since.any() else None), rows, max(0, day - reach), day + 1)
        at = list(range(len(now.intervals) - late, len(now.intervals)))
        fresh = judge(now, RULES, cadence, at=at, together=True)
        assert judge(now, RULES, cadence, at=at, together=True, kept=kept) == fresh
        assert judge(now, RULES, cadence, at=at, together=True, kept=kept) == fresh  # nothing is new


def test_a_day_later_only_new_columns_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    columns: list[int] = []

    def counted(compute: Any, *inputs: Any, numbers: int, **more: Any) -> Any:
        if "wanted" in more:
            columns.append(more["wanted"])
        return in_rows(compute, *inputs, numbers=numbers, **more)

    monkeypatch.setattr("lupus.judge.kept.in_rows", counted)
    one, kept = history(noisy(1)), Kept()
    for day in (70, 71):
        columns.clear()
        judge(part(one, [0, 1, 2], 0, day + 1), [RECENT, LEVEL], DAILY, at=[day], kept=kept)
    assert columns
    assert set(columns) == {1}


def test_rules_of_other_parameters_do_not_share_what_is_kept() -> None:
    one, kept = history(noisy(2)), Kept()
    for window in (8, 9, 8):
        rule = replace(RECENT, parameters={**RECENT.parameters, "window": window})
        assert judge(one, [rule], DAILY, at=[80], kept=kept) == judge(one, [rule], DAILY, at=[80])


def test_a_large_matrix_is_computed_some_rows_at_a_time() -> None:
    sizes: list[int] = []

    def double(values: Any) -> tuple[Any]:
        sizes.append(len(values))
        return (2 * values,)

    values = np.arange(12.0).reshape(6, 2)
    (found,) = in_rows(double, values, numbers=400_000)
    assert sizes == [2, 2, 2]
    np.testing.assert_array_equal(found, 2 * values)
