"""A small store for tests of the API, and a client of it with chosen rights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from lupus.model import (
    Cadence,
    CadenceKind,
    Finding,
    Incident,
    IncidentState,
    Interval,
    MetricPoint,
    Series,
    SeriesKey,
    Severity,
    Status,
    Verdict,
    incident_id,
)
from lupus.store import Store, open_store
from lupus.ui.access import Visitor, refuse_forgery, visitor

DAILY = Cadence(CadenceKind.DAILY, timezone="America/New_York")
LAST = DAILY.parse("2026-11-20")
DAYS = [DAILY.shift(LAST, -back) for back in range(59, -1, -1)]  # the clocks change on 1 November
EVIL = "<img src=x onerror=alert(1)>'\"; DROP TABLE points; -- \udc80\x00☃"
TEXT = """\
project: {name}
start: 2026-09-01
timezone: America/New_York
tables:
  data: {{source: {{files: data.parquet}}, time: date}}
rules:
  rows_low: {{kind: threshold, where: {{metric: rows}}, min: 50}}
"""


def series(project: str, column: str, metric: str, *, group: str = "input", segment: str = "") -> Series:
    return Series(SeriesKey(project, "data", column, metric, segment), group, "rows" if metric == "rows" else "")


def fill(store: Store, project: str, *, extra: Sequence[Series] = ()) -> list[Series]:
    """Sixty days of three series (and `extra`), an anomaly on the last day, an open incident that holds it."""
    ones = [
        series(project, "", "rows"),
        series(project, "x", "mean"),
        series(project, "x", "mean", segment="country=JP"),
        *extra,
    ]
    about = {
        "description": "made for a test", "timezone": "America/New_York", "cron": "", "task": "", "tags": ["t"],
        "mature_at": 0.9, "tables": [{"name": "data", "role": "data", "source": "files"}],
        "rules": [
            {
                "name": "rows_low", "kind": "threshold", "where": {"metric": ["rows"]}, "parameters": {"min": 50},
                "severity": None,
            }
        ],
        "file": f"{project}.yaml", "text": TEXT.format(name=project),
    }  # fmt: skip
    store.save_project(project, owner="ml", cadence="daily", about=about)
    for place, day in enumerate(DAYS):
        if place == 30:
            continue  # a day that never ran
        store.start_run(project, day, "judge", datetime(2026, 11, 21, tzinfo=UTC))
        store.finish_run(project, day, "judge", datetime(2026, 11, 21, 0, 0, 9, tzinfo=UTC), "ok")
        odd = day == LAST
        values = [100.0 + place % 7 if not (odd and one is ones[0]) else 3.0 for one in ones]
        points = [MetricPoint(one, day, value, 10) for one, value in zip(ones, values, strict=True)]
        store.replace_points(project, day, points, scope="table:data")
        store.replace_verdicts(
            project, [day], [_verdict(one, day, value) for one, value in zip(ones, values, strict=True)]
        )
    finding = Finding(LAST, _verdict(ones[0], LAST, 3.0))
    name = incident_id(project, LAST)
    store.save_incidents(
        [Incident(name, project, IncidentState.OPEN, Severity.HIGH, LAST, LAST, (finding,), f"rows of data {EVIL}")]
    )
    return ones


def _verdict(one: Series, day: Interval, value: float) -> Verdict:
    if value < 50:
        said = f"rows {value:g} is below 90-110 {EVIL}"
        return Verdict(one.key, day, "rows_low", Status.ANOMALY, value, said, Severity.HIGH, 100.0, 90.0, 110.0, 9.7)
    return Verdict(one.key, day, "rows_low", Status.OK, value, "fine", None, 100.0, 90.0, 110.0, 0.3)


@dataclass
class Person:
    """A user of the tests, and what Airflow would allow them."""

    name: str
    reads: set[str]
    edits: set[str] = field(default_factory=set)
    triggers: set[str] = field(default_factory=set)

    def get_id(self) -> str:
        return self.name

    def get_name(self) -> str:
        return self.name


class Allowed(Visitor):
    """A visitor whose rights are told instead of asked for."""

    def __init__(self, person: Person) -> None:
        super().__init__(person, {"GET": frozenset(person.reads), "PUT": frozenset(person.edits)})

    def may_trigger(self, project: str) -> bool:
        return project in self.user.triggers


@contextmanager
def api(url: str, projects: Path, *, create: bool = True) -> Iterator[tuple[FastAPI, Any]]:
    """The app over the store at `url`, and a function that makes a client for a person."""
    from lupus.ui.app import create_app

    if create:
        open_store(url).close()
    app = create_app()
    app.state.service.environ = {**os.environ, "LUPUS_STORE_URL": url, "LUPUS_PROJECTS": str(projects)}
    app.state.service.find_url = lambda settings: settings.store_url
    people: dict[str, Person] = {}

    def told(request: Request) -> Visitor:
        refuse_forgery(request)
        return Allowed(people[request.headers["x-test-person"]])

    app.dependency_overrides[visitor] = told

    def client(person: Person, **headers: str) -> TestClient:
        people[person.name] = person
        base = {"x-test-person": person.name, "x-lupus-request": "1", **headers}
        return TestClient(app, headers=base, base_url="http://testserver/api/v1")

    yield app, client
    app.state.service.close()


def later(days: int) -> str:
    return (LAST.start + timedelta(days=days)).date().isoformat()
