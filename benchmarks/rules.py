"""The anomaly rules against labelled series: the table of must and aim, textbook baselines, and what is left unseen.

    python benchmarks/rules.py EVALUATION            all of it; EVALUATION holds score.py and dev/
    python benchmarks/rules.py EVALUATION --quick    only the rules
    python benchmarks/rules.py --speed               only how long they take

The cross-validation tunes the constants that the default configuration fixes (window and sensitivity of
`recent_average`, sensitivity of `trend_change`) on four suites and scores the fifth, five times. Ends with 1 when a
figure misses what it must reach.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from lupus.judge import change_points, judge, rule_for
from lupus.model import Cadence, CadenceKind, History, RuleSpec, Series, SeriesKey
from lupus.stages import SERIES_RULES, judge_series, read_series

SHIFTS = {"level_shift", "trend", "null_creep", "model_swap"}
DAILY = Cadence(CadenceKind.DAILY)
WARM_UP = 28

PROCESSES = 2
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SCORES = (1.0, 1.5, 2.0, 3.0, 4.0, 8.0)

Flags = dict[str, np.ndarray]
ROW = "{:<56}{:>10}{:>10}{:>12}  {}".format


@dataclass(frozen=True)
class Figure:
    """What must be and is aimed to be reached, at least (or at most, with `most`), and what was."""

    name: str
    must: float | None
    aim: float | None
    measured: float
    digits: int = 3
    most: bool = False

    def reached(self, limit: float | None) -> bool:
        if limit is None:
            return True
        shown = round(self.measured, self.digits)
        return shown <= limit if self.most else shown >= limit

    def __str__(self) -> str:
        sign = "<=" if self.most else ">="
        must, aim = ("" if limit is None else f"{sign} {limit:g}" for limit in (self.must, self.aim))
        said = "" if self.must is None else "MISSED" if not self.reached(self.must) else "must"
        said = "aim" if self.aim is not None and self.reached(self.aim) else said
        return ROW(self.name, must, aim, f"{self.measured:.{self.digits}f}", said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    if arguments.evaluation is None or not (arguments.evaluation / "score.py").exists():
        if not arguments.speed:
            print("no labelled series: give the folder that holds score.py and dev/; timing only", file=sys.stderr)
        return printed(speed())
    score = scorer(arguments.evaluation)
    data = arguments.evaluation / "dev"
    frame = read_series(data / "series.csv.gz")
    series, meta, labels = score.load(str(data))
    prepared = score.prepare(series, meta, labels)
    shifts = score.prepare(series, meta, labels, only=SHIFTS)
    ours = flags_of(judge_series(frame), prepared)
    alone = flags_of(judge_series(frame, [one for one in SERIES_RULES if one.kind == "trend_change"]), prepared)
    missed = table(score, data, prepared, shifts, ours=ours, alone=alone)
    if not arguments.quick:
        tails(prepared, frame)
        trade_off(score, prepared, shifts, frame)
        cross_validation(score, prepared, frame)
        baselines(score, prepared, shifts, ours, frame)
    return missed


def printed(figures: Iterator[Figure]) -> int:
    """1 when one of them is missed."""
    print(ROW("dev split, the fixed default configuration", "must", "aim", "measured", "reached"), flush=True)
    missed = 0
    for figure in figures:
        print(figure, flush=True)
        missed |= not figure.reached(figure.must)
    return missed


def scorer(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", folder / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flags_of(said: pd.DataFrame, prepared: list[dict]) -> Flags:
    by_series = dict(tuple(said.assign(date=pd.to_datetime(said["date"])).groupby("series_id")))
    found = {}
    for one in prepared:
        flags = np.zeros(one["n"], dtype=bool)
        part = by_series.get(one["id"])
        if part is not None:
            flags[(part["date"] - one["d0"]).dt.days.to_numpy()] = part["flag"].to_numpy() > 0
        found[one["id"]] = flags
    return found


def table(score: ModuleType, data: Path, prepared, shifts, *, ours: Flags, alone: Flags) -> int:
    by_suite, _ = score.evaluate(prepared, ours)
    mean = by_suite.loc["MEAN"]
    trend = score.evaluate(shifts, alone)[0].loc["MEAN"]
    together = score.evaluate(shifts, ours)[0].loc["MEAN"]
    annotated = pd.read_csv(data / "tcpd_series.csv")
    changes = {
        name: change_points(part.sort_values("t")["value"].to_numpy(dtype=float))
        for name, part in annotated.groupby("series_id")
    }
    points = score.eval_cp(str(data), changes).loc["MEAN"]
    quality = [
        Figure("mean F1 over the five suites", 0.57, 0.65, mean.f1),
        Figure("false-alarm days per 100", 0.6, 0.5, mean.fa_per_100d, digits=2, most=True),
        Figure("shift and trend kinds, F1 of trend_change", 0.45, 0.55, trend.f1),
        Figure("    of all default rules together", None, None, together.f1),
        Figure("change points (TCPD), F1", 0.74, 0.80, points.f1),
        Figure("change points (TCPD), covering", 0.69, 0.72, points.covering),
    ]
    missed = printed(itertools.chain(quality, speed()))
    print()
    print(by_suite[["events", "f1", "precision", "recall", "fa_per_100d", "delay_d"]].round(3).to_string(), flush=True)
    return missed


def speed() -> Iterator[Figure]:
    random = np.random.default_rng(7)
    for count, length, positions, must, aim in ((1_000, 365, 365, 30, 10), (10_000, 400, 1, 10, 3)):
        values = random.normal(100, 5, (count, length))
        values[random.random(values.shape) < 0.02] = np.nan
        first = DAILY.parse("2025-01-01")
        shape = values.shape
        history = History(
            series=tuple(Series(SeriesKey("p", "t", f"c{row}", "mean"), "input") for row in range(count)),
            intervals=tuple(DAILY.between(first, DAILY.shift(first, length - 1))),
            values=values,
            n=np.zeros(shape, dtype=np.int64),
            maturity=np.full(shape, np.nan),
            excluded=np.zeros(shape, dtype=bool),
            closed=np.ones(length, dtype=bool),
        )
        started = time.process_time()
        judge(history, SERIES_RULES, DAILY, at=range(length - positions, length), together=True)
        name = f"CPU s, {count:,} series × {length} days, " + ("all judged" if positions > 1 else "one judged")
        yield Figure(name, must, aim, time.process_time() - started, digits=2, most=True)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure("peak memory of this process, MiB", 1024, None, used, digits=0, most=True)


def tails(prepared, frame: pd.DataFrame) -> None:
    """How often the rules reach a score on days that are normal by their labels, beside the tails that they use."""
    print("\nshare of normal days with such a score, %" + " " * 17 + "".join(f"{score:>10g}" for score in SCORES))
    for kind in ("recent_average", "periodic", "trend_change", "sudden_variance"):
        spec = RuleSpec(kind, kind)
        said = judge_series(frame, [spec])
        by_series = dict(tuple(said.assign(date=pd.to_datetime(said["date"])).groupby("series_id")))
        days, found = 0, []
        for one in prepared:
            part = by_series[one["id"]]
            normal = one["normal"][(part["date"] - one["d0"]).dt.days.to_numpy()]
            days += normal.sum()
            found.append(part["score"].to_numpy(dtype=float)[normal & (part["flag"].to_numpy() > 0)])
        reached = np.array([(np.concatenate(found) >= score).sum() / days for score in SCORES])
        used = rule_for(spec).tail.beyond(np.array(SCORES))
        for name, shares in ((kind, reached), ("    in use", used)):
            print(f"{name:<58}" + "".join(f"{100 * share:>10.4f}" for share in shares), flush=True)


# What the textbooks have, at their default settings


def baselines(score: ModuleType, prepared, shifts, ours: Flags, frame: pd.DataFrame) -> None:
    naive = frame.assign(date=frame["date"].dt.tz_localize(None))
    values = {name: part.groupby("date")["value"].last().asfreq("D") for name, part in naive.groupby("series_id")}
    print(
        "\n{:<36}{:>8}{:>12}{:>10}{:>8}".format("baselines at their defaults", "F1", "FA days/100", "shift F1", "CPU s")
    )
    print(_line(score, "lupus, all default rules", prepared, shifts, ours, spent=""), flush=True)
    # The processes inherit it before they load NumPy: an optimiser's small matrices are no work for several threads,
    # which wait for each other for most of the time, and count as CPU seconds while they do.
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for name in BASELINES:
            tasks = [(name, values[one["id"]].to_numpy(dtype=float)) for one in prepared]
            answers = list(pool.map(_by_textbook, tasks, chunksize=8))
            found = {one["id"]: flags[: one["n"]] for one, (flags, _) in zip(prepared, answers, strict=True)}
            spent = sum(seconds for _, seconds in answers)
            print(_line(score, name, prepared, shifts, found, spent=f"{spent:.1f}"), flush=True)


def _by_textbook(task: tuple[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """The flags of one baseline on one series, and its CPU seconds."""
    name, values = task
    started = time.process_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        flags = BASELINES[name](values)
    return flags, time.process_time() - started


def _line(score: ModuleType, name: str, prepared, shifts, found: Flags, *, spent: str) -> str:
    mean = score.evaluate(prepared, found)[0].loc["MEAN"]
    shift = score.evaluate(shifts, found)[0].loc["MEAN"]
    return f"{name:<36}{mean.f1:>8.3f}{mean.fa_per_100d:>12.2f}{shift.f1:>10.3f}{spent:>8}"


def trade_off(score: ModuleType, prepared, shifts, frame: pd.DataFrame) -> None:
    """What wider bands of `recent_average` gain on shifts and trends, and lose on everything else."""
    flat = flags_of(judge_series(frame, [RuleSpec("flatline", "flatline")]), prepared)
    trend = flags_of(judge_series(frame, [RuleSpec("trend_change", "trend_change")]), prepared)
    print("\n{:<36}{:>8}{:>12}{:>10}".format("all default rules, by sensitivity", "F1", "FA days/100", "shift F1"))
    for sensitivity in (3.5, 4.0, 4.5, 5.0, 6.0, 8.0):
        recent = flags_of(_said(frame, "recent_average", sensitivity=sensitivity), prepared)
        every = {name: recent[name] | trend[name] | flat[name] for name in recent}
        print(_line(score, f"    recent_average {sensitivity:g}", prepared, shifts, every, spent=""))
    print(_line(score, "    without recent_average", prepared, shifts, trend, spent=""))


def three_sigma(values: np.ndarray) -> np.ndarray:
    past = pd.Series(values).shift(1).rolling(28, min_periods=14)
    return (np.abs(values - past.mean()) > 3 * past.std()).to_numpy()


def mad_z(values: np.ndarray) -> np.ndarray:
    past = pd.Series(values).shift(1)
    middle = past.rolling(28, min_periods=14).median()
    spread = past.rolling(28, min_periods=14).apply(lambda x: np.nanmedian(np.abs(x - np.nanmedian(x))), raw=True)
    return (0.6745 * np.abs(values - middle) > 3.5 * spread).to_numpy()


def same_weekday(values: np.ndarray) -> np.ndarray:
    past = pd.DataFrame({back: pd.Series(values).shift(7 * back) for back in range(1, 9)})
    middle = past.median(axis=1)
    spread = past.sub(middle, axis=0).abs().median(axis=1)
    return ((0.6745 * np.abs(values - middle) > 3.5 * spread) & (past.notna().sum(axis=1) >= 4)).to_numpy()


def holt_winters(values: np.ndarray) -> np.ndarray:
    """Refitted every 28 days to the 91 before; one-step forecasts; 3 standard deviations of the fit's residuals."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    filled = pd.Series(values).ffill().bfill().to_numpy()
    flags = np.zeros(values.size, dtype=bool)
    for start in range(WARM_UP, values.size, 28):
        past = filled[max(0, start - 91) : start]
        if np.ptp(past) == 0 or not np.isfinite(past).all():
            continue
        model = ExponentialSmoothing(past, trend="add", seasonal="add", seasonal_periods=7, damped_trend=True).fit()
        sigma = np.std(past - model.fittedvalues)
        given = model.params
        level, trend, season = float(model.level[-1]), float(model.trend[-1]), list(model.season[-7:])
        for day in range(start, min(start + 28, values.size)):
            phi = given.get("damping_trend", 1.0)
            expected = level + phi * trend + season[0]
            flags[day] = np.isfinite(values[day]) and abs(values[day] - expected) > 3 * sigma
            error = filled[day] - expected
            old = level
            level = level + phi * trend + given["smoothing_level"] * error
            trend = phi * trend + given["smoothing_trend"] * (level - old - phi * trend)
            season = [*season[1:], season[0] + given["smoothing_seasonal"] * error]
    return flags


