"""Runs the tiny product in forks, each killed at one named point. See test_killed.py.

Orders are ``{"environ": ..., "day": ..., "point": ..., "nth": ...}``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any


class Countdown:
    """Kills at the `nth` call, before it does anything, or `after` it has returned."""

    def __init__(self, nth: int, *, after: bool) -> None:
        self.left = nth
        self.after = after

    def wrap(self, owner: Any, name: str, *, when: Callable[..., bool] = lambda *_, **__: True) -> None:
        from forks import die

        original = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            hit = False
            if when(*arguments, **options):
                self.left -= 1
                hit = self.left == 0
            if hit and not self.after:
                die()
            result = original(*arguments, **options)
            if hit:
                die()
            return result

        setattr(owner, name, wrapped)


def half_a_line(nth: int) -> None:
    """Kills after the first half of the outbox's nth line is in the file."""
    from forks import die
    from lupus.act import outbox

    left = nth
    write = os.write

    def wrapped(file: int, data: bytes) -> int:
        nonlocal left
        if data.startswith(b'{"id"'):
            left -= 1
            if left == 0:
                write(file, data[: len(data) // 2])
                die()
        return write(file, data)

    outbox.os.write = wrapped  # type: ignore[attr-defined]


def half_a_parquet(nth: int) -> None:
    """Kills in the middle of the nth temporary Parquet file."""
    import pyarrow.parquet as pq

    from forks import die

    left = nth
    original = pq.ParquetWriter.write_table

    def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        result = original(self, *arguments, **options)
        if left == 0:
            die()
        return result

    pq.ParquetWriter.write_table = wrapped


def arm(point: str, nth: int) -> None:
    """Put the killer at `point`."""
    from sqlalchemy.engine import default

    from lupus.act.outbox import OutboxSink
    from lupus.extract import snapshots
    from lupus.store import Store

    where, _, moment = point.rpartition(" ")
    count = Countdown(nth, after=moment == "after")
    match where:
        case "half a snapshot":
            half_a_parquet(nth)
        case "half a message":
            half_a_line(nth)
        case "between parquet and manifest":
            count.wrap(snapshots, "_replace_text")
        case "in the sink":
            count.wrap(OutboxSink, "deliver")
        case "statement":
            # Inside a transaction: what it has done so far is not to be seen afterwards.
            def writes(cursor: Any, statement: str, *_: Any, **__: Any) -> bool:
                return statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE")

            count.wrap(default.DefaultDialect, "do_execute", when=lambda _, *a, **k: writes(*a, **k))
            count.wrap(default.DefaultDialect, "do_executemany", when=lambda _, *a, **k: writes(*a, **k))
        case _:
            count.wrap(Store, where)


def work(order: dict[str, Any]) -> None:
    from pathlib import Path

    from installation import Installation

    installation = Installation(Path(order["folder"]), order["environ"])
    arm(order["point"], order["nth"])
    installation.run(order["day"])


def main() -> None:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    import duckdb  # noqa: F401
    import great_expectations  # noqa: F401
    import ibis  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import lupus.act
    import lupus.extract
    import lupus.judge
    import lupus.measure
    import lupus.store
    import lupus.validate  # noqa: F401
    from forks import serve

    serve(work)


if __name__ == "__main__":
    main()
