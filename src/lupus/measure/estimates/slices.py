"""Slices of a table that are read together: their scores by value, their features, some of their rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.columns import Kind, Part, columns_of, kind_of
from lupus.measure.engine import Engine, TableEngine
from lupus.measure.estimates.segments import Parts, by_segment, columns_in, counted
from lupus.measure.learners import Columns
from lupus.model import Snapshot, Table

if TYPE_CHECKING:
    import ibis
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CountedScores = Mapping[str, tuple["Floats", "Floats"]]
"""By segment the scores (C,), ascending, and how many rows (C,) have each."""

MOST_FEATURES: Final = 100
"""Columns that a model is given at most, in the tables' order."""

_VIEW: Final = "lupus_slices"
_CELLS_PER_LOG_ODD: Final = 8192


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that a model is given: its name, and whether it is a number or a text."""

    name: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Slices:
    """The snapshots of one table to read together, all usable and with rows."""

    table: Table
    snapshots: tuple[Snapshot, ...]

    @property
    def rows(self) -> int:
        return sum(snapshot.rows for snapshot in self.snapshots)

    def sources(self, engine: TableEngine) -> list[Any]:
        """Where `engine` finds the slices, in order."""
        return [engine.source(snapshot) for snapshot in self.snapshots]

    def kinds(self) -> dict[str, Kind | None]:
        """The kind of each column that all snapshots have; None where it differs."""
        found: dict[str, Kind | None] = {}
        schemas = [{name: kind_of(kind) for name, kind in snapshot.schema} for snapshot in self.snapshots]
        for name, kind in schemas[-1].items() if schemas else ():
            kinds = {schema.get(name) for schema in schemas}
            if None not in kinds:
                numeric = all(one is not None and (one.numeric or one is Kind.BOOLEAN) for one in kinds)
                found[name] = Kind.FLOAT if numeric else kind if len(kinds) == 1 else None
        return found

    def features(self, patterns: Sequence[str], *, without: Sequence[str] = ()) -> tuple[Feature, ...]:
        """The plain columns, numbers and texts, whose name is one of the shell `patterns` and not in `without`."""
        kinds = self.kinds()
        if not kinds:
            return ()
        plain = columns_of(self.table, self.snapshots[-1].schema)
        without = (*without, *self.table.named_columns)
        return tuple(
            Feature(column.name, kinds[column.name] is Kind.FLOAT)
            for column in plain
            if column.part is Part.PLAIN
            and column.name not in without
            and kinds.get(column.name) in (Kind.FLOAT, Kind.TEXT)
            and any(fnmatchcase(column.name, pattern) for pattern in patterns)
        )[:MOST_FEATURES]


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of slices: their features, and as texts (n,) the columns that tell segments apart."""

    columns: Columns
    segment_columns: Mapping[str, NDArray[np.object_]]

    @property
    def rows(self) -> int:
        return next((len(values) for values in self.segment_columns.values()), self.columns.rows)


def scores_of(engine: TableEngine, predictions: Slices, segments: Sequence[Sequence[str]] = ()) -> CountedScores:
    """(score ascending, rows) of all valid scores, (C,) each; scores closer than 1/8192 in log-odds are one.

    By segment, of the whole and of all `segments`, which are named by one or two columns each.
    """
    names = columns_in(segments)
    parts = tuple(tuple(map(names.index, one)) for one in segments)
    shown = [(predictions.table.score, "score"), *((name, f"s{at}") for at, name in enumerate(names))]
    engine.show(_VIEW, predictions.sources(engine), shown)
    with engine.orderly(predictions.rows):
        found = engine.arrays(("lupus.measure.estimates.scores", parts), partial(_scores, parts))
    score, rows = floats(found["score"]), floats(found["rows"])
    return {segment: (score[where], rows[where]) for segment, where in by_segment(found, segments).items()}


def _scores(parts: Parts) -> ibis.Table:
    import ibis

    labels = [f"s{column}" for column in sorted({column for part in parts for column in part})]
    # Declared as an integer, a value of any type gets the cast; see `lupus.measure.plan`.
    rows = ibis.table(dict.fromkeys(("score", *labels), "int64"), name=_VIEW)
    texts = {label: rows[label].cast("string") for label in labels}
    rows = rows.select(score=rows.score.cast("float64"), **texts)
    score = rows.score
    rows = rows.filter((score >= 0.0) & (score <= 1.0)).mutate(cell=cell_of(score))
    return counted(rows, parts)


def cell_of(score: Any) -> Any:
    """The cell of a probability: 1/8192 wide in log-odds, 0 and 1 in cells of their own."""
    import ibis

    inner = ((score.ln() - (1.0 - score).ln()) * _CELLS_PER_LOG_ODD).round().cast("int64")
    return ibis.cases((score <= 0.0, -(2**40)), (score >= 1.0, 2**40), else_=inner)


def rows_of(
    engine: Engine, slices: Slices, features: Sequence[Feature], *, limit: int, by: Sequence[str] = ()
) -> Sample:
    """About `limit` rows of `slices`, every k-th one: the same every time; with the values of the columns `by`."""
    every = max(math.ceil(slices.rows / limit), 1)
    named = aliases_of(features) | aliases_of(labels_of(by), "s")
    engine.show(_VIEW, slices.sources(engine), [(one.name, alias) for alias, one in named.items()])
    key = ("lupus.measure.estimates.rows", tuple(one.numeric for one in features), len(by), every)
    found = engine.arrays(key, partial(_plain_rows, named, every))
    return Sample(columns_from(found, aliases_of(features)), columns_from(found, aliases_of(labels_of(by), "s")).texts)


def _plain_rows(named: Mapping[str, Feature], every: int) -> ibis.Table:
    import ibis

    rows = ibis.table({"slice": "int64"} | dict.fromkeys(named, "int64"), name=_VIEW)
    if every > 1:
        rows = rows.mutate(place=ibis.row_number())
        rows = rows.filter(rows.place % every == 0)
    return rows.select("slice", **values_of(rows, named)).drop("slice") if named else rows


def values_of(table: ibis.Table, named: Mapping[str, Feature]) -> dict[str, ibis.Value]:
    """The features of `table`, by alias, as floats and strings."""
    return {
        alias: table[alias].try_cast("float64") if one.numeric else table[alias].cast("string")
        for alias, one in named.items()
    }


def aliases_of(features: Sequence[Feature], letter: str = "f") -> dict[str, Feature]:
    """Each feature with the name that it has in SQL."""
    return {f"{letter}{place}": one for place, one in enumerate(features)}


def labels_of(columns: Sequence[str]) -> tuple[Feature, ...]:
    """Columns that rows are told apart by: read as texts, whatever they hold."""
    return tuple(Feature(name, numeric=False) for name in columns)


def floats(values: Any) -> Floats:
    """An array from the engine with NaN for null."""
    import numpy as np

    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def columns_from(found: Mapping[str, Any], named: Mapping[str, Feature]) -> Columns:
    """The columns of the engine's arrays."""
    import numpy as np

    numbers = {one.name: floats(found[alias]) for alias, one in named.items() if one.numeric}
    texts = {}
    for alias, one in named.items():
        if not one.numeric:
            # NumPy would fill in a question mark: to it None is no value to fill in.
            values: Any = np.ma.asarray(found[alias], dtype=object)
            texts[one.name] = np.array(np.ma.getdata(values), dtype=object)
            texts[one.name][np.ma.getmaskarray(values)] = None
    return Columns(numbers, texts)
