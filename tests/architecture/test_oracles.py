"""Every metric is compared with an implementation that is not ours, every State is shown to add up.

Tests say so themselves, by the marks `oracle` and `merges`; here the marks are read from the sources and held against
the catalogue that the reference page is generated from. A mark must be borne out by its module: the library that it
names is imported there, and the metric's words are said outside of marks.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import lupus.measure

ROOT = Path(__file__).parents[2]
METRICS = tuple(tomllib.loads((ROOT / "docs" / "meanings.toml").read_text(encoding="utf-8"))["metrics"])
"""All metrics: `make reference` fails when these are not exactly those that the measured product has."""
MODULES = {
    "fairlearn": "fairlearn",
    "Great Expectations": "great_expectations",
    "NumPy": "numpy",
    "pandas": "pandas",
    "scikit-learn": "sklearn",
    "SciPy": "scipy",
    "statsmodels": "statsmodels",
}
"""Whose implementation it may be, and what its tests import. Else `by` is "Python" (the definition written out in
plain Python), or a publication with its year whose worked example is computed."""
WORD = re.compile("[a-z0-9]+")
CITATION = re.compile(r"\w.*\b(1[89]|20)\d\d\b")


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on a test: what of, the keywords, and where it stands."""

    name: str
    of: tuple[str, ...]
    by: str
    on: str
    test: ast.FunctionDef
    module: ast.Module
    place: str


def marks(name: str) -> Iterator[Mark]:
    """All marks of this name on the tests of the repository, from their sources."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if f"mark.{name}(" not in text or path == Path(__file__):
            continue
        module = ast.parse(text)
        for test in module.body:
            if not isinstance(test, ast.FunctionDef):
                continue
            for mark in test.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == f"pytest.mark.{name}":
                    keywords = {one.arg: ast.literal_eval(one.value) for one in mark.keywords}
                    of = tuple(ast.literal_eval(one) for one in mark.args)
                    where = f"{path.relative_to(ROOT)}::{test.name}"
                    yield Mark(name, of, keywords.get("by", ""), keywords.get("on", ""), test, module, where)


ORACLES = tuple(marks("oracle"))
MERGES = tuple(marks("merges"))


def states() -> dict[str, type]:
    """The classes of measure that have a kind and add up, by kind."""
    found = {}
    for info in pkgutil.walk_packages(lupus.measure.__path__, "lupus.measure."):
        for one in vars(importlib.import_module(info.name)).values():
            if isinstance(one, type) and one.__module__ == info.name and "__add__" in vars(one) and "kind" in vars(one):
                found[one.kind] = one  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("on", ["random", "degenerate"])
def test_every_metric_has_an_oracle(on: str) -> None:
    compared = {metric for mark in ORACLES if mark.on == on for metric in mark.of}
    lost = [metric for metric in METRICS if metric not in compared]
    assert not lost, f'compare them with another implementation, and mark it @pytest.mark.oracle(..., by=, on="{on}")'


def test_every_state_has_a_merge_property() -> None:
    kinds = states()
    assert len(kinds) >= 10
    proven = {kind for mark in MERGES for kind in mark.of}
    assert kinds.keys() <= proven, "write a Hypothesis test and mark it with @pytest.mark.merges(kind)"


@pytest.mark.parametrize("mark", MERGES, ids=lambda mark: mark.place)
def test_a_merge_property_is_hypotheses_and_of_a_state(mark: Mark) -> None:
    kinds = states()
    assert mark.of
    assert all(kind in kinds for kind in mark.of)
    assert any(ast.unparse(one).startswith("given(") for one in mark.test.decorator_list), "a property needs @given"
    text = ast.unparse(mark.module)
    assert all(kinds[kind].__name__ in text for kind in mark.of)


@pytest.mark.parametrize("mark", ORACLES, ids=lambda mark: f"{mark.place}-{mark.by}-{mark.on}")
def test_an_oracle_is_what_its_mark_says(mark: Mark) -> None:
    assert mark.on in ("random", "degenerate")
    assert mark.of
    unknown = [metric for metric in mark.of if metric not in METRICS]
    assert not unknown, "no such metric in docs/meanings.toml"
    if mark.by in MODULES:
        assert MODULES[mark.by] in imported(mark.module), f"{mark.by} is not imported"
    else:
        assert mark.by == "Python" or CITATION.match(mark.by), (
            "by a library of MODULES, by Python, or by (Author, year)"
        )
    said = said_outside_of_marks(mark.module)
    lost = [metric for metric in mark.of if not all(any(word in one for one in said) for word in WORD.findall(metric))]
    assert not lost, "the module does not name them outside of marks"


def imported(module: ast.Module) -> set[str]:
    """The packages, and the names from them, that a module imports, at its top or in its functions."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0], *(alias.name for alias in node.names)}
    return found


def said_outside_of_marks(module: ast.Module) -> set[str]:
    """The strings and the names of a module, without those in the marks of its tests."""
    marked = {
        id(node)
        for test in module.body
        if isinstance(test, ast.FunctionDef)
        for mark in test.decorator_list
        if "pytest.mark.oracle" in ast.unparse(mark)
        for node in ast.walk(mark)
    }
    found: set[str] = set()
    for node in ast.walk(module):
        if id(node) in marked:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
        elif isinstance(node, ast.Name):
            found.add(node.id.lower())
    return found
