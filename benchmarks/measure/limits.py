"""The table of what must hold: every row is a ratio of two contenders of one race, or what one of them took."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from race import Result
from sections import MILLION, WIDE, Race

TEN_MILLION = 10 * MILLION


@dataclass(frozen=True, slots=True)
class Limit:
    """`names` are contenders of `section`; `take` makes a number of their results. `rows` is the size it is meant for.

    `most` says that the number must stay below `must`, else it must reach it. `aim` may be None.
    """

    what: str
    section: str
    names: tuple[str, ...]
    take: Callable[..., float]
    must: float
    aim: float | None
    rows: int = TEN_MILLION
    most: bool = False
    unit: str = "×"


def slower(peer: Result, ours: Result) -> float:
    return peer.seconds / ours.seconds


def slower_cpu(peer: Result, ours: Result) -> float:
    return peer.cpu_seconds / ours.cpu_seconds


def peak(ours: Result) -> float:
    return max(ours.peaks, default=math.nan)


def per_column(many: Result, few: Result) -> float:
    return (many.seconds / WIDE) / (few.seconds / 20)


def faster_than(*names: str, must: float, aim: float, rows: int = TEN_MILLION) -> Limit:
    """`names` are the section, the peer, and what is said of both."""
    section, peer, what = names
    return Limit(f"{section}{what}", section, (peer, "lupus"), slower, must, aim, rows)


LISTED, STORED = ": faster than polars, quantiles as one list", " from stored States: faster than "
LIMITS: Sequence[Limit] = (
    Limit("profile: ours / the DuckDB floor", "profile", ("lupus", "floor"), slower, 5.5, 2, most=True),
    faster_than("profile", "whylogs", ": faster than whylogs", must=30, aim=80),
    faster_than("profile", "evidently", ": faster than Evidently", must=15, aim=50, rows=MILLION),
    faster_than("profile", "pandas", ": faster than pandas", must=8, aim=18),
    faster_than("profile", "polars", ": faster than polars", must=5, aim=12),
    faster_than("profile", "polars, quantile list", LISTED, must=5, aim=12),
    faster_than("drift", "nannyml", f"{STORED}NannyML", must=20, aim=60, rows=MILLION),
    faster_than("drift", "whylogs", f"{STORED}whylogs", must=25, aim=80, rows=MILLION),
    faster_than("drift", "evidently", f"{STORED}Evidently", must=50, aim=150, rows=MILLION),
    faster_than("evaluation", "pandas + scikit-learn", ": faster than pandas + scikit-learn", must=8, aim=15),
    faster_than("evaluation", "polars", ": faster than polars", must=2.5, aim=4),
    Limit("peak memory: profile", "profile", ("lupus",), peak, 700, 400, most=True, unit=" MB"),
    Limit("peak memory: evaluation", "evaluation", ("lupus",), peak, 700, 400, most=True, unit=" MB"),
    Limit("1,000 columns: peak memory", "wide", (f"lupus, {WIDE} columns",), peak, 2048, None, MILLION, True, " MB"),
    Limit(
        "1,000 columns: peak memory, first slice",
        "wide",
        (f"lupus, {WIDE} columns, first slice",),
        peak, 2048, None, MILLION, True, " MB",
    ),
    Limit(
        "1,000 columns: cost per column / that of 20",
        "wide",
        (f"lupus, {WIDE} columns", "lupus, 20 columns"),
        per_column, 1.0, None, MILLION, True,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a limit came to. `value` is NaN where something did not run; `cpu` is the same ratio of processor times."""

    limit: Limit
    rows: int
    value: float
    cpu: float
    failure: str = ""

    @property
    def holds(self) -> bool:
        return self.value <= self.limit.must if self.limit.most else self.value >= self.limit.must

    @property
    def reaches_aim(self) -> bool:
        aim = self.limit.aim
        return aim is not None and (self.value <= aim if self.limit.most else self.value >= aim)

    @property
    def says(self) -> str:
        """Whether it holds, and whether it was measured over as many rows as it is meant for."""
        if self.failure:
            return "no: not measured"
        says = "yes, and the aim" if self.reaches_aim else "yes" if self.holds else "**no**"
        return says if self.rows == self.limit.rows else f"{says} (meant for {self.limit.rows:,})"


def outcomes(races: Sequence[Race]) -> list[Outcome]:
    """Every limit whose contenders ran, each over the rows that come nearest to those it is meant for."""
    found = []
    for limit in LIMITS:
        fitting = [one for one in races if one.section == limit.section and set(limit.names) <= one.results.keys()]
        if not fitting:
            continue
        chosen = min(fitting, key=lambda one: abs(one.rows - limit.rows))
        results = [chosen.results[name] for name in limit.names]
        failure = "; ".join(f"{n}: {one.failure}" for n, one in zip(limit.names, results, strict=True) if one.failure)
        value = math.nan if failure else limit.take(*results)
        cpu = slower_cpu(*results) if limit.take is slower and not failure else math.nan
        found.append(Outcome(limit, chosen.rows, value, cpu, failure))
    return found
