"""Histories for the tests of the judge room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lupus.judge import judge
from lupus.model import Cadence, CadenceKind, Failure, History, RuleSpec, Series, SeriesKey, Verdict

DAILY = Cadence(CadenceKind.DAILY)
RECENT = RuleSpec("recent", "recent_average")


def history(
    values: object,
    *,
    unit: str = "",
    metric: str = "mean",
    n: int = 0,
    cadence: Cadence = DAILY,
    start: str = "2026-01-01",
    maturity: object = np.nan,
    excluded: Sequence[int] = (),
    closed: Sequence[int] = (),
    failures: Mapping[tuple[int, int], Failure] | None = None,
) -> History:
    """A History of the rows of `values`; `excluded` and `closed` are positions."""
    matrix = np.atleast_2d(np.asarray(values, dtype=float))
    rows, length = matrix.shape
    first = cadence.parse(start)
    intervals = tuple(cadence.between(first, cadence.shift(first, length - 1))) if length else ()
    left_out = np.zeros(matrix.shape, dtype=bool)
    left_out[:, list(excluded)] = True
    shut = np.zeros(length, dtype=bool)
    shut[list(closed)] = True
    return History(
        series=tuple(Series(SeriesKey("p", "data", f"c{row}", metric), "input", unit) for row in range(rows)),
        intervals=intervals,
        values=matrix,
        n=np.full(matrix.shape, n, dtype=np.int64),
        maturity=np.broadcast_to(np.asarray(maturity, dtype=float), matrix.shape).copy(),
        excluded=left_out,
        closed=shut,
        failures=failures or {},
    )


def last(values: object, *rules: RuleSpec, cadence: Cadence = DAILY, **more: object) -> Verdict:
    """The one verdict on the newest point of one series."""
    one = history(values, cadence=cadence, **more)  # type: ignore[arg-type]
    (verdict,) = judge(one, rules or (RECENT,), cadence, at=[len(one.intervals) - 1])
    return verdict
