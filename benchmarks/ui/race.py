"""The requests, and the table of what they took."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ui.browser import look
from ui.generate import LONG_DAYS, Size, project_name

CHARTS = 50
DAYS = 90


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


def race(address: str, token: str, size: Size, *, requests: int) -> int:
    """Print the table; how many lines miss their budget."""
    api, chance = Api(address, token), random.Random(1)
    _, headers, packed, cold = api.ask("GET", "/catalog")
    catalog = json.loads(gzip.decompress(packed))
    series = list(zip(catalog["id"], catalog["project"], strict=True))
    assert len(series) == size.projects * size.series
    names = {name: place for place, name in enumerate(catalog["projects"])}
    of: dict[int, list[str]] = {}
    for one, place in series:
        of.setdefault(place, []).append(one)
    long = [one for number in range(size.long) for one in of[names[project_name(number)]]]

    def batch(ids: list[str]) -> float:
        return api.ask("POST", "/series:batch", {"ids": ids, "days": DAYS})[3]

    # A path that no process has answered before is made anew: `to` differs each time.
    days = iter(range(10_000))
    lines: list[tuple[str, list[float], float | None]] = [
        ("catalogue, first of this server", [cold], None),
        ("catalogue of a day, made anew", [_catalog_of_day(api, next(days)) for _ in range(5)], None),
        (
            "catalogue, not changed (304)",
            _times(requests, lambda: api.ask("GET", "/catalog", **{"If-None-Match": headers["etag"]})[3]),
            50,
        ),
        (
            f"dashboard: {CHARTS} charts of one project x {DAYS} days",
            _times(requests, lambda: batch(chance.sample(chance.choice(list(of.values())), CHARTS))),
            100,
        ),
        (
            f"dashboard: {CHARTS} charts of any projects x {DAYS} days",
            _times(requests, lambda: batch(chance.sample(catalog["id"], CHARTS))),
            100,
        ),
        (
            f"one series x {LONG_DAYS} days, columns",
            _times(
                requests,
                lambda: api.ask(
                    "POST", "/series:batch", {"ids": [chance.choice(long)], "days": LONG_DAYS, "agg": "none"}
                )[3],
            ),
            30,
        ),
        (
            f"one series x {LONG_DAYS} days, with all its chart shows",
            _times(requests, lambda: api.ask("GET", f"/series/{chance.choice(long)}?days={LONG_DAYS}&agg=none")[3]),
            None,
        ),
        ("overview of all projects, made anew", [_anew(api, "/projects?days={}", 20 + one) for one in range(20)], None),
        (
            "matrix of a project",
            [_anew(api, f"/projects/{project_name(0)}/matrix?days={{}}", 60 + n) for n in range(20)],
            None,
        ),
    ]
    lines[0] = (lines[0][0], lines[0][1], 500)
    print(f"\n{'':58} {'p50':>8} {'p95':>8} {'budget':>8}")
    missed = 0
    for name, taken, budget in lines:
        middle, high = statistics.median(taken), sorted(taken)[max(0, round(len(taken) * 0.95) - 1)]
        said = "" if budget is None else f"{budget:>5} ms" + ("" if high <= budget else "  missed")
        missed += budget is not None and high > budget
        print(f"{name:58} {middle:>5.0f} ms {high:>5.0f} ms {said}")
    print(f"catalogue of {len(series):,} series: {len(packed) / 1e6:.2f} MB packed")
    return missed + look(address, api, catalog)


def _catalog_of_day(api: Api, back: int) -> float:
    return api.ask("GET", f"/catalog?day=2026-11-{27 - back % 27:02}")[3]


def _anew(api: Api, path: str, number: int) -> float:
    return api.ask("GET", path.format(number))[3]


def _times(count: int, once: Callable[[], float]) -> list[float]:
    once()
    return [once() for _ in range(count)]
