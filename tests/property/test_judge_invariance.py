"""What no history may change: rules see no future, no neighbour, no unit of measurement."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from judge_cases import DAILY, RECENT, history
from lupus.judge import judge, lookback
from lupus.judge.rolling import quantiles, season_median, trailing, trailing_count, trailing_mean
from lupus.judge.scale import LARGEST
from lupus.model import Cadence, CadenceKind, RuleSpec, Status

HOURLY = Cadence(CadenceKind.HOURLY)
BOUND = RuleSpec("bound", "threshold", parameters={"min": -1, "max": 1e3})
SHORT = RuleSpec("short", "recent_average", parameters={"window": 8, "min_history": 3, "sensitivity": 2})
FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)
LEVEL = RuleSpec("level", "trend_change", parameters={"recent": 4, "window": 12, "sensitivity": 1.0, "accept_after": 5})
FLAT = RuleSpec("flat", "flatline", parameters={"length": 2, "window": 25, "most_repeats": 0.3})
VALID = RuleSpec("valid", "validity")
CALENDAR = RuleSpec("calendar", "periodic", parameters={"seasons": 3, "min_history": 5, "sensitivity": 2})
UNITS = st.sampled_from(["", "rows", "ratio", "ms"])
SPREAD = RuleSpec("spread", "sudden_variance", parameters={"recent": 5, "window": 20, "sensitivity": 1})
NEW = RuleSpec("new", "new_category", parameters={"window": 9, "min_history": 2})
GONE = RuleSpec("gone", "missing", parameters={"seasons": 2, "regular": 0.5})
FIRST = RuleSpec("first", "threshold", parameters={"max": {"reference": "first", "intervals": 5, "plus": 3}})
TWICE = RuleSpec("twice", "for", parameters={"rule": "short", "n": 2, "of": 4})
BOTH = RuleSpec("both", "all", parameters={"rules": ["level", "first"], "same": "project"})
EVERY = [RECENT, SHORT, BOUND, LEVEL, FLAT, VALID, CALENDAR, SPREAD, NEW, GONE, FIRST, TWICE, BOTH]
RULES = st.lists(st.sampled_from([RECENT, BOUND, SHORT]), min_size=1, max_size=3, unique_by=lambda rule: rule.name)


def matrices(elements=FLOATS, longest=40):
    return arrays.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, longest)), elements=elements)


def noisy(seed, rows=6, length=70):
    """Noise with weekends, spikes, gaps, levels and repeated values."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (rows, length)) + 3 * (np.arange(length) % 7 >= 5)
    values[random.random(values.shape) < 0.02] += 20
    values[0] += 4 * (np.arange(length) > length // 2)
    values[1, 40:44] = values[1, 40]
    values[2] = np.round(values[2])
    values[random.random(values.shape) < 0.05] = np.nan
    return values


@settings(deadline=None)
@given(values=matrices(), unit=UNITS, rules=RULES, cadence=st.sampled_from([DAILY, HOURLY]), n=st.integers(0, 5000))
def test_any_floats_give_verdicts_with_finite_numbers(values, unit, rules, cadence, n):
    one = history(values, unit=unit, n=n, cadence=cadence)
    verdicts = judge(one, rules, cadence, at=range(len(one.intervals)))
    # What is no value (infinite, or beyond any metric) is told once, by the first rule; values are judged by each.
    usable = np.count_nonzero(np.abs(values) <= LARGEST)
    assert len(verdicts) == usable * len(rules) + np.count_nonzero(np.abs(values) > LARGEST)
    for verdict in verdicts:
        numbers = [verdict.value, verdict.expected, verdict.lower, verdict.upper, verdict.score]
        assert np.isfinite([number for number in numbers if number is not None]).all()
        assert (verdict.status is Status.ERROR) == (verdict.value is None)
        assert (verdict.severity is not None) == (verdict.status in (Status.ANOMALY, Status.ERROR))
        if verdict.score is not None:
            inside = (verdict.lower is None or verdict.lower <= verdict.value) and (
                verdict.upper is None or verdict.value <= verdict.upper
            )
            assert inside == (verdict.score <= 1) == (verdict.status is Status.OK)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), unit=UNITS, day=st.integers(0, 69), together=st.booleans(), data=st.data())
