"""Why a value moved: its change from comparable intervals, by segment, and what else moved in the same interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from math import isfinite
from typing import TYPE_CHECKING, Final

from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    History,
    Interval,
    LupusError,
    Project,
    Series,
    SeriesKey,
    Status,
    Verdict,
    segment_parts,
)
from lupus.stages.exclusions import exclusion_words, why_left_out
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure import Piece, Split

# What is an average over its own n rows, and so the weighted average of its segments.
_AVERAGES: Final = (
    "mean", "*_mean", "*_ratio", "share:*", "version_share:*", "label_maturity", "accuracy", "precision", "recall",
    "specificity", "log_loss", "brier", "mae", "bias",
)  # fmt: skip
_COUNT: Final = "rows"
_COMPARED: Final = {
    "demographic_parity": "positive_ratio",
    "equal_opportunity": "recall",
    "equalized_odds": "recall",
    "predictive_parity": "precision",
}
_SEASONS: Final = 4
_FEWEST: Final = 2  # of the same season position, else the latest intervals are taken
_RECENT: Final = 7
_ALIKE: Final = 0.5  # of the deviation that the rule saw

Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Why `series` moved at `interval`: splits of its change from the `baseline` intervals, by segment columns.

    `problems` says what could not be split and what to do about it. `moved` are the interval's other findings, the
    highest score first. `left_out` says why the point belongs to no baseline, if it does not.
    """

    series: Series
    interval: Interval
    baseline: tuple[Interval, ...]
    splits: Mapping[tuple[str, ...], Split]
    problems: tuple[str, ...] = ()
    clause: str = ""
    moved: tuple[Verdict, ...] = ()
    left_out: tuple[str, ...] = ()


def why(workspace: Workspace, project: Project, key: SeriesKey, interval: Interval) -> Why:
    """The explanation of `key` at `interval`, from stored points. `LupusError` when there is no value to explain."""
    store = workspace.store
    first = project.cadence.shift(interval, -max(_SEASONS * project.cadence.season, _RECENT))
    history = store.history(project.name, tuple(project.cadence.between(first, interval)))
    index = {series.key: row for row, series in enumerate(history.series)}
    row, at = index.get(key), len(history.intervals) - 1
    if row is None or not isfinite(history.values[row, at]):
        raise LupusError(f"{key} has no value at {interval}; lupus metrics {project.name} shows what is stored")
    explained = Explainer(project, history).explain(row, at)
    moved = [one for one in store.verdicts(project.name, intervals=[interval], findings_only=True) if one.series != key]
    moved.sort(key=lambda one: (-(one.score or 0.0), one.series))
    about = why_left_out(store.exclusions(project.name, first=interval, last=interval), key, interval)
    return replace(
        explained,
        moved=tuple({one.series: one for one in reversed(moved)}.values())[::-1],
        left_out=tuple(exclusion_words(one, project) for one in about),
    )


