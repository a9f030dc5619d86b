"""`lupus why`, and the clause about it wherever people see an anomaly."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

import tiny
from installation import Installation

DAY = tiny.day(34)


@pytest.fixture(scope="module")
def broken(history: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The tiny product on a day on which nearly no loan of the north has an income, and half of the south is gone."""
    made = history.copied(tmp_path_factory.mktemp("why") / "tiny")
    with sqlite3.connect(made.warehouse) as warehouse:
        warehouse.execute(
            "UPDATE loans SET income = NULL WHERE day = ? AND region = 'north' AND loan_id % 10 > 0", (DAY,)
        )
        warehouse.execute("DELETE FROM loans WHERE day = ? AND region = 'south' AND loan_id % 5 < 2", (DAY,))
    warehouse.close()
    made.run(DAY)
    return made


def test_an_anomaly_says_which_segment_made_most_of_it(broken: Installation) -> None:
    [verdict] = [
        one
        for one in broken.verdicts(DAY)
        if (one.series.column, one.series.metric, one.series.segment) == ("income", "null_ratio", "")
        and one.status.is_finding
    ]
    assert verdict.why.startswith("mostly region=north: ")
    assert all(not one.why for one in broken.verdicts(DAY) if not one.status.is_finding or one.series.segment)


def test_people_see_it(broken: Installation) -> None:
    [incident] = broken.lupus("incidents", "loans", "--active", "--json").json
    shown = broken.lupus("incident", incident["id"]).text
    assert "mostly region=north: " in shown
    assert any("mostly region=north" in finding["why"] for finding in incident["findings"])
    with broken.workspace() as opened:
        [notice] = [one for one in opened.store.notices("loans") if one.interval.key == DAY]
    assert "mostly region=north: " in str(notice.message["items"])


def test_why_splits_a_ratio_into_mix_and_within(broken: Installation) -> None:
    answer = broken.lupus("why", "loans", "data.income null_ratio", "--day", DAY, "--json")
    assert answer.code == 0
    told = answer.json
    assert told["clause"].startswith("mostly region=north: ")
    assert told["baseline"] == [tiny.day(34 - 7 * week) for week in range(1, 5)]
    [split] = told["splits"]
    assert split["segments"] == ["region"]
    parts = {part["segment"]: part for part in split["parts"]}
    assert parts.keys() == {"region=north", "region=south"}
    total = sum(part["mix"] + part["within"] for part in parts.values())
    assert total == pytest.approx(split["change"], abs=1e-12)
    assert split["after"] == pytest.approx(next(one.value for one in broken.points(DAY, metric="null_ratio", segment="")
                                                if one.series.key.column == "income"))  # fmt: skip
    assert parts["region=north"]["within"] > 0.3
    assert parts["region=south"]["share_after"] < parts["region=south"]["share_before"]


def test_why_takes_rows_apart_by_difference(broken: Installation) -> None:
    told = broken.lupus("why", "loans", "--metric", "rows", "--table", "data", "--day", DAY, "--json").json
    [split] = told["splits"]
    assert split["after"] < split["before"] == tiny.ROWS
    assert sum(part["within"] for part in split["parts"]) == pytest.approx(split["change"])
    assert split["parts"][0]["segment"] == "region=south"


def test_why_for_people_with_what_else_moved(broken: Installation) -> None:
    text = broken.lupus("why", "loans", "data.income null_ratio", "--day", DAY).text
    assert "in 4 comparable intervals" in text
    assert "By region: mix" in text
    assert "Moved at the same time" in text
    assert "data.income [region=north]" in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["data.income std", "--day", DAY], 0, "std is neither a count nor an average of its segments"),
        (["data.income zero_ratio", "--day", DAY], 0, "add zero_ratio to metrics.segment_metrics"),
        (["data.income null_ratio [region=north]", "--day", DAY], 0, "no segments within region=north"),
        (["data.incom null_ratio", "--day", DAY], 2, "did you mean 'data.income null_ratio'"),
        (["--metric", "null_ratio", "--day", DAY], 2, "series fit"),
        (["--day", DAY], 2, "name either a series or --metric"),
        (["data.income null_ratio", "--metric", "mean", "--day", DAY], 2, "name either a series or --metric"),
        (["data.income null_ratio", "--day", tiny.day(39)], 3, "has no value at"),
        (["data.income null_ratio", "--day", tiny.day(0)], 0, "nothing to compare with yet"),
    ],
)
def test_what_cannot_be_explained_says_why_and_what_to_do(
    broken: Installation, arguments: list[str], code: int, said: str
) -> None:
    answer = broken.lupus("why", "loans", *arguments)
    assert answer.code == code, answer.text
    assert said in answer.text


def test_without_segments_nothing_changes(copy_of_history: Callable[[str], Installation]) -> None:
    made = copy_of_history("plain")
    file = made.project_file()
    file.write_text(file.read_text().replace("segments: [region]\n", ""))
    made.run(tiny.day(tiny.BROKEN_FEED))
    assert {one.why for one in made.verdicts(tiny.day(tiny.BROKEN_FEED))} == {""}
    answer = made.lupus("why", "loans", "data.income null_ratio", "--day", tiny.day(tiny.BROKEN_FEED))
    assert "name columns under segments" in answer.text
