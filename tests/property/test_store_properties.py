"""Whatever is written comes back, and any way of writing it ends in the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lupus.model import (
    Cadence,
    CadenceKind,
    Failure,
    FailureKind,
    MetricPoint,
    Series,
    SeriesKey,
    Severity,
    Status,
    Verdict,
)
from lupus.store import open_store
from lupus.store.text import escape, unescape

HOURLY = Cadence(CadenceKind.HOURLY)
HOURS = list(HOURLY.between(HOURLY.parse("2013-03-07T00Z"), HOURLY.parse("2013-03-07T05Z")))
TIME = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

names = st.text(max_size=12)
numbers = st.floats(allow_nan=False)
everything = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
few_keys = st.builds(SeriesKey, st.just("p"), st.sampled_from(["a", "b"]), st.sampled_from(["", "x"]), st.just("m"))
keys = st.builds(SeriesKey, st.just("p"), names, names, names, names)


@st.composite
def points(draw: st.DrawFn, series: st.SearchStrategy[SeriesKey] = keys) -> MetricPoint:
    one = Series(draw(series), draw(names), draw(names), draw(st.dictionaries(names, names, max_size=2)))
    value = draw(st.none() | numbers)
    failure = None if value is not None else Failure(draw(st.sampled_from(FailureKind)), draw(everything))
    maturity = draw(st.none() | st.floats(0, 1))
    return MetricPoint(one, draw(st.sampled_from(HOURS)), value, draw(st.integers(0, 2**62)), failure, maturity)


@given(everything)
def test_text_survives_escaping_and_loses_what_databases_refuse(text: str) -> None:
    escaped = escape(text)
    assert unescape(escaped) == text
    assert "\x00" not in escaped
    assert escaped.encode().decode() == escaped  # no lone surrogates


@given(st.lists(everything, min_size=2, max_size=2, unique=True))
def test_different_texts_stay_different(pair: list[str]) -> None:
    assert escape(pair[0]) != escape(pair[1])


@TIME
@given(st.lists(points(), max_size=12))
def test_points_round_trip(written: list[MetricPoint]) -> None:
    expected = {(point.series.key, point.interval): point for point in written}
    latest = {point.series.key: point.series for point in written}
    with open_store("sqlite://") as store:
        store.upsert_points(written, scope="pushed")
        found = {(point.series.key, point.interval): point for point in store.points("p")}
    # A series is described by whoever wrote it last; a value is kept to the last bit.
    assert found == {key: replace(point, series=latest[key[0]]) for key, point in expected.items()}
    assert all(dict(point.series.tags) == dict(latest[key[0]].tags) for key, point in found.items())


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    status = draw(st.sampled_from(Status))
    number = st.none() | numbers
    return Verdict(
        draw(few_keys), draw(st.sampled_from(HOURS)), draw(st.sampled_from(["r", "☃\\"])), status, draw(number),
        draw(everything), draw(st.none() | st.sampled_from(Severity)), *(draw(number) for _ in range(4)),
        draw(everything),
    )  # fmt: skip


@TIME
@given(st.lists(verdicts(), max_size=12), st.lists(verdicts(), max_size=12))
def test_verdicts_round_trip_and_the_last_set_counts(first: list[Verdict], second: list[Verdict]) -> None:
    every = [MetricPoint(Series(SeriesKey("p", t, c, "m"), "g"), HOURS[0], 1.0, 1) for t in "ab" for c in ("", "x")]
    with open_store("sqlite://") as store:
        store.upsert_points(every, scope="x")
        store.replace_verdicts("p", HOURS, first)
        store.replace_verdicts("p", HOURS[:3], [verdict for verdict in second if verdict.interval in HOURS[:3]])
        expected = {(v.interval.start, v.series, v.rule): v for v in first if v.interval in HOURS[3:]}
        expected |= {(v.interval.start, v.series, v.rule): v for v in second if v.interval in HOURS[:3]}
        assert store.verdicts("p") == [expected[key] for key in sorted(expected)]
        assert store.verdicts("p", findings_only=True) == [v for v in store.verdicts("p") if v.status.is_finding]


runs = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["s", "t"]), st.lists(points(few_keys), max_size=4)), max_size=8
)


@TIME
@given(runs)
def test_history_in_a_store_that_remembers_is_history_in_one_that_does_not(
    written: list[tuple[int, str, list[MetricPoint]]],
) -> None:
    """After any sequence of runs: the remembered blocks say what the rows say, and so do the points."""
    with open_store("sqlite://") as store:
        for hour, scope, those in written:
            # A series belongs to one scope; the name of the column keeps the two apart.
            own = [
                replace(p, interval=HOURS[hour], series=replace(p.series, key=replace(p.series.key, segment=scope)))
                for p in those
            ]
            store.replace_points("p", HOURS[hour], own, scope=scope)
            rows = {(point.series.key, point.interval): point for point in store.points("p")}
            for first, end in ((1, 5), (2, 3), (1, 4), (0, 4), (0, 3)):  # it moves on, and back
                history = store.history("p", HOURS[first:end])
                there = {key for key, interval in rows if interval in HOURS[first:end]}
                assert [one.key for one in history.series] == sorted(there)
                for at, one in enumerate(history.series):
                    for when, interval in enumerate(history.intervals):
                        point = rows.get((one.key, interval))
                        value = np.nan if point is None or point.value is None else point.value
                        np.testing.assert_equal(history.values[at, when], value)
                        maturity = np.nan if point is None or point.maturity is None else point.maturity
                        np.testing.assert_equal(history.maturity[at, when], maturity)
                        assert history.n[at, when] == (point.n if point else 0)
                        assert history.failures.get((at, when)) == (point.failure if point else None)
