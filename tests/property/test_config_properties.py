"""Whatever stands in a project file: a Project or a ConfigError, and dumps that load as what they were made of."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus.config import dump, load_project
from lupus.config.fields import format_duration, parse_duration
from lupus.config.scalars import ScalarError, expand, plain_scalar
from lupus.model import ConfigError, Project

SECRET = "qZ7-s3cr3t"
ENVIRON = {"A": SECRET}
VALID = """
project: shop
owner: ml
cadence: daily
timezone: America/New_York
start: 2026-03-01
end: 2026-05-01
tables:
  data: &t {source: {connection: db, table: t}, time: day, exclude: [x], ready: {min_rows: 3, by: 09:00}}
  prediction: {source: {files: "a/{interval}.csv"}, key: [id], score: p, version: v, weight: w}
  ground_truth: {source: {connection: db, query: "q :start"}, key: id, label: y, arrives_within: 3d}
  more: {<<: *t, role: other}
task: binary_classification
segments: [origin, "${A}", [origin, "x${A}"]]
metrics: {quantiles: [0.1, 0.9], bins: 5, threshold: 0.4, k: [5, 10]}
rules:
  recent_average: {window: 20, direction: up}
  floor: {kind: threshold, min: 1, where: {group: input, metric: ["r*", "!x"]}, severity: high}
  validation: false
alerts: {slack: {channel: "#c"}, min_severity: low}
retrain: {dag: fit, when: {severity: high, for: 2, within: 3}, cooldown: 14d, conf: {a: [1, {b: "${A}"}]}}
schedule: {catchup: true}
tags: [a]
"""
FRAGMENTS = [
    *("", "\t", "\n", "\n  ", "\n- ", ": ", ":", ",", "{", "}", "[", "]", "'", '"', "#", "&t ", "*t", "<<: ", "!x "),
    *("!!str ", "|", ">", "? ", "---\n", "...\n", "%", "@", "${A}", "${B}", "${", "$${", "null", "~", "true", "no"),
    *("0", "-1", "1.5", ".inf", ".nan", "09", "0x1f", "1e999", "9" * 30, "2026-01-01", "9999-12-31", "0001-01-01"),
    *("09:00", "3d", "\ufeff", "\x00", "\u2028", "\U0001f43a", "é", "lupus__shop", "0 0 * * *", "*/0 * * * *"),
    *("0 0 31 2 *", "UTC", "../x", "/", "{interval}", "{x!r:{y}}", "x:y", "data", "other", "evalution", "daily"),
]


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "shop.yaml"


def attempt(path: Path, content: str | bytes) -> Project | ConfigError:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        return load_project(path, environ=ENVIRON)
    except ConfigError as caught:
        error = caught
    assert error.problems
    assert list(error.problems) == sorted(error.problems)
    assert SECRET not in str(error)
    # YAML ends lines at lone carriage returns and Unicode's line ends too.
    lines = len(re.findall("\r\n|[\n\r\x85\u2028\u2029]", path.read_bytes().decode("utf-8", errors="replace"))) + 1
    assert all(0 <= problem.line <= lines for problem in error.problems)
    return error


def check(path: Path, content: str | bytes) -> None:
    result = attempt(path, content)
    if isinstance(result, Project):
        text = dump(result)
        again = attempt(path, text)
        assert isinstance(again, Project), f"{again}\n{text}"
        assert replace(again, path=None) == replace(result, path=None)


def test_the_file_to_be_mutated_is_right(path: Path) -> None:
    assert isinstance(attempt(path, VALID), Project)
    check(path, VALID)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), st.sampled_from(FRAGMENTS)), min_size=1, max_size=3
    )
)
def test_any_edit_gives_a_project_or_its_problems(path: Path, edits: list[tuple[int, int, str]]) -> None:
    text = VALID
    for at, length, fragment in edits:
        text = text[:at] + fragment + text[at + length :]
    check(path, text)


def places(node: yaml.Node) -> list[tuple[int, int]]:
    """The (start, end) offsets of all values in the file."""
    found = [(node.start_mark.index, node.end_mark.index)]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found += [*places(key), *places(value)]
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found += places(value)
    return found


PLACES = places(yaml.compose(VALID, Loader=yaml.SafeLoader))[1:]
VALUES = st.one_of(
    st.sampled_from([f"{fragment}" for fragment in FRAGMENTS]),
    st.text(max_size=12).map(lambda text: yaml.safe_dump(text, width=10_000).split("\n...")[0].rstrip("\n")),
    st.integers().map(str),
    st.floats().map(lambda number: yaml.safe_dump(number).split("\n")[0]),
    st.sampled_from(["{}", "[]", "[[]]", "{a: b}", "[a, a]", '"${A}"', "[${A}]", "{cron: 1}", "{dag: x}"]),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_any_value_in_any_place_gives_a_project_or_its_problems(path: Path, place: tuple[int, int], value: str) -> None:
    check(path, VALID[: place[0]] + value + VALID[place[1] :])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_project_or_its_problems(path: Path, content: bytes) -> None:
    assert isinstance(attempt(path, content), ConfigError)


@settings(deadline=None)
@given(
    st.text(max_size=30), st.text(min_size=1, max_size=30), st.dictionaries(st.text(max_size=8), st.text(max_size=8))
)
def test_any_text_survives_a_dump(path: Path, description: str, owner: str, conf: dict[str, str]) -> None:
    project = attempt(path, VALID)
    assert isinstance(project, Project)
    assert project.retrain is not None
    changed = replace(
        project, description=description, owner=owner, retrain=replace(project.retrain, conf=conf), variables={}
    )
    path.write_text(dump(changed), encoding="utf-8")
    assert replace(load_project(path, environ={}), path=None) == replace(changed, path=None)


@given(st.text(max_size=40))
def test_plain_scalars_are_values_or_refusals(text: str) -> None:
    with suppress(ScalarError):
        value = plain_scalar(text)
        assert not isinstance(value, str) or value == text


@given(st.text(max_size=40).filter(lambda text: "${" not in text), st.text(alphabet="${}:-A", max_size=20))
def test_expansion_changes_nothing_but_variables(plain: str, messy: str) -> None:
    assert expand(plain, {}).text == plain
    assert expand(plain.replace("${", "$${"), {}).text == plain
    escaped = messy.replace("${", "$${")
    assert expand(escaped, {}).text == messy
    assert not expand(escaped, {}).variables


@given(st.integers(0, 3650 * 86_400))
def test_durations_are_read_as_they_are_written(seconds: int) -> None:
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
