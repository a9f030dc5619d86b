"""The speed, the memory and the accuracy of `lupus.measure` beside its peers, in one run.

Run with ``make bench-measure`` or ``python benchmarks/measure``; ``--quick`` takes minutes, the whole half an hour.
Peers that need older libraries get environments of their own in ``.bench/``, made once with uv.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from pathlib import Path

from accuracy import accuracy
from limits import outcomes
from peers import DONE, PEERS, version
from race import Options
from report import machine, report
from sections import SECTIONS

ROOT = Path(__file__).parents[2]
MEASURED = re.compile(r"(<!-- measured:begin -->\n).*(<!-- measured:end -->)", re.DOTALL)
QUICK_SECTIONS = ("profile", "drift", "evaluation", "accuracy")


def options_of(arguments: Sequence[str] | None) -> tuple[Options, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="benchmarks/measure", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a million rows only, slow peers once, no wide table")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes of the tables (default 1,000,000 and 10,000,000)")
    parser.add_argument("--repeats", type=int, help="(default: 3; with --quick 2)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sections", nargs="+", choices=[*SECTIONS, "accuracy"], help="(default: all)")
    parser.add_argument("--only", nargs="+", default=(), help="contenders whose names begin so (default: all)")
    parser.add_argument("--peers", type=Path, default=ROOT / ".bench", help="folder of the peers' environments")
    parser.add_argument("--write", type=Path, help="a Markdown page whose measured part is replaced by the report")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when something that must hold does not")
    given = parser.parse_args(arguments)
    rows = given.rows or ([1_000_000] if given.quick else [1_000_000, 10_000_000])
    given.sections = given.sections or (QUICK_SECTIONS if given.quick else [*SECTIONS, "accuracy"])
    repeats = given.repeats or (2 if given.quick else 3)
    folder, only = given.peers.resolve(), tuple(given.only)
    options = Options(tuple(sorted(rows)), repeats, given.threads, folder, given.quick, only)
    return options, given


def versions(options: Options) -> list[str]:
    """Ours, and those of the peers that have an environment by now."""
    found = [f"{name} {version_of(name)}" for name in ("duckdb", "pandas", "polars", "scikit-learn")]
    made = [peer for peer in PEERS if (options.peers / peer / DONE).exists()]
    return found + [version(peer, options.peers) for peer in made]


def main(arguments: Sequence[str] | None = None) -> int:
    options, given = options_of(arguments)
    # Ended from outside, it still ends its children and throws its gigabytes of data away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    load = os.getloadavg()[0]
    races = [race for name in given.sections if name in SECTIONS for race in SECTIONS[name](options)]
    exact, failure = accuracy(options) if "accuracy" in given.sections else ([], "")
    rows = outcomes(races)
    about = machine(options, load, versions(options))
    text = report(about, races, rows, exact)
    print(text)
    if failure:
        print(f"accuracy was not measured: {failure}")
    if given.write:
        page = given.write.read_text(encoding="utf-8")
        given.write.write_text(MEASURED.sub(lambda found: f"{found[1]}{text}{found[2]}", page), encoding="utf-8")
    failed = failure or any(not one.holds for one in rows) or any(not one.holds for one in exact)
    return 1 if given.strict and failed else 0


if __name__ == "__main__":
    sys.exit(main())
