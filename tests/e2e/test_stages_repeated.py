"""A run that is repeated changes nothing: whole stores are compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny
from installation import Installation

Dump = dict[str, list[tuple[Any, ...]]]
LAST = 33


def differences(before: Dump, after: Dump) -> list[str]:
    """A line per row that is not in both."""
    lines = []
    for table in before.keys() | after.keys():
        old, new = ({repr(_plain(row)) for row in dump.get(table, ())} for dump in (before, after))
        lines += [f"{table} lost {row[:300]}" for row in sorted(old - new)]
        lines += [f"{table} got {row[:300]}" for row in sorted(new - old)]
    return lines


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """SQLite has no booleans."""
    return tuple(int(value) if isinstance(value, bool) else value for value in row)


def test_the_history_holds_what_the_other_tests_need(history: Installation) -> None:
    dump = history.dump()
    for table in ("points", "states", "verdicts", "validations", "outcomes", "incidents", "findings", "notices"):
        assert dump[table], table
    assert [(interval, reason) for _, interval, reason in history.outbox()] == [
        (tiny.day(0), "first"),  # no label can be there on the first day
        (tiny.day(2), "resolved"),
        (tiny.day(tiny.BROKEN_FEED), "first"),
        (tiny.day(tiny.BROKEN_FEED + 2), "resolved"),
    ]


@pytest.mark.parametrize("number", [0, 1, 2, 20, tiny.BROKEN_FEED, 32, LAST])
def test_a_day_run_again_leaves_every_row_and_message_as_it_was(lived: Installation, number: int) -> None:
    before, messages, files = lived.dump(), lived.outbox(), lived.files()
    lived.run(tiny.day(number))
    assert differences(before, lived.dump()) == []
    assert lived.outbox() == messages
    assert lived.files() == files


def test_days_run_again_backwards_leave_every_row_as_it_was(lived: Installation) -> None:
    before, messages = lived.dump(), lived.outbox()
    lived.run(*map(tiny.day, range(LAST, LAST - 9, -1)))
    assert differences(before, lived.dump()) == []
    assert lived.outbox() == messages


def test_labels_later_than_they_are_waited_for_count_in_no_run(
    copy_of_history: Callable[[str], Installation],
) -> None:
    lived = copy_of_history("late")
    with sqlite3.connect(lived.warehouse) as warehouse:
        # Every loan of day 28 gets one more label, five days on: long after the two that the project waits.
        warehouse.execute(
            "INSERT INTO outcomes SELECT ?, loan_id, 1 FROM scores WHERE day = ?", (tiny.day(33), tiny.day(28))
        )
    warehouse.close()
    lived.run(tiny.day(33))
    before = lived.dump()
    lived.run(*map(tiny.day, (28, 29, 30, 31, 32)))
    assert differences(before, lived.dump()) == []


def test_a_snapshot_extracted_ahead_is_not_looked_at(copy_of_history: Callable[[str], Installation]) -> None:
    plain, ahead = copy_of_history("plain"), copy_of_history("ahead")
    plain.run(tiny.day(34))
    from datetime import UTC, datetime

    from lupus.stages import extract

    project = ahead.project()
    with ahead.workspace() as opened:
        # What a range does: the snapshots of the coming days are there before their runs.
        for number in (35, 36):
            extract(opened, project, project.cadence.parse(tiny.day(number)), now=datetime(2027, 1, 1, tzinfo=UTC))
    ahead.run(tiny.day(34))
    left, right = plain.dump(), ahead.dump()
    for dump in (left, right):
        dump.pop("runs")
        dump.pop("intervals")
    assert differences(left, right) == []


@pytest.mark.slow
def test_a_range_in_two_processes_is_one_day_after_the_other_and_changes_nothing_the_second_time(
    history: Installation, tmp_path: Path
) -> None:
    ranged = Installation.tiny(tmp_path / "ranged")
    for _ in range(2):
        answer = ranged.shell("run", "loans", "--day", tiny.day(0), "--to", tiny.day(LAST))
        assert answer.code == 0, answer.text
        assert "34 intervals, 2 incidents" in answer.text
        assert differences(history.dump(), ranged.dump()) == []
        assert ranged.outbox() == history.outbox()


@pytest.mark.services
@pytest.mark.slow
def test_sqlite_and_postgresql_hold_the_same_and_keep_it(history: Installation, postgres_url: str) -> None:
    days = [tiny.day(number) for number in range(30, 38)]
    # A folder of its own for snapshots, the same warehouse, nothing before these days.
    lite = history.copied(history.folder.parent / "on_sqlite").with_environ(
        LUPUS_HOME=str(history.folder.parent / "home_sqlite")
    )
    grown = lite.with_environ(LUPUS_HOME=str(history.folder.parent / "home_postgres"), LUPUS_STORE_URL=postgres_url)
    lite.run(*days)
    grown.run(*days)
    first = grown.dump()
    assert differences(lite.dump(), first) == []
    grown.run(*reversed(days), *days[:3])
    assert differences(first, grown.dump()) == []
    assert grown.outbox() == lite.outbox()
