"""Tallies and newest verdicts follow from the verdicts, in whatever order these are written and replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lupus.model import Interval, MetricPoint, Series, SeriesKey, Status, Verdict
from lupus.store import Store, open_store
from lupus.store.newest import STATUSES
from lupus.store.standing import badness

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = [
    Interval(day, day + timedelta(days=1), f"{day:%Y-%m-%d}") for day in (START + timedelta(days=n) for n in range(5))
]
SCOPES = {"pushed": ["a", "b"], "evaluation": ["c", "d"]}
ONES = {
    name: Series(
        SeriesKey("p", "t\\", name if name in "ac" else "☃", f"m_{name}"), "evaluation" if name in "cd" else "input"
    )
    for names in SCOPES.values()
    for name in names
}

verdicts = st.builds(
    lambda name, day, rule, status, score: Verdict(
        ONES[name].key, DAYS[day], rule, status, 1.0, "said", None, None, None, None, score
    ),
    st.sampled_from("abcd"),
    st.integers(0, 4),
    st.sampled_from(["r", "q\\"]),
    st.sampled_from(Status),
    st.none() | st.floats(0, 9),
)
writes = st.lists(
    st.tuples(
        st.sets(st.integers(0, 4), min_size=1),
        st.sampled_from([None, ["pushed"], ["evaluation"]]),
        st.lists(verdicts, max_size=8),
    ),
    max_size=6,
)


def worst(store: Store) -> dict[tuple[str, str], Verdict]:
    found: dict[tuple[str, str], Verdict] = {}
    for one in store.verdicts("p"):
        place = (one.series.metric, one.interval.key)
        other = found.get(place)
        if other is None or badness(one.status, one.score) > badness(other.status, other.score):
            found[place] = one
    return found


@settings(deadline=None)
@given(writes)
def test_what_stands_follows_from_the_verdicts(written: list[tuple[set[int], Any, list[Verdict]]]) -> None:
    with open_store("sqlite://") as store:
        for scope, names in SCOPES.items():
            store.upsert_points([MetricPoint(ONES[name], day, 1.0, 1) for name in names for day in DAYS], scope=scope)
        for places, scopes, said in written:
            days = [DAYS[place] for place in sorted(places)]
            mine = {key.metric[2:] for key in (one.key for one in ONES.values())}
            if scopes is not None:
                mine = {name for scope in scopes for name in SCOPES[scope]}
            chosen = [one for one in said if one.interval in days and one.series.metric[2:] in mine]
            store.replace_verdicts("p", days, chosen, scopes=scopes)
        expected = worst(store)
        [stand] = store.views.projects()
        cells = store.views.matrix(stand, since=0, until=2**40, by="column")
        series = [ONES[name] for name in "abcd"]
        for cell in cells:
            own = [
                one.key.metric
                for one in series
                if (one.group, one.key.table, one.key.column) == (cell.group, cell.table, cell.column)
            ]
            here = [expected[metric, cell.key] for metric in own if (metric, cell.key) in expected]
            assert cell.series == len(here)
            assert cell.status == max(here, key=lambda one: one.status.rank).status
            assert cell.findings == sum(one.status.is_finding for one in here)
        assert sum(cell.series for cell in cells) == len(expected)
        listing, rows, _, _ = store.views.catalog([stand])
        newest = {row[0]: row for row in rows.tolist()}
        metrics = [listing.words["metric"][code] for code in listing.codes["metric"].tolist()]
        assert set(metrics) == {one.key.metric for one in series}
        for number, name in zip(listing.ids.tolist(), metrics, strict=True):
            own = [one for (metric, _), one in expected.items() if metric == name and one.status is not Status.IMMATURE]
            last = max(own, key=lambda one: one.interval.start, default=None)
            assert (number in newest) == (last is not None)
            if last is not None:
                _, start, status, _, score, _, _ = newest[number]
                assert (start, STATUSES[status]) == (int(last.interval.start.timestamp()), last.status.value)
                assert score == last.score or (last.score is None and isnan(score))
