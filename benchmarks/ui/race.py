"""The requests, and the table of what they took."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ui.browser import look
from ui.generate import LONG_DAYS, Size, project_name
from ui.processor import processor_of

CHARTS = 50
DAYS = 90
LOADING_SECONDS = 5
"""After its first answer a server goes on to load what catalogues need."""


@dataclass(slots=True)
class Api:
    """One connection that stays open, as a browser keeps it."""

    address: str
    token: str
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes, float]:
        """Status, headers, the packed body, and milliseconds until it was there."""
        sent = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "gzip", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        started = time.perf_counter()
        self._connection.request(method, f"/lupus/api/v1{path}", text, {**sent, **headers})
        answer = self._connection.getresponse()
        packed = answer.read()
        taken = (time.perf_counter() - started) * 1000
        if answer.status not in (200, 201, 304):
            raise AssertionError(f"{method} {path}: {answer.status} {packed[:500]!r}")
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, packed, taken

    def read(self, path: str, *, method: str = "GET", body: Any = None) -> Any:
        _, headers, packed, _ = self.ask(method, path, body)
        return json.loads(gzip.decompress(packed) if headers.get("content-encoding") == "gzip" else packed)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: milliseconds of each request, and of processors for one of them."""

    name: str
    taken: list[float]
    processor: float
    budget: float | None = None


def race(address: str, token: str, size: Size, url: str, *, requests: int) -> int:
    """Print the table; how many lines miss their budget."""
    api, chance, used = Api(address, token), random.Random(1), processor_of(address, url)

    def line(name: str, asked: Iterable[float], budget: float | None = None) -> Line:
        before = used()
        taken = list(asked)
        return Line(name, taken, (used() - before) * 1000 / len(taken), budget)

    first: list[tuple[dict[str, str], bytes]] = []

    def once() -> Iterator[float]:
        _, headers, packed, taken = api.ask("GET", "/catalog")
        first.append((headers, packed))
        yield taken

    # What Airflow loads for its first answer, and we for ours, is waited for by whoever is the first to ask anything.
    lines = [line("the first answer of a server that has just started", (api.ask("GET", "/me")[3] for _ in range(1)))]
    time.sleep(LOADING_SECONDS)
    lines.append(line("catalogue, first of this server", once(), 500))
    headers, packed = first[0]
    catalog = json.loads(gzip.decompress(packed))
    series = list(zip(catalog["id"], catalog["project"], strict=True))
    assert len(series) == size.projects * size.series
    names = {name: place for place, name in enumerate(catalog["projects"])}
    of: dict[int, list[str]] = {}
    for one, place in series:
        of.setdefault(place, []).append(one)
    long = [one for number in range(size.long) for one in of[names[project_name(number)]]]

    def batch(ids: list[str], days: int = DAYS, agg: str = "auto") -> float:
        return api.ask("POST", "/series:batch", {"ids": ids, "days": days, "agg": agg})[3]

    def times(once: Callable[[], float]) -> Iterator[float]:
        once()
        return (once() for _ in range(requests))

    # A path that no process has answered before is made anew: days and lengths differ each time.
    lines += [
        line("catalogue of a day, made anew", (_catalog_of_day(api, back) for back in range(5))),
        line(
            "catalogue, not changed (304)",
            times(lambda: api.ask("GET", "/catalog", **{"If-None-Match": headers["etag"]})[3]),
            50,
        ),
        line(
            f"dashboard: {CHARTS} charts of one project x {DAYS} days",
            times(lambda: batch(chance.sample(chance.choice(list(of.values())), CHARTS))),
            100,
        ),
        line(
            f"dashboard: {CHARTS} charts of any projects x {DAYS} days",
            times(lambda: batch(chance.sample(catalog["id"], CHARTS))),
            100,
        ),
        line(
            f"one series x {LONG_DAYS} days, columns",
            times(lambda: batch([chance.choice(long)], LONG_DAYS, "none")),
            30,
        ),
        line(
            f"one series x {LONG_DAYS} days, with all its chart shows",
            times(lambda: api.ask("GET", f"/series/{chance.choice(long)}?days={LONG_DAYS}&agg=none")[3]),
        ),
        line("overview of all projects, made anew", (_anew(api, "/projects?days={}", 20 + n) for n in range(20))),
        line(
            "matrix of a project, made anew",
            (_anew(api, f"/projects/{project_name(0)}/matrix?days={{}}", 60 + n) for n in range(20)),
        ),
    ]
    print(f"\n{'':58} {'p50':>8} {'p95':>8} {'budget':>8} {'processor':>12}")
    missed = 0
    for one in lines:
        middle = statistics.median(one.taken)
        high = sorted(one.taken)[max(0, round(len(one.taken) * 0.95) - 1)]
        budget = " " * 8 if one.budget is None else f"{one.budget:>5} ms"
        over = one.budget is not None and high > one.budget
        missed += over
        said = f"{one.name:58} {middle:>5.0f} ms {high:>5.0f} ms {budget} {one.processor:>9.0f} ms"
        print(said + ("  missed" if over else ""))
    print(f"catalogue of {len(series):,} series: {len(packed) / 1e6:.2f} MB packed")
    return missed + look(address, api, catalog)


def _catalog_of_day(api: Api, back: int) -> float:
    return api.ask("GET", f"/catalog?day=2026-11-{27 - back % 27:02}")[3]


def _anew(api: Api, path: str, number: int) -> float:
    return api.ask("GET", path.format(number))[3]
