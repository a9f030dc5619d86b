"""Series as charts need them: columns along an axis without holes, or an envelope of weeks over long spans."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lupus.ui.errors import RefusedError
from lupus.ui.schemas.common import STATUSES
from lupus.ui.spans import ENVELOPE_DAYS, Span, axis, code, fill, severity_code

if TYPE_CHECKING:
    from lupus.model import Series
    from lupus.store.views import Views
    from lupus.store.views.rows import Columns, Judged, ProjectStand

MOST_POINTS: Final = 1_000_000
_A_DAY: Final = {"daily": 1, "weekly": 1, "hourly": 24}
_TICKS: Final = 24 * 60
_OK: Final = STATUSES.index("ok")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def is_envelope(asked: Span, agg: str) -> bool:
    return agg == "week" or (agg == "auto" and asked.days > ENVELOPE_DAYS)


def bound(views: Views, stands: Sequence[ProjectStand], ids: int, asked: Span) -> None:
    """Refuse more than a million points."""
    most = max((_A_DAY.get(one.cadence, _TICKS) for one in stands), default=1)
    if ids * (asked.days + 2) * most <= MOST_POINTS:
        return
    counted = views.count_intervals(stands, since=asked.since, until=asked.until)
    points = ids * max(counted.values(), default=0)
    if points > MOST_POINTS:
        raise RefusedError(
            413, "too_large", f"that is {points:,} points; ask for at most {MOST_POINTS:,}: fewer series, or fewer days"
        )


def batch(views: Views, stands: Sequence[ProjectStand], ids: Sequence[int], asked: Span, agg: str) -> dict[str, Any]:
    """A `Batch` as plain values, of those of `ids` that belong to `stands`."""
    by_id = {one.id: one for one in stands}
    homes = {number: project for number, project in views.homes(ids).items() if project in by_id}
    # The intervals of other projects are not even looked at.
    stands = [by_id[project] for project in dict.fromkeys(homes.values())]
    bound(views, stands, len(ids), asked)
    if is_envelope(asked, agg):
        return _batch_of_weeks(views, stands, homes, asked)
    by_name = {one.name: one for one in stands}
    axes: list[dict[str, Any]] = []
    series: dict[str, Any] = {}
    for columns in views.columns(homes, stands, since=asked.since, until=asked.until):
        stand = by_name[columns.project]
        kept = [place for place, key in enumerate(columns.keys) if asked.holds(key)]
        starts, keys, places = fill(
            stand, [columns.starts[place] for place in kept], [columns.keys[place] for place in kept]
        )
        order = [-1 if place < 0 else kept[place] for place in places]
        whole = order == list(range(len(columns.starts)))
        for row, number in enumerate(columns.ids):
            series[f"{number:016x}"] = {"axis": len(axes), **_columns(columns, row, None if whole else order)}
        axes.append(axis(stand, starts, keys))
    return {"axes": axes, "envelope": False, "s": series}


def _columns(columns: Columns, row: int, order: Sequence[int] | None) -> dict[str, Any]:
    """The columns of one series; `order` says which of its places stand along the axis (-1: none), unless all do."""
    numbers: list[list[Any]] = [columns.value[row], columns.lower[row], columns.upper[row], columns.score[row]]
    status = columns.status[row]
    if order is not None:
        numbers = [[None if at < 0 else part[at] for at in order] for part in numbers]
        status = [None if at < 0 else status[at] for at in order]
    value, lower, upper, score = numbers
    return {"y": value, "lo": lower, "hi": upper, "v": [code(one) for one in status], "sc": score, "anomalies": []}


def _batch_of_weeks(
    views: Views, stands: Sequence[ProjectStand], homes: Mapping[int, int], asked: Span
) -> dict[str, Any]:
    weeks, flagged = views.envelopes(list(homes), since=asked.since, until=asked.until)
    weeks_of, flagged_of = _by_series(weeks), _by_series(flagged)
    axes: list[dict[str, Any]] = []
    series: dict[str, Any] = {}
    for stand in stands:
        own = [number for number, project in homes.items() if project == stand.id]
        starts = _weeks([row[1] for number in own for row in weeks_of.get(number, ())])
        for number in own:
            columns = _week_columns(starts, weeks_of.get(number, ()), flagged_of.get(number, ()))
            series[f"{number:016x}"] = {"axis": len(axes), **columns}
        axes.append(axis(stand, starts, [_day(start) for start in starts], cadence="week"))
    return {"axes": axes, "envelope": True, "s": series}


def _by_series(rows: Sequence[Sequence[Any]]) -> dict[int, list[Sequence[Any]]]:
    found: dict[int, list[Sequence[Any]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _weeks(numbers: Sequence[int]) -> list[int]:
    """The starts of all weeks from the first to the last of these numbers."""
    from lupus.store.views.columns import week_start

    return [week_start(number) for number in range(min(numbers), max(numbers) + 1)] if numbers else []


def _day(start: int) -> str:
    return datetime.fromtimestamp(start, UTC).date().isoformat()


def _week_columns(
    starts: Sequence[int], weeks: Sequence[Sequence[Any]], flagged: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    from lupus.store.views.columns import monday, week_start

    place = {start: number for number, start in enumerate(starts)}
    size = len(starts)
    found: dict[str, Any] = {"y": [None] * size, "lo": [None] * size, "hi": [None] * size}
    found |= {"v": [-1] * size, "sc": [None] * size, "anomalies": []}
    for _, week, mean, least, greatest in weeks:
        at = place[week_start(week)]
        found["y"][at], found["lo"][at], found["hi"][at] = float(mean), least, greatest
        found["v"][at] = _OK
    for _, start, value, status, score in sorted(flagged, key=lambda row: (row[1], row[4] or 0.0)):
        week_at = place.get(monday(start))
        if week_at is not None:
            found["v"][week_at] = code(status)
            found["sc"][week_at] = max(found["sc"][week_at] or 0.0, score or 0.0)
        if value is not None:
            found["anomalies"].append((start, value))
    return found


def one(
    views: Views, stand: ProjectStand, number: int, asked: Span, agg: str
) -> tuple[dict[str, Any], list[Judged], list[str]]:
    """The columns of one series as plain values, the intervals judged, and the axis' keys.

    Of an envelope the intervals judged are those of the newest 400 days.
    """
    bound(views, [stand], 1, asked)
    envelope = is_envelope(asked, agg)
    since = max(asked.since, asked.until - ENVELOPE_DAYS * 86_400) if envelope else asked.since
    judged = [row for row in views.judged(number, stand, since=since, until=asked.until) if asked.holds(row.key)]
    if envelope:
        weeks, flagged = views.envelopes([number], since=asked.since, until=asked.until)
        starts = _weeks([row[1] for row in weeks])
        columns = _week_columns(starts, weeks, flagged)
        nothing: list[None] = [None] * len(starts)
        columns |= {"low": nothing, "high": nothing, "n": nothing, "maturity": nothing, "expected": nothing}
        columns |= {"failures": {}, "sentences": _sentences(judged, starts, weekly=True)}
        keys = [_day(start) for start in starts]
        return {"axis": axis(stand, starts, keys, cadence="week"), "envelope": True, **columns}, judged, keys
    starts, keys, places = fill(stand, [row.start for row in judged], [row.key for row in judged])
    rows = [None if place < 0 else judged[place] for place in places]
    columns = {
        name: [None if row is None else getattr(row, part) for row in rows]
        for name, part in (
            ("y", "value"), ("low", "low"), ("high", "high"), ("n", "n"), ("maturity", "maturity"),
            ("expected", "expected"), ("lo", "lower"), ("hi", "upper"), ("sc", "score"),
        )
    }  # fmt: skip
    columns["v"] = [-1 if row is None else code(row.status) for row in rows]
    found = [row for row in judged if row.status in ("anomaly", "error") and row.value is not None]
    columns["anomalies"] = [(row.start, row.value) for row in found]
    failures = {at: row.failure for at, row in enumerate(rows) if row is not None and row.failure}
    sentences = _sentences(judged, starts, weekly=False)
    columns |= {"failures": failures, "sentences": sentences}
    return {"axis": axis(stand, starts, keys), "envelope": False, **columns}, judged, keys


def _sentences(judged: Sequence[Judged], starts: Sequence[int], *, weekly: bool) -> list[dict[str, Any]]:
    """`Sentence`s of every verdict that is not ok, and of the newest."""
    from lupus.store.views.columns import monday

    place = {start: number for number, start in enumerate(starts)}
    newest = newest_verdict(judged)
    return [
        {
            "at": place[monday(row.start) if weekly else row.start],
            "rule": row.rule,
            "status": code(row.status),
            "severity": severity_code(row.severity),
            "score": row.score,
            "text": row.sentence,
            "why": row.why,
        }
        for row in judged
        if row.sentence
        and (row is newest or row.status != "ok")
        and (monday(row.start) if weekly else row.start) in place
    ]


def newest_verdict(judged: Sequence[Judged]) -> Judged | None:
    """The newest interval with a verdict that does not wait for labels; else the newest with any."""
    said = [row for row in judged if row.status is not None]
    return next((row for row in reversed(said) if row.status != "immature"), said[-1] if said else None)


def info(stand: ProjectStand, number: int, series: Series) -> dict[str, Any]:
    """A `SeriesInfo` as plain values."""
    key = series.key
    return {
        "id": f"{number:016x}",
        "project": key.project,
        "group": series.group,
        "role": roles(stand.about).get(key.table, ""),
        "table": key.table,
        "column": key.column,
        "metric": key.metric,
        "segment": key.segment,
        "unit": series.unit,
        "tags": dict(series.tags),
    }


def roles(about: Mapping[str, Any]) -> dict[str, str]:
    """The role of each table that the project's file names."""
    return {one["name"]: one["role"] for one in about.get("tables", ())}


def as_csv(series: Series, judged: Sequence[Judged]) -> str:
    """One line per interval, numbers exact."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ("project", "series", "interval", "value", "low", "high", "n", "maturity", "failure", "status", "severity",
         "expected", "lower", "upper", "score", "rule", "sentence")
    )  # fmt: skip
    for row in judged:
        writer.writerow(
            _cell(value)
            for value in (
                series.key.project, str(series.key), row.key, row.value, row.low, row.high, row.n, row.maturity,
                row.failure, row.status, row.severity, row.expected, row.lower, row.upper, row.score, row.rule,
                row.sentence,
            )
        )  # fmt: skip
    return out.getvalue()


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value if value is None or isinstance(value, int) else repr(value)