def test_the_future_changes_nothing(seed, unit, day, together, data):
    values = noisy(seed)
    failing = data.draw(st.sets(st.integers(0, 69), max_size=9))
    one = replace(history(values, unit=unit, excluded=failing), maturity=np.where(values > 4, 0.5, np.nan))
    shown = history(values[:, : day + 1], unit=unit, excluded=[d for d in failing if d <= day])
    shown = replace(shown, maturity=one.maturity[:, : day + 1])
    whole = judge(one, EVERY, DAILY, at=range(70), together=together)
    until = [verdict for verdict in whole if verdict.interval <= one.intervals[day]]
    assert judge(shown, EVERY, DAILY, at=range(day + 1), together=together) == until
    alone = judge(shown, EVERY, DAILY, at=[day], together=together)
    assert alone == [verdict for verdict in until if verdict.interval == one.intervals[day]]


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), value=st.floats(-1e6, 1e6))
def test_the_point_is_not_in_its_own_band(seed, value):
    values = noisy(seed)
    values[:, -1] = 0.0
    bands = [(v.expected, v.lower, v.upper) for v in judge(history(values), [RECENT], DAILY, at=[69])]
    values[:, -1] = value
    assert [(v.expected, v.lower, v.upper) for v in judge(history(values), [RECENT], DAILY, at=[69])] == bands


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), cadence=st.sampled_from([DAILY, HOURLY]))
def test_what_is_older_than_the_lookback_changes_nothing(seed, cadence):
    rules = [SHORT, LEVEL, FLAT, SPREAD, NEW, GONE, TWICE]
    reach = lookback(rules, cadence)
    values = noisy(seed, length=reach + 20)
    one = history(values, cadence=cadence)
    start = one.intervals[19].key
    shorter = history(values[:, 19:], cadence=cadence, start=start)
    assert judge(shorter, rules, cadence, at=[reach]) == judge(one, rules, cadence, at=[reach + 19])


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), unit=UNITS, order=st.permutations(range(6)))
def test_series_do_not_see_each_other(seed, unit, order):
    one = history(noisy(seed), unit=unit)
    rows = list(order)
    shuffled = replace(one, series=tuple(one.series[row] for row in rows), values=one.values[rows])
    expected = {(v.series, v.interval): v for v in judge(one, [RECENT], DAILY, at=range(70))}
    assert {(v.series, v.interval): v for v in judge(shuffled, [RECENT], DAILY, at=range(70))} == expected
    for row in range(6):
        single = replace(history(one.values[row], unit=unit), series=(one.series[row],))
        found = judge(single, [RECENT], DAILY, at=[69])
        wanted = expected.get((one.series[row].key, one.intervals[69]))
        assert found == ([] if wanted is None else [wanted])


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), power=st.integers(-200, 200))
def test_the_unit_of_measurement_does_not_matter(seed, power):
    values, factor = noisy(seed), 2.0**power
    plain = judge(history(values), [RECENT], DAILY, at=range(70))
    scaled = judge(history(values * factor), [RECENT], DAILY, at=range(70))
    assert [v.status for v in scaled] == [v.status for v in plain]
    assert [v.score for v in scaled] == [v.score for v in plain]
    assert [v.upper for v in scaled] == [v.upper and v.upper * factor for v in plain]


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.floats(-10, 10))
def test_the_origin_of_measurement_does_not_matter_while_noise_is_more_than_the_floor(seed, shift):
    values = noisy(seed)
    plain = judge(history(values), [RECENT], DAILY, at=[68, 69])
    moved = judge(history(values + shift), [RECENT], DAILY, at=[68, 69])
    for one, other in zip(plain, moved, strict=True):
        assume(one.score is None or abs(one.score - 1) > 1e-6)
        assert (one.status, one.severity) == (other.status, other.severity)
        if one.score is not None:
            np.testing.assert_allclose(other.score, one.score, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(other.expected, one.expected + shift, rtol=1e-6, atol=1e-6)


@settings(deadline=None)
@given(values=matrices(st.floats(-1e9, 1e9) | st.just(np.nan)), width=st.integers(1, 12), season=st.integers(1, 9))
def test_moving_statistics_agree_with_numpy_on_each_window(values, width, season):
    counts = trailing_count(~np.isnan(values), width)
    middle, high = quantiles(trailing(values, width), counts, (0.5, 0.9))
    means, seasons = trailing_mean(values, width), season_median(values, season)
    for row, day in np.ndindex(*values.shape):
        window = values[row, max(0, day - width) : day]
        window = window[~np.isnan(window)]
        same = values[row, [day - back * season for back in range(1, 5) if day >= back * season]]
        same = same[~np.isnan(same)]
        assert counts[row, day] == window.size
        if window.size:
            found = [middle[row, day], high[row, day], means[row, day]]
            wanted = [np.median(window), np.quantile(window, 0.9), window.mean()]
            np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-5)
        else:
            assert np.isnan([middle[row, day], high[row, day], means[row, day]]).all()
        np.testing.assert_allclose(seasons[row, day], np.median(same) if same.size else np.nan, rtol=1e-9, atol=1e-9)
