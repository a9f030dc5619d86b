"""What runs against what: each section makes its data, lets its contenders race, and throws the data away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from race import PROGRAMS, Contender, Options, Result, environment, race, run, say

MILLION = 1_000_000
WIDE = 1000


@dataclass(frozen=True, slots=True)
class Race:
    """One race: over how many rows, in which the results are, by contender."""

    section: str
    rows: int
    results: dict[str, Result] = field(default_factory=dict)


def make(what: str, where: Path, *numbers: int) -> None:
    """Write a table; in a process of its own, for the memory that it takes would count as everybody's."""
    say(f"making data: {what} {' '.join(f'{number:,}' for number in numbers)}")
    command = [sys.executable, str(PROGRAMS / "make_data.py"), what, str(where), *map(str, numbers)]
    subprocess.run(command, check=True, env=environment(2, own=True))


def prepare(program: str, arguments: tuple[str, ...], options: Options, peer: str = "") -> None:
    """Run what only makes something for the contenders; if it fails, theirs say why."""
    say(f"preparing: {program}")
    run(Contender("", program, arguments, peer), Result(), options)


def profile(options: Options) -> list[Race]:
    """Every statistic of a table of 20 columns, at each size; the slowest peers up to a million rows."""
    races = []
    for rows in options.rows:
        with TemporaryDirectory() as folder:
            table, references = str(Path(folder) / "table.parquet"), str(Path(folder) / "references.json")
            make("profile", Path(table), rows)
            # As on all days but the first: histogram edges and categories are those of an earlier day.
            prepare("profile_lupus.py", (table, references), options)
            contenders = [
                Contender("floor", "profile_floor.py", (table,)),
                Contender("lupus", "profile_lupus.py", (table, references)),
                Contender("lupus, first slice", "profile_lupus.py", (table,)),
                Contender("pandas", "profile_pandas.py", (table,)),
                Contender("polars", "profile_polars.py", (table,)),
                Contender("polars, quantile list", "profile_polars.py", (table, "list")),
                Contender("whylogs", "profile_whylogs.py", (table,), "whylogs"),
            ]
            if rows <= MILLION:
                contenders.append(Contender("evidently", "profile_evidently.py", (table,), "evidently"))
            if rows <= MILLION and not options.quick:
                contenders.append(Contender("ydata-profiling", "profile_ydata.py", (table,), "ydata"))
            races.append(Race("profile", rows, race(contenders, options)))
    return races


def drift(options: Options) -> list[Race]:
    """One day against another: from stored States and profiles, and from the tables, which the peers need."""
    rows = min(MILLION // 4 if options.quick else MILLION, *options.rows)
    with TemporaryDirectory() as folder:
        first, second, store, old, new = (
            str(Path(folder) / name) for name in ("first.parquet", "second.parquet", "store.db", "old.bin", "new.bin")
        )
        make("profile", Path(first), rows, 0)
        make("profile", Path(second), rows, 1)
        tables = (first, second)
        prepare("drift_lupus.py", (store, *tables), options)
        if options.wants("whylogs, stored profiles"):
            prepare("drift_whylogs.py", (*tables, "keep", old, new), options, "whylogs")
        contenders = [
            Contender("lupus", "drift_lupus.py", (store,)),
            Contender("lupus, tables measured first", "drift_lupus.py", (f"{store}.again", *tables)),
            Contender("nannyml", "drift_nannyml.py", tables, "nannyml"),
            Contender("whylogs", "drift_whylogs.py", tables, "whylogs"),
            Contender("whylogs, stored profiles", "drift_whylogs.py", (old, new), "whylogs"),
            Contender("evidently", "drift_evidently.py", tables, "evidently"),
        ]
        return [Race("drift", rows, race(contenders, options))]


def evaluation(options: Options) -> list[Race]:
    """Predictions joined with as many labels, and every metric of a binary model, whole and for 20 segments."""
    races = []
    for rows in options.rows:
        with TemporaryDirectory() as folder:
            make("evaluation", Path(folder), rows)
            tables = (str(Path(folder) / "predictions.parquet"), str(Path(folder) / "labels.parquet"))
            contenders = [
                Contender("lupus", "evaluation_lupus.py", tables),
                Contender("pandas + scikit-learn", "evaluation_pandas.py", tables),
                Contender("polars", "evaluation_polars.py", tables),
            ]
            races.append(Race("evaluation", rows, race(contenders, options)))
    return races


def wide(options: Options) -> list[Race]:
    """A thousand columns of a million rows, and twenty of the same kind, for what a column costs in each."""
    rows = min(MILLION, max(options.rows))
    with TemporaryDirectory() as folder:
        contenders = []
        for columns in (WIDE, 20):
            table, references = (str(Path(folder) / f"{columns}.{kind}") for kind in ("parquet", "json"))
            make("wide", Path(table), rows, columns)
            prepare("profile_lupus.py", (table, references), options)
            contenders += [
                Contender(f"lupus, {columns} columns", "profile_lupus.py", (table, references)),
                Contender(f"lupus, {columns} columns, first slice", "profile_lupus.py", (table,)),
            ]
        return [Race("wide", rows, race(contenders, options))]


SECTIONS: Mapping[str, Callable[[Options], list[Race]]] = {
    "profile": profile,
    "drift": drift,
    "evaluation": evaluation,
    "wide": wide,
}
