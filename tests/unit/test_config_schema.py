"""The JSON Schema: current, complete, and of one mind with the loader."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lupus.config import json_schema, load_project
from lupus.config.__main__ import main
from lupus.config.document import read_document
from lupus.config.rules import RULE_MODELS

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "docs" / "project.schema.json"
EXAMPLES = sorted(
    path
    for folder in ("dags/projects", "examples")
    for path in (ROOT / folder).rglob("*.yaml")
    if "\nproject:" in f"\n{path.read_text()}"
)
SMALL = {"project": "shop", "start": "2026-01-01"}
TABLE = {"source": {"connection": "db", "table": "t"}, "time": "day"}


def as_json(value: Any) -> Any:
    """YAML values as an editor's JSON Schema engine sees them: dates are text."""
    if isinstance(value, dict):
        return {key: as_json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [as_json(member) for member in value]
    return value.isoformat() if isinstance(value, date) else value


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_the_shipped_schema_is_current(tmp_path: Path) -> None:
    assert main([str(tmp_path / "schema.json")]) == 0
    hint = "run: python -m lupus.config docs/project.schema.json"
    assert SHIPPED.read_text(encoding="utf-8") == (tmp_path / "schema.json").read_text(encoding="utf-8"), hint


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_it_accepts_the_projects_of_this_repository(path: Path) -> None:
    text = path.read_text()
    assert not list(validator().iter_errors(as_json(yaml.safe_load(text))))
    assert not list(validator().iter_errors(as_json(read_document(path.name, text, {}).values)))
    assert "# yaml-language-server: $schema=" in text
    load_project(path)


def test_there_are_examples() -> None:
    assert EXAMPLES


def members(schema: Any, where: str = "") -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(schema, dict):
        for name, member in schema.get("properties", {}).items():
            found.append((f"{where}.{name}", member))
        for name, member in schema.items():
            found += members(member, f"{where}.{name}")
    return found


def test_everything_is_documented() -> None:
    definitions = json_schema()["$defs"]
    silent = [
        where
        for where, member in members(json_schema())
        if not {**definitions.get(member.get("$ref", "").rpartition("/")[2], {}), **member}.get("description")
    ]
    assert silent == [".$defs.OtherRule.kind"]  # it narrows what RuleFile documents
    assert len(members(json_schema())) > 60


def test_every_parameter_of_a_rule_has_its_own_sentence() -> None:
    for model in RULE_MODELS.values():
        sentences = [field.description for field in model.model_fields.values()]
        assert len(set(sentences)) == len(sentences), f"{model.__name__}: add them to _PARAMETER_NOTES"


@pytest.mark.parametrize(
    "more",
    [
        {"cadence": "0 6 * * 1-5"},
        {"cadence": {"cron": "0 6 * * 1-5"}},
        {"metrics": {"bins": "${BINS:-3}", "quantiles": [0.1, 0.9]}},
        {"schedule": {"catchup": "${CATCHUP}", "retry_delay": "90s"}},
        {"rules": {"recent_average": {"window": 14, "min_history": "${N}"}, "validation": False}},
        {"rules": {"x": {"kind": "another", "anything": [1]}}},
        {"segments": "country", "tags": ["a"]},
        {"segments": ["country", ["country", "device"]]},
        {"rules": {"x": {"kind": "threshold", "max": 1, "where": {"metric": ["*", "!p0*"], "segment": ""}}}},
        {"alerts": {"min_severity": "${LEVEL}"}, "end": None},
    ],
)
def test_it_accepts_what_the_loader_accepts(more: dict[str, Any]) -> None:
    assert not list(validator().iter_errors({**SMALL, "tables": {"data": TABLE}, **more}))


@pytest.mark.parametrize(
    "more",
    [
        {"ownr": "x"},
        {"project": "${NAME}"},
        {"project": "Shop"},
        {"task": "clustering"},
        {"tables": {}},
        {"tables": {"data": {"time": "day"}}},
        {"tables": {"data": {**TABLE, "scroe": "p"}}},
        {"tables": {"data": {**TABLE, "arrives_within": "3 days"}}},
        {"metrics": {"bins": 1}},
        {"segments": [["country", "device", "plan"]]},
        {"metrics": {"threshold": 2}},
        {"rules": {"x": {"kind": "threshold", "maximum": 1}}},
        {"rules": {"x": True}},
        {"rules": {"x": {"kind": "threshold", "max": 1, "where": {"metric": []}}}},
        {"alerts": {"slack": {"connection": "slack"}}},
    ],
)
def test_it_refuses_what_the_loader_refuses(more: dict[str, Any]) -> None:
    assert list(validator().iter_errors({**SMALL, "tables": {"data": TABLE}, **more}))
