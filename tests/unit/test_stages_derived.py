"""Derived columns through the stages: validated, measured and judged like any other, and failing alone."""

from __future__ import annotations

import json
from pathlib import Path

from installation import Installation
from lupus.model import FailureKind, Status

PROJECT = """\
project: den
start: 2026-01-01
tables:
  data:
    source: {files: "ROOT/{interval}.csv"}
    key: id
    columns: [id, minutes]
    exclude: [name]
    expectations: den/data.json
    derived:
      hours: {sql: "minutes / 60.0"}
      size: {sql: "CASE WHEN hours >= 1 THEN 'long' ELSE 'short' END"}
      name_length: {sql: "length(name)"}
      year: {sql: "name[2:]::INT"}
segments: [size]
"""
SUITE = {
    "name": "den.data",
    "expectations": [
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "hours", "max_value": 2}},
        {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "size", "value_set": ["long", "short"]}},
    ],
}
DAYS = [f"2026-01-{number:02d}" for number in range(1, 4)]


def den(tmp_path: Path) -> Installation:
    lived = Installation.empty(tmp_path)
    files = tmp_path / "files"
    files.mkdir()
    for place, day in enumerate(DAYS):
        # On the last day a name is no year any longer.
        names = [f"y{2000 + number}" for number in range(39)] + ["wolf" if place == 2 else "y2040"]
        rows = [f"{number},{number * 3},{name}" for number, name in enumerate(names)]
        (files / f"{day}.csv").write_text("\n".join(["id,minutes,name", *rows]))
    lived.add_project("den", PROJECT.replace("ROOT", str(files)))
    suite = lived.settings.expectations / "den" / "data.json"
    suite.parent.mkdir()
    suite.write_text(json.dumps(SUITE))
    return lived


def test_a_derived_column_is_a_column_everywhere(tmp_path: Path) -> None:
    lived = den(tmp_path)
    lived.run(*DAYS, name="den")
    values = {str(point.series.key): point.value for point in lived.points(DAYS[0], name="den")}
    assert values["data.hours max"] == 39 * 3 / 60
    assert values["data.size share:long"] == 0.5
    assert values["data.name_length mean"] == 5
    assert values["data rows"] == 40
    assert values["data success_ratio"] == 1.0, "both expectations are about derived columns"
    assert not any("name " in name for name in values), "what is excluded is read for others, and not measured"
    assert values["data.year mean"] == sum([*range(2000, 2039), 2040]) / 40

    last = {str(point.series.key): point for point in lived.points(DAYS[2], name="den")}
    failed = last["data.year null_ratio"].failure
    assert failed is not None
    assert (failed.kind, "Conversion" in failed.reason) == (FailureKind.NOT_DERIVED, True)
    assert [name for name, point in last.items() if point.failure] == ["data.year null_ratio"]
    verdicts = {str(one.series): one for one in lived.verdicts(DAYS[2], name="den") if one.status is Status.ERROR}
    assert list(verdicts) == ["data.year null_ratio"]
    assert verdicts["data.year null_ratio"].sentence.startswith("null_ratio: not derived, DuckDB could not compute")


def test_a_rerun_leaves_every_row_as_it_was(tmp_path: Path) -> None:
    lived = den(tmp_path)
    lived.run(*DAYS, name="den")
    before, files = lived.dump(), lived.files()
    lived.run(*DAYS, name="den")
    assert lived.dump() == before
    assert lived.files() == files