def with_clauses(project: Project, history: History, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """`verdicts`, with `why` filled in for the anomalies of which one segment made most."""
    if not project.segments or not any(one.status is Status.ANOMALY for one in verdicts):
        return list(verdicts)
    explainer = Explainer(project, history)
    rows = {series.key: row for row, series in enumerate(history.series)}
    places = {interval: at for at, interval in enumerate(history.intervals)}
    return [
        replace(one, why=explainer.clause(rows[one.series], places[one.interval], one))
        if one.status is Status.ANOMALY and one.series in rows
        else one
        for one in verdicts
    ]


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains points of one history; what lies where in it is found once."""

    project: Project
    history: History
    _members: dict[tuple[str, str, str], list[tuple[Parts, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row, series in enumerate(self.history.series):
            key = series.key
            if key.segment != WHOLE:
                name = (key.table, key.column, key.metric)
                self._members.setdefault(name, []).append((segment_parts(key.segment), row))

    def clause(self, row: int, at: int, verdict: Verdict) -> str:
        """The clause for a `verdict`; "" also where our baseline does not show what the rule saw."""
        explained = self.explain(row, at)
        if not explained.clause or verdict.value is None:
            return ""
        change = next(iter(explained.splits.values())).change
        seen = change if verdict.expected is None else verdict.value - verdict.expected
        return explained.clause if change * seen > 0 and abs(change) >= _ALIKE * abs(seen) else ""

    def explain(self, row: int, at: int) -> Why:
        """Why the series in `row` moved at the position `at`. What cannot be split is said in `problems`."""
        from lupus.measure import clause

        history = self.history
        series = history.series[row]
        baseline = self._baseline(row, at)
        explained = Why(series, history.intervals[at], tuple(history.intervals[one] for one in baseline), {})
        problem = self._problem(series.key, baseline)
        if problem:
            return replace(explained, problems=(problem,))
        splits: dict[tuple[str, ...], Split] = {}
        problems: list[str] = []
        for columns in self._cuts(series.key):
            split = self._split(series, columns, row, at, baseline)
            name = " × ".join(columns)
            if isinstance(split, Failure):
                problems.append(f"by {name}: {split.reason}")
            elif split is None:
                hint = f"add {series.key.metric} to metrics.segment_metrics"
                problems.append(f"by {name}: {series.key.metric} is not measured there; {hint}")
            else:
                splits[columns] = split
        return replace(explained, splits=splits, problems=tuple(problems), clause=clause(splits))

    def _problem(self, key: SeriesKey, baseline: Sequence[int]) -> str:
        family, _, columns = key.metric.partition(":")
        rate = next((rate for prefix, rate in _COMPARED.items() if columns and family.startswith(prefix)), "")
        if rate:
            first = columns.partition(",")[0]
            shown = f"lupus metrics {self.project.name} --metric {rate} --segment '{first}=*'"
            return f"{family} compares the groups of {columns}: {shown} shows their rates"
        if not any(fnmatchcase(key.metric, pattern) for pattern in (_COUNT, *_AVERAGES)):
            return f"{key.metric} is neither a count nor an average of its segments; ask for mean, a ratio or rows"
        if not baseline:
            return "there is nothing to compare with yet: no earlier interval has a value"
        if not self._cuts(key):
            inside = f" within {key.segment}" if key.segment else ""
            return f"the project has no segments{inside}; name columns under segments in its file"
        return ""

    def _cuts(self, key: SeriesKey) -> list[tuple[str, ...]]:
        """The segment columns that cut the series' own rows into parts: one more than it has; all, for the whole."""
        own = {column for column, _ in segment_parts(key.segment)}
        cuts = [columns for columns in self.project.segments if own < set(columns)]
        return sorted(cuts, key=len)

    def _baseline(self, row: int, at: int) -> list[int]:
        """Comparable positions before `at`: of the same season position, or, while these are few, the latest."""
        season = self.project.cadence.season
        values, excluded = self.history.values[row], self.history.excluded[row]

        def usable(positions: Sequence[int]) -> list[int]:
            return [one for one in positions if one >= 0 and isfinite(values[one]) and not excluded[one]]

        alike = usable([at - season * step for step in range(1, _SEASONS + 1)]) if season > 1 else []
        return alike if len(alike) >= _FEWEST else usable(range(at - 1, -1, -1))[:_RECENT]

    def _split(
        self, series: Series, columns: tuple[str, ...], row: int, at: int, baseline: Sequence[int]
    ) -> Split | Failure | None:
        from lupus.measure import split_average, split_count

        key = series.key
        own = segment_parts(key.segment)
        members = {
            self.history.series[place].key.segment: place
            for parts, place in self._members.get((key.table, key.column, key.metric), ())
            if tuple(column for column, _ in parts) == columns and set(own) <= set(parts)
        }
        if not members:
            return None
        if key.metric == _COUNT:
            return split_count(self._counts(row, members, baseline), self._counts(row, members, [at]))
        before = self._pieces(series, row, members, baseline)
        after = self._pieces(series, row, members, [at])
        if isinstance(before, Failure):
            return before
        if isinstance(after, Failure):
            return after
        return split_average(before, after)

    def _counts(self, row: int, members: Mapping[str, int], positions: Sequence[int]) -> dict[str, float]:
        """The mean number of rows of each segment, and of the rows in none."""
        from lupus.measure import REST

        values = self.history.values
        of = {name: self._sum(place, positions) / len(positions) for name, place in members.items()}
        rest = sum(float(values[row, one]) for one in positions) / len(positions) - sum(of.values())
        return of | ({REST: rest} if abs(rest) > 1e-9 * max(1.0, *of.values()) else {})

    def _pieces(
        self, series: Series, row: int, members: Mapping[str, int], positions: Sequence[int]
    ) -> dict[str, Piece] | Failure:
        """Rows and average of each segment over all `positions` together, and of the rows in none."""
        from lupus.measure import Piece, with_rest

        def pooled(place: int) -> Piece:
            rows = sum(self._rows(place, one) for one in positions)
            weight = sum(self._rows(place, one) * self._value(place, one) for one in positions)
            return Piece(rows, weight / rows if rows else 0.0)

        whole = pooled(row)
        if not whole.n:
            return Failure(FailureKind.UNDEFINED, "the number of rows behind the values is not known")
        pieces = {name: piece for name, place in members.items() if (piece := pooled(place)).n}
        return with_rest(pieces, whole, ratio=series.unit == "ratio")

    def _sum(self, row: int, positions: Sequence[int]) -> float:
        return sum(self._value(row, one) for one in positions)

    def _value(self, row: int, at: int) -> float:
        value = float(self.history.values[row, at])
        return value if isfinite(value) else 0.0

    def _rows(self, row: int, at: int) -> int:
        return int(self.history.n[row, at]) if isfinite(self.history.values[row, at]) else 0
