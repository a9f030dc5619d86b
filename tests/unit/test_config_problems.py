"""Every mistake an author can make, with the place and the remedy that they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from lupus.config import load_project
from lupus.model import ConfigError

ENVIRON = {"SECRET": "s3cr3t-hgh", "NUMBER": "424242"}
GOLDEN = Path(__file__).parents[1] / "golden" / "config_problems.txt"


def cases() -> dict[str, tuple[str, list[str]]]:
    """Title to (file, problems): a case begins with ``########``, each problem stands after ``######>>``."""
    found: dict[str, tuple[str, list[str]]] = {}
    for block in GOLDEN.read_text(encoding="utf-8").split("######## ")[1:]:
        title, _, rest = block.partition("\n")
        text, *problems = rest.split("######>> ")
        assert title not in found
        assert problems
        found[title] = (text, [problem.strip("\n") for problem in problems])
    return found


CASES = cases()


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_every_problem_has_its_place_and_remedy(text: str, expected: list[str], tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_project(path, environ=ENVIRON)
    assert [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems] == expected
    assert not any(value in str(caught.value) for value in ENVIRON.values())


def test_there_are_many_cases() -> None:
    assert len(CASES) > 120


def test_a_value_from_the_environment_is_not_shown_by_other_parts_either(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    text = """
project: shop
start: "${SECRET}"
end: ["${SECRET}"]
tables:
  data:
    role: "${SECRET}"
    source: {files: "${SECRET}{}/x"}
    key: ["${SECRET}", "${SECRET}"]
    exclude: "${SECRET}"
    columns: ["${SECRET}"]
    time: "${SECRET}"
    arrives_within: "${SECRET}"
    expectations: "${SECRET}"
    ready: {by: "${SECRET}", min_rows: "${NUMBER}.5"}
metrics: {quantiles: ["${NUMBER}"], top: "-${NUMBER}"}
retrain: {dag: "${SECRET} ", when: {for: "${NUMBER}", within: 1, group: "${SECRET}"}, cooldown: "${SECRET}"}
"""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_project(path, environ=ENVIRON)
    assert len(caught.value.problems) >= 12
    assert not any(value in str(caught.value) for value in ENVIRON.values())
