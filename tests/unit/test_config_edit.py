"""A rule changed in the text of a project file: that rule, and not a character more."""

from __future__ import annotations

from dataclasses import replace
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest

from lupus.config import load_project, with_rule
from lupus.model import RuleSpec, Severity

HEAD = """\
# Who asks about this: the ads team.
project: ads
start: 2026-01-01
tables: {data: {source: {files: "ads.csv"}, time: day}}   # one a day
"""


def rule_of(tmp_path: Path, text: str, name: str) -> RuleSpec:
    path = tmp_path / "ads.yaml"
    path.write_text(text)
    return next(one for one in load_project(path, environ={}).rules if one.name == name)


def change(tmp_path: Path, text: str, name: str, *, severity: Severity | None = None, **parameters: Any) -> list[str]:
    """The lines that differ, after the file was read again and said what was asked for."""
    before = rule_of(tmp_path, text, name)
    after = replace(
        before, parameters={**before.parameters, **parameters}, severity=severity if severity else before.severity
    )
    edited = with_rule(text, before, after)
    assert edited is not None
    assert rule_of(tmp_path, edited, name) == after
    return [line.rstrip("\n") for line in ndiff(text.splitlines(True), edited.splitlines(True)) if line[0] in "+-"]


def test_a_value_is_replaced_where_it_stands(tmp_path: Path) -> None:
    text = (
        HEAD
        + """\
rules:
  low:
    kind: threshold   # as agreed
    min: 50           # in rows

  # the other one
  recent_average: {window: 42, sensitivity: 7}  # calmer
tags: [a]
"""
    )
    assert change(tmp_path, text, "low", min=60) == [
        "-     min: 50           # in rows",
        "+     min: 60           # in rows",
    ]
    assert change(tmp_path, text, "recent_average", sensitivity=6.5) == [
        "-   recent_average: {window: 42, sensitivity: 7}  # calmer",
        "+   recent_average: {window: 42, sensitivity: 6.5}  # calmer",
    ]


def test_a_value_that_was_a_default_is_added_to_its_rule(tmp_path: Path) -> None:
    text = (
        HEAD
        + """\
rules:
  low:
    kind: threshold
    where:
      metric: rows
    min: 50  # in rows

  recent_average: {window: 42}

tags: [a]
"""
    )
    assert change(tmp_path, text, "low", max=900, severity=Severity.HIGH) == ["+     max: 900", "+     severity: high"]
    assert (
        change(tmp_path, text, "recent_average", sensitivity=6)[1] == "+   recent_average: {window: 42, sensitivity: 6}"
    )


@pytest.mark.parametrize(
    ("rules", "added"),
    [
        ("", ["+ rules:", "+   recent_average: {sensitivity: 6}"]),
        ("rules: {}\n", ["- rules: {}", "+ rules: {recent_average: {sensitivity: 6}}"]),
        (
            "rules: {flatline: false}",
            ["- rules: {flatline: false}", "+ rules: {flatline: false, recent_average: {sensitivity: 6}}"],
        ),
        ("rules:\n    flatline: false  # noisy\n", ["+     recent_average: {sensitivity: 6}"]),
        ("rules:\n  recent_average: {}\n", ["-   recent_average: {}", "+   recent_average: {sensitivity: 6}"]),
    ],
)  # fmt: skip
def test_a_default_rule_is_written_down_with_what_is_new(tmp_path: Path, rules: str, added: list[str]) -> None:
    assert change(tmp_path, HEAD + rules, "recent_average", sensitivity=6) == added


def test_a_default_rule_keeps_what_it_has_of_its_own(tmp_path: Path) -> None:
    assert change(tmp_path, HEAD, "recent_drift", sensitivity=6) == [
        "+ rules:",
        "+   recent_drift: {kind: recent_average, sensitivity: 6, direction: up}",
    ]
    assert change(tmp_path, HEAD, "validation", min=0.9) == [
        "+ rules:",
        "+   validation: {kind: threshold, severity: medium, min: 0.9}",
    ]


def test_what_comes_through_an_alias_is_left_alone(tmp_path: Path) -> None:
    text = HEAD + "rules:\n  a: &shared {kind: threshold, min: 50}\n  b: *shared\n"
    before = rule_of(tmp_path, text, "b")
    assert with_rule(text, before, replace(before, parameters={"min": 60, "max": None})) is None


def test_a_file_in_braces(tmp_path: Path) -> None:
    text = '{project: ads, start: 2026-01-01, tables: {data: {source: {files: "ads.csv"}, time: day}}}'
    assert "rules: {recent_average: {sensitivity: 6}}}" in change(tmp_path, text, "recent_average", sensitivity=6)[1]
