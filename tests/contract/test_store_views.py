"""What screens read, on both databases: the right columns, from the indexes that are made for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from lupus.model import Interval, MetricPoint, Series, SeriesKey, Status, Verdict
from lupus.store import Store, open_store
from lupus.store.listings import COLUMNS
from lupus.store.names import project_id
from lupus.store.newest import STATUSES
from lupus.store.views.columns import week_start

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DAYS = [
    Interval(day, day + timedelta(days=1), f"{day:%Y-%m-%d}") for day in (START + timedelta(days=n) for n in range(21))
]
A, B, OTHER = (Series(SeriesKey(p, "t", c, "mean"), "input") for p, c in (("p", "a"), ("p", "b\\"), ("q", "a")))
SINCE, UNTIL = int(DAYS[0].start.timestamp()), int(DAYS[-1].start.timestamp())


def verdict(one: Series, day: int, rule: str, status: Status, score: float, *band: float | None) -> Verdict:
    low, high = band or (None, None)
    return Verdict(one.key, DAYS[day], rule, status, 1.0, f"{rule} said {status}", None, None, low, high, score)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as made:
        points = [MetricPoint(one, day, float(n), 5) for one in (A, OTHER) for n, day in enumerate(DAYS)]
        points += [MetricPoint(B, DAYS[3], 7.0, 5)]
        made.upsert_points(points, scope="pushed")
        said = [verdict(A, n, "r", Status.OK, 0.1, 0.0, 9.0) for n in range(21) if n not in {4, 5}]
        said += [verdict(A, 4, "r", Status.OK, 0.3, 1.0, 2.0), verdict(A, 4, "trend", Status.ANOMALY, 2.0)]
        said += [verdict(A, 5, "r", Status.ANOMALY, 1.5, 3.0, 4.0), verdict(A, 5, "trend", Status.WARN, 9.0)]
        said += [
            verdict(A, 6, "a limit", Status.OK, 0.4, None, 5.0),
            verdict(A, 7, "limit", Status.WARN, 1.2, None, 5.0),
        ]
        for day, limit in ((9, "a"), (10, "limit"), (11, "z")):  # rules are sorted by their names' hashes
            said += [verdict(A, day, limit, Status.OK, 0.4, None, 5.0), verdict(A, day, "trend", Status.ANOMALY, 2.0)]
        made.replace_verdicts("p", DAYS, [*said, verdict(B, 8, "r", Status.NO_DATA, 1.0)])
        yield made


def statements(store: Store) -> list[tuple[str, Any]]:
    said: list[tuple[str, Any]] = []
    sa.event.listen(
        store._database.engine, "before_cursor_execute", lambda _c, _k, text, values, *_: said.append((text, values))
    )
    return said


def test_columns_run_along_the_intervals_of_the_project(store: Store) -> None:
    stands = store.views.projects()
    ids = [B.key.id, OTHER.key.id, A.key.id, 12345]
    homes = store.views.homes(ids)
    assert list(homes) == ids[:3]
    of_p = [one for one in stands if one.name == "p"]
    [found] = store.views.columns(homes, of_p, since=SINCE, until=UNTIL)  # q is nobody's who may not read it
    assert (found.project, found.ids, found.keys) == ("p", [B.key.id, A.key.id], [day.key for day in DAYS])
    b, a = range(2)
    assert found.value[a] == [float(n) for n in range(21)]
    assert found.value[b] == [7.0 if n == 3 else None for n in range(21)]
    assert [place for place, status in enumerate(found.status[b]) if status] == [8]  # absence is judged without a point
    both = store.views.columns(homes, stands, since=SINCE, until=UNTIL - 86_400)
    assert [(one.project, len(one.keys)) for one in both] == [("p", 20), ("q", 20)]
    assert both[1].status[0] == [None] * 20


def test_of_several_verdicts_the_worst_counts_with_a_band_that_any_of_them_draws(store: Store) -> None:
    stand = store.views.projects(["p"])[0]
    [found] = store.views.columns(store.views.homes([A.key.id]), [stand], since=SINCE, until=UNTIL)
    judged = store.views.judged(A.key.id, stand, since=SINCE, until=UNTIL)
    for columns in (
        [(found.status[0][n], found.score[0][n], found.lower[0][n], found.upper[0][n]) for n in range(3, 8)],
        [(one.status, one.score, one.lower, one.upper) for one in judged[3:8]],
    ):
        assert columns == [
            ("ok", 0.1, 0.0, 9.0),
            ("anomaly", 2.0, 1.0, 2.0),
            ("anomaly", 1.5, 3.0, 4.0),
            ("ok", 0.4, 0.0, 9.0),  # a limit that holds says less than what is expected
            ("warn", 1.2, None, 5.0),
        ]
    for n in (9, 10, 11):
        assert (found.status[0][n], found.score[0][n], found.lower[0][n], found.upper[0][n]) == (
            "anomaly",
            2.0,
            0.0,
            9.0,
        )
        assert (judged[n].rule, judged[n].lower, judged[n].upper) == ("trend", 0.0, 9.0)
    chart = store.chart(A.key, until=DAYS[7], limit=5)
    assert [(one.status, one.lower, one.upper) for one in chart] == [(one[0], *one[2:]) for one in columns]
    assert [(one.rule, one.sentence) for one in judged[4:6]] == [
        ("trend", "trend said anomaly"), ("r", "r said anomaly"),
    ]  # fmt: skip
    assert [one.value for one in judged] == found.value[0]


def test_an_envelope_holds_every_finding(store: Store) -> None:
    weeks, flagged = store.views.envelopes([A.key.id, B.key.id], since=SINCE, until=UNTIL)
    of_a = sorted(
        (week_start(int(week)), float(mean), low, high) for one, week, mean, low, high in weeks if one == A.key.id
    )
    assert of_a == [(SINCE + n * 7 * 86_400, 3.0 + n * 7, 0.0 + n * 7, 6.0 + n * 7) for n in range(3)]
    starts = [int(DAYS[n].start.timestamp()) for n in (4, 5, 8, 9, 10, 11)]
    assert sorted(flagged, key=lambda row: row[1]) == [
        (A.key.id, starts[0], 4.0, "anomaly", 2.0),
        (A.key.id, starts[1], 5.0, "anomaly", 1.5),
        (B.key.id, starts[2], None, "no_data", 1.0),
        *((A.key.id, start, float(n), "anomaly", 2.0) for n, start in enumerate(starts[3:], start=9)),
    ]


def test_charts_are_read_from_the_indexes_alone(store: Store) -> None:
    """No page of the tables: a column of many days would need a page for each day."""
    stands, homes = store.views.projects(), store.views.homes([A.key.id, B.key.id, OTHER.key.id])
    said = statements(store)
    store.views.columns(homes, stands, since=SINCE, until=UNTIL)
    store.views.envelopes([A.key.id, B.key.id], since=SINCE, until=UNTIL)
    asked = [(text, values) for text, values in said if "FROM points" in text or "FROM verdicts" in text]
    assert len(asked) == 3
    for text, values in asked:
        plan = explained(store, text, values)
        assert "points_by_series" in plan
        for line in plan.splitlines():
            if "Cond" not in line and (" points" in line or " verdicts" in line):
                assert "COVERING INDEX" in line or "Index Only Scan using" in line, plan


def explained(store: Store, text: str, values: Any) -> str:
    with store._database.reading() as connection:
        if store._database.is_sqlite:
            return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values))
        # So small a table is rather read as a whole: show what else the planner can do.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {text}", values))


def test_what_is_known_of_projects_is_read_again_only_when_it_has_changed(store: Store) -> None:
    store.views.projects()
    said = statements(store)
    before = store.views.projects()
    assert len([text for text, _ in said if text.startswith("SELECT")]) == 1
    with open_store(store._database.url.render_as_string(hide_password=False)) as another:
        another.save_project("p", owner="ann")
        later = Interval(DAYS[-1].end, DAYS[-1].end + timedelta(days=1), "2026-01-26")
        another.upsert_points([MetricPoint(OTHER, later, 1.0, 5)], scope="pushed")
        another.save_project("new")
    after = store.views.projects()
    assert [(one.name, one.owner, one.latest) for one in after] == [
        ("new", "", ""), ("p", "ann", "2026-01-25"), ("q", "", "2026-01-26"),
    ]  # fmt: skip
    assert [one.owner for one in before] == ["", ""]


def listed(store: Store) -> dict[int, tuple[Any, ...]]:
    """By id what a catalogue says of each series."""
    listing, *_ = store.views.catalog(store.views.projects())
    columns = [[listing.words[name][code] for code in listing.codes[name].tolist()] for name in COLUMNS]
    homes = [listing.projects[place] for place in listing.home.tolist()]
    return dict(zip(listing.ids.tolist(), zip(homes, *columns, strict=True), strict=True))


def known(store: Store) -> dict[int, tuple[Any, ...]]:
    """The same as the table of series has it."""
    return {
        one.key.id: (
            project_id(one.key.project), one.group, one.key.table, one.key.column, one.key.metric, one.key.segment,
            one.unit, json.dumps(dict(one.tags), separators=(",", ":"), sort_keys=True),
        )
        for stand in store.views.projects()
        for one in store.series(stand.name).values()
    }  # fmt: skip


def test_the_catalogue_lists_all_series_as_they_are_called_now(store: Store, tmp_path: Any) -> None:
    odd = Series(SeriesKey("p", "\x00\\t", "☃\ud800", "m\n", "s=1"), "own", "ms", {"b": "2", "a": "\x1f"})
    store.upsert_points([MetricPoint(odd, DAYS[0], 1.0, 5)], scope="pushed")
    renamed = Series(A.key, "target", "%")
    store.upsert_points([MetricPoint(renamed, DAYS[0], 1.0, 5)], scope="pushed")
    assert len(known(store)) == 4
    assert listed(store) == known(store)
    with open_store(f"sqlite:///{tmp_path}/copy.db") as copy:  # which has a series of p that the source has not
        more = Series(SeriesKey("p", "t", "c", "mean"), "input")
        copy.upsert_points([MetricPoint(one, DAYS[20], 1.0, 5) for one in (more, A)], scope="pushed")
        copy.replace_verdicts("p", [DAYS[20]], [verdict(more, 20, "r", Status.OK, 0.5)])
        store.copy_project("p", copy, since=DAYS[9])
        assert listed(copy) == known(copy)
        assert set(known(copy)) == {more.key.id, A.key.id, B.key.id, odd.key.id}
        _, rows, *_ = copy.views.catalog(copy.views.projects())
        # B was judged last before what is copied begins.
        assert {row[0]: STATUSES[row[2]] for row in rows.tolist()} == {more.key.id: "ok", A.key.id: "ok"}


def test_a_day_has_its_own_verdicts(store: Store) -> None:
    stands = store.views.projects()
    _, newest, *_ = store.views.catalog(stands)
    assert {row[0]: (row[1], STATUSES[row[2]]) for row in newest.tolist()} == {
        A.key.id: (UNTIL, "ok"), B.key.id: (SINCE + 8 * 86_400, "no_data"),
    }  # fmt: skip
    _, then, _, keys = store.views.catalog(stands, day=DAYS[4].key)
    assert set(keys.values()) == {DAYS[4].key}
    assert sorted((STATUSES[row[2]], row[4]) for row in then.tolist()) == [("anomaly", 2.0), ("ok", 0.3)]
    assert not len(store.views.catalog(stands, day="2031-01-01")[1])