def stl_residual(values: np.ndarray) -> np.ndarray:
    """The last residual of an STL of the last 91 days against 3 of their scaled MADs."""
    from statsmodels.tsa.seasonal import STL

    filled = pd.Series(values).ffill().bfill().to_numpy()
    flags = np.zeros(values.size, dtype=bool)
    for day in range(WARM_UP, values.size):
        part = filled[max(0, day - 90) : day + 1]
        if not np.isfinite(values[day]) or np.ptp(part) == 0:
            continue
        rest = STL(part, period=7, robust=False).fit().resid
        spread = 1.4826 * np.median(np.abs(rest[:-1] - np.median(rest[:-1])))
        flags[day] = abs(rest[-1]) > 3 * spread
    return flags


BASELINES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "28-day mean and 3 sigma": three_sigma,
    "28-day median, MAD z of 3.5": mad_z,
    "same weekday, median and MAD": same_weekday,
    "Holt-Winters, weekly (statsmodels)": holt_winters,
    "STL residual (statsmodels)": stl_residual,
}


# Tuned on four suites, scored on the fifth


def cross_validation(score: ModuleType, prepared, frame: pd.DataFrame) -> None:
    flat = flags_of(judge_series(frame, [RuleSpec("flatline", "flatline")]), prepared)
    recent = {
        (window, sensitivity): flags_of(
            _said(frame, "recent_average", window=window, sensitivity=sensitivity), prepared
        )
        for window, sensitivity in itertools.product((21, 28, 35), (3.5, 4.0, 4.5, 5.0))
    }
    trend = {
        sensitivity: flags_of(_said(frame, "trend_change", sensitivity=sensitivity), prepared)
        for sensitivity in (2.5, 3.0, 3.5)
    }
    tables = {}
    for (key, first), (other, second) in itertools.product(recent.items(), trend.items()):
        both = {name: first[name] | second[name] | flat[name] for name in first}
        tables[(*key, other)] = score.evaluate(prepared, both)[0]
    suites = [name for name in next(iter(tables.values())).index if name != "MEAN"]
    print("\ntuned on four suites, scored on the fifth: window, sensitivities of recent_average and trend_change")
    unseen, alarms = [], []
    for suite in suites:
        others = [name for name in suites if name != suite]
        allowed = {k: t for k, t in tables.items() if t.loc[others, "fa_per_100d"].mean() <= 0.6}
        best = max(allowed, key=lambda key: tables[key].loc[others, "f1"].mean())
        unseen.append(tables[best].loc[suite, "f1"])
        alarms.append(tables[best].loc[suite, "fa_per_100d"])
        print(f"    {suite:<20} {best!s:<18} F1 {unseen[-1]:.3f}, {alarms[-1]:.2f} false-alarm days per 100")
    print(f"    mean of the unseen suites: F1 {np.mean(unseen):.3f}, {np.mean(alarms):.2f} false-alarm days per 100")


def _said(frame: pd.DataFrame, kind: str, **parameters: float) -> pd.DataFrame:
    return judge_series(frame, [RuleSpec(kind, kind, parameters=parameters)])


if __name__ == "__main__":
    sys.exit(main())
