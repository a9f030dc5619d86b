"""`upstream` across files: what exists, what leads back to itself, and what is left alone."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from lupus.config import LoadedProject, load_projects

FILE = """
project: {name}
start: 2026-01-01
tables:
  data: {{source: {{connection: db, table: t}}, time: day}}
"""


def write(folder: Path, **upstream: str) -> None:
    for name, listed in upstream.items():
        text = dedent(FILE).lstrip().format(name=name) + (f"upstream: {listed}\n" if listed else "")
        (folder / f"{name}.yaml").write_text(text)


def problems(folder: Path, only: str | None = None) -> dict[str, list[str]]:
    """The problems of each project, without the folder's path."""
    loaded: tuple[LoadedProject, ...] = load_projects(folder, environ={}, only=only)
    return {one.name: [str(problem).removeprefix(f"{folder}/") for problem in one.problems] for one in loaded}


def test_a_chain_is_fine(tmp_path: Path) -> None:
    write(tmp_path, weather="", features="[weather]", flights='["lupus://features", weather]')
    assert problems(tmp_path) == {"weather": [], "features": [], "flights": []}
    (flights,) = load_projects(tmp_path, environ={}, only="flights")
    assert flights.project is not None
    assert flights.project.upstream == ("features", "weather")


def test_an_unknown_name_has_a_suggestion_and_breaks_its_own_project_only(tmp_path: Path) -> None:
    write(tmp_path, weather="", flights="[wether]")
    told = ["flights.yaml:5:12: no project is called 'wether'; did you mean 'weather'?"]
    assert problems(tmp_path) == {"flights": told, "weather": []}
    assert problems(tmp_path, only="flights") == {"flights": told}


def test_nothing_near(tmp_path: Path) -> None:
    write(tmp_path, weather="", flights="[zzz]")
    assert problems(tmp_path)["flights"] == [
        "flights.yaml:5:12: no project is called 'zzz'; the other projects here are weather"
    ]


def test_a_circle_breaks_those_in_it_and_no_other(tmp_path: Path) -> None:
    write(tmp_path, a="[free, b]", b="[c]", c="[a]", below="[a]", free="")
    hint = "take one of them out of the other's upstream"
    told = {
        "a": [f"a.yaml:5:18: the project is upstream of itself: a <- c <- b <- a; {hint}"],
        "b": [f"b.yaml:5:12: the project is upstream of itself: b <- a <- c <- b; {hint}"],
        "c": [f"c.yaml:5:12: the project is upstream of itself: c <- b <- a <- c; {hint}"],
    }
    assert problems(tmp_path) == {**told, "below": [], "free": []}
    for name in ("a", "b", "c", "below", "free"):  # as Airflow asks when it runs one task
        assert problems(tmp_path, only=name) == {name: told.get(name, [])}


@pytest.mark.parametrize("broken", ["project: weather\nscroe: 1\n", "{project: weather}"])
def test_a_broken_file_is_still_known(tmp_path: Path, broken: str) -> None:
    write(tmp_path, flights="[weather]")
    (tmp_path / "other.yaml").write_text(broken)
    assert problems(tmp_path)["flights"] == []
    assert problems(tmp_path, only="flights") == {"flights": []}


def test_a_name_that_two_files_have_is_known(tmp_path: Path) -> None:
    write(tmp_path, weather="", flights="[weather]")
    (tmp_path / "twin.yaml").write_text((tmp_path / "weather.yaml").read_text())
    assert problems(tmp_path)["flights"] == []
    assert problems(tmp_path, only="flights") == {"flights": []}


def test_a_name_out_of_the_environment_is_not_shown(tmp_path: Path) -> None:
    write(tmp_path, weather="", flights='["${UP}"]')
    (flights, _) = load_projects(tmp_path, environ={"UP": "s3cr3t"})
    assert [str(problem) for problem in flights.problems] == [
        f"{tmp_path}/flights.yaml:5:12: no project is called the value of ${{UP}}; the other projects here are weather"
    ]
