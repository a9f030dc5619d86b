"""The examples as their READMEs run them: what was planted is found, on its days, and nothing else is."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from recommendations import make_files as cinema
from vision import make_files as digits

from installation import Installation
from lupus.model import Verdict

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(folder: Path, example: str, name: str, made: ModuleType) -> tuple[Installation, dict[date, list[Verdict]]]:
    """Every day of an example, run; its findings by day."""
    files = folder / "files"
    made.make(files)
    lived = Installation.empty(folder / "lupus", **{f"{name.upper()}_FILES": str(files)})
    shutil.copy(EXAMPLES / example / f"{name}.yaml", lived.project_file(name))
    days = [made.FIRST + timedelta(days=number) for number in range(made.DAYS)]
    answer = lived.lupus("run", name, "--day", str(days[0]), "--to", str(days[-1]))
    assert answer.code == 0, answer.text
    found = {day: [one for one in lived.verdicts(str(day), name=name) if one.status.is_finding] for day in days}
    return lived, {day: verdicts for day, verdicts in found.items() if verdicts}


def subjects(verdicts: list[Verdict], *, rule: str = "") -> set[str]:
    return {str(one.series) for one in verdicts if not rule or one.rule == rule}


def incidents(lived: Installation, name: str) -> list[tuple[str, str]]:
    """(first, last) interval of each incident, oldest first."""
    return sorted((one["first"], one["last"]) for one in lived.lupus("incidents", name, "--json").json)


def span(two: tuple[date, date], one: date) -> list[tuple[str, str]]:
    """One incident: what shares a column with it and comes within the grace time reopens it."""
    return [(str(two[0]), str(one))]


@pytest.mark.slow
def test_the_dim_lamp_and_the_torn_files(tmp_path: Path) -> None:
    lived, found = run(tmp_path, "vision", "digits", digits)
    assert list(found) == [*digits.DIM_LAMP, digits.TORN]
    assert incidents(lived, "digits") == span(digits.DIM_LAMP, digits.TORN)
    for day in digits.DIM_LAMP:
        assert subjects(found[day], rule="recent_average") >= {
            "data.scan_brightness mean",
            "data.scan_contrast mean",
        }
        (brightness,) = (one for one in found[day] if str(one.series) == "data.scan_brightness mean")
        assert brightness.value is not None
        assert brightness.expected is not None
        assert brightness.value == pytest.approx(brightness.expected / 2, rel=0.05), "half of the light"
        assert brightness.severity == "critical"
    torn = "data.scan_unreadable true_ratio"
    assert torn in subjects(found[digits.TORN], rule="unreadable")
    assert torn in subjects(found[digits.TORN], rule="recent_average")
    points = {str(point.series.key): point for point in lived.points(str(digits.TORN), name="digits")}
    assert points[torn].value == 0.125
    assert points["data.scan_brightness mean"].n == 175, "the files that can be read are measured all the same"
    assert not any("data.image" in name for name in points), "the images themselves are not kept"


@pytest.mark.slow
def test_the_bestsellers_and_the_old_catalogue(tmp_path: Path) -> None:
    lived, found = run(tmp_path, "recommendations", "cinema", cinema)
    assert list(found) == [*cinema.FALLBACK, cinema.STALE]
    assert incidents(lived, "cinema") == span(cinema.FALLBACK, cinema.STALE)
    variety = {
        f"prediction.films {metric}"
        for metric in ("gini", "catalogue_coverage", "novelty", "intra_list_diversity", "reshown_ratio")
    }
    for day in cinema.FALLBACK:
        assert subjects(found[day]) == variety, "nothing but the variety tells it"
    removed = "prediction.films unknown_item_ratio"
    assert subjects(found[cinema.STALE]) == {removed}
    assert {one.rule for one in found[cinema.STALE]} == {"recent_average", "removed_films"}
