"""Replay the default rules over a file of daily series, and time them.

    python benchmarks/rules.py SERIES.csv[.gz] FLAGS.csv [--intervals N]    series_id,date,value in; flags out
    python benchmarks/rules.py --speed                                      one interval of many series

`--intervals N` judges every day with no more than N earlier days loaded, as a run does; without it the whole
history is loaded once, as a replay does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lupus.judge import judge
from lupus.model import Cadence, CadenceKind, History, Interval, RuleSpec, Series, SeriesKey, Verdict

DAILY = Cadence(CadenceKind.DAILY)
RULES = (RuleSpec("recent_average", "recent_average"),)
WARM_UP = 28


def unit_of(values: np.ndarray) -> str:
    """A guess from the first values of a series: whole counts, ratios, or neither."""
    first = values[np.isfinite(values)][:WARM_UP]
    if not first.size or (first < 0).any() or np.isin(first, (0, 1)).all():
        return ""
    if (first <= 1).all():
        return "ratio"
    return "rows" if (first == np.round(first)).all() else ""


def histories(frame: pd.DataFrame) -> list[History]:
    """One history for the series that start on the same day."""
    frame = frame.assign(date=pd.to_datetime(frame["date"]))
    by_start: dict[pd.Timestamp, list[tuple[str, pd.Series]]] = {}
    for name, part in frame.groupby("series_id", sort=False):
        values = part.groupby("date")["value"].last().asfreq("D")
        by_start.setdefault(values.index[0], []).append((str(name), values))
    return [_history(start, group) for start, group in by_start.items()]


def _history(start: pd.Timestamp, group: Sequence[tuple[str, pd.Series]]) -> History:
    length = max(len(values) for _, values in group)
    matrix = np.full((len(group), length), np.nan)
    for row, (_, values) in enumerate(group):
        matrix[row, : len(values)] = values.to_numpy(dtype=float)
    first = DAILY.parse(start.date().isoformat())
    intervals = tuple(DAILY.between(first, DAILY.parse((start + pd.Timedelta(days=length - 1)).date().isoformat())))
    series = tuple(
        Series(SeriesKey("file", "series", "", name), "business", unit_of(matrix[row]))
        for row, (name, _) in enumerate(group)
    )
    return history_of(series, intervals, matrix)


def history_of(series: tuple[Series, ...], intervals: tuple[Interval, ...], values: np.ndarray) -> History:
    shape = values.shape
    return History(
        series=series,
        intervals=intervals,
        values=values,
        n=np.zeros(shape, dtype=np.int64),
        maturity=np.full(shape, np.nan),
        excluded=np.zeros(shape, dtype=bool),
        closed=np.ones(shape[1], dtype=bool),
    )


def cut(history: History, first: int, last: int) -> History:
    """The columns from `first` up to and with `last`."""
    part = slice(first, last + 1)
    return replace(
        history,
        intervals=history.intervals[part],
        values=history.values[:, part],
        n=history.n[:, part],
        maturity=history.maturity[:, part],
        excluded=history.excluded[:, part],
        closed=history.closed[part],
    )


def replay(history: History, loaded: int | None) -> list[Verdict]:
    length = len(history.intervals)
    if loaded is None:
        return judge(history, RULES, DAILY, at=range(length))
    found = []
    for position in range(length):
        first = max(0, position - loaded)
        found += judge(cut(history, first, position), RULES, DAILY, at=[position - first])
    return found


def flags(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    columns = ["series_id", "date", "flag", "score", "rule", "status", "expected", "lower", "upper", "reason"]
    rows = [
        (
            verdict.series.metric,
            verdict.interval.key,
            int(verdict.status.is_finding),
            verdict.score,
            verdict.rule,
            str(verdict.status),
            verdict.expected,
            verdict.lower,
            verdict.upper,
            verdict.sentence,
        )
        for verdict in verdicts
    ]
    return pd.DataFrame(rows, columns=columns)


def speed() -> None:
    random = np.random.default_rng(7)
    for count, length, positions in (
        (2_500, 60, 1),
        (2_500, 106, 1),
        (2_500, 109, 4),
        (10_000, 106, 1),
        (10_000, 400, 1),
        (1_000, 365, 365),
    ):
        values = random.normal(100, 5, (count, length))
        values[random.random(values.shape) < 0.02] = np.nan
        series = tuple(Series(SeriesKey("p", "t", f"c{row}", "mean"), "input") for row in range(count))
        first = DAILY.parse("2025-01-01")
        history = history_of(series, tuple(DAILY.between(first, DAILY.shift(first, length - 1))), values)
        best = np.inf
        for _ in range(3):
            started = time.process_time()
            judge(history, RULES, DAILY, at=range(length - positions, length))
            best = min(best, time.process_time() - started)
        print(f"{count:>6} series × {length:>3} intervals, {positions:>3} judged: {best:7.3f} CPU s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("series", nargs="?", type=Path)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--intervals", type=int)
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        speed()
        return
    if arguments.series is None or arguments.out is None:
        parser.error("give SERIES and FLAGS, or --speed")
    loaded = histories(pd.read_csv(arguments.series))
    started = time.process_time()
    verdicts = [verdict for history in loaded for verdict in replay(history, arguments.intervals)]
    print(f"{len(verdicts):,} verdicts in {time.process_time() - started:.1f} CPU s")
    flags(verdicts).to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
