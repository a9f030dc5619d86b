"""The effective configuration: complete, loadable, and without anything from the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lupus.config import dump, load_project
from lupus.model import Project

ROOT = Path(__file__).parents[2]
ENVIRON = {
    "HOST": "s3cr3t",
    "NUMBER": "17",
    "RATIO": "0.123",
    "WHEN": "2026-02-03",
    "SPAN": "11d",
    "CRON": "17 3 * * *",
    "TRUTH": "true",
    "CLOCK": "03:21",
    "LEVEL": "critical",
    "ZONE": "Asia/Tokyo",
}
TEXT = """
project: shop
start: "${WHEN}"
cadence: {cron: "${CRON}"}
timezone: "${ZONE}"
owner: "on"
description: "literal $${HOST} and ${HOST}"
tables:
  data:
    source: {python: "shop.sources:read", arguments: {token: "${HOST}", deep: [1, {a: "x-${HOST}"}], "${HOST}": 1}}
    key: ["${HOST}", b]
    columns: "${HOST}-b"
    exclude: ["0815", "09:00", "2026-01-01", "1e3", "0x1F", "~", "a: b", "- c", "yes", " d ", "e\\nf", "\\u2028", "#g"]
    arrives_within: 0d
    ready: {min_rows: "${NUMBER}", by: "${CLOCK}"}
    derived:
      hours: {sql: "delay / ${NUMBER}"}
      "on": {python: "shop.features:read", columns: ["${HOST}"], arguments: {a: "${HOST}", "1": [2]}}
      photo: {image: "${HOST}", folder: "s3://${HOST}", connection: "${HOST}", max_bytes: "${NUMBER}"}
      clip: {audio: sound, silence_dbfs: -40}
  raw: {source: {files: "${HOST}/{interval}/*.csv"}}
  prediction:
    source: {python: "shop.sources:read"}
    recommendations:
      items: "${HOST}"
      catalogue: {table: raw, item: "${HOST}", vector: v}
      popularity: {table: data, item: i, count: "${HOST}"}
rules: {x: {kind: threshold, min: "${RATIO}", severity: "${LEVEL}"}, validation: false}
segments: ["${HOST}", ["${LEVEL}", b], ["${ZONE}"]]
metrics:
  sql: {rev: {connection: "${HOST}", query: "SELECT ${HOST} :start", segment: ["${HOST}", b]}}
  quantiles: ["${RATIO}", 0.5]
  mature_at: "${RATIO}"
  estimates: {window: "${NUMBER}", reference: first, concept_drift: "${TRUTH}"}
  multivariate: {metrics: [domain_auc], table: raw, sample_rows: 5000}
  segment_states: "${TRUTH}"
  drift:
    metrics: [psi, ks]
    against: [trailing, "${LEVEL}=${HOST}"]
    reference: {from: "${WHEN}", to: 2026-03-31}
    min_rows: "${NUMBER}"
    columns: ["*", "!${HOST}"]
alerts: {slack: {channel: "#${HOST}"}}
retrain: {dag: "${HOST}", when: {for: "${NUMBER}"}, cooldown: "${SPAN}", conf: {key: "${HOST}", n: null}}
schedule: {catchup: "${TRUTH}", retries: 3}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(text.replace('    columns: "${HOST}-b"\n', ""))
    return path


def same(left: Project, right: Project) -> bool:
    return replace(left, path=None) == replace(right, path=None)


@pytest.mark.parametrize("path", sorted((ROOT / "dags" / "projects").glob("*.yaml")), ids=lambda path: path.name)
def test_the_dump_of_a_real_project_loads_as_the_same(path: Path, tmp_path: Path) -> None:
    project = load_project(path)
    again = load_project(write(tmp_path, dump(project)))
    assert same(project, again)
    assert dump(again) == dump(project)


def test_variables_stay_variables(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, TEXT.replace("    arrives_within: 0d\n", "")), environ=ENVIRON)
    text = dump(project)
    by_chance = {"true"}
    assert not (set(ENVIRON.values()) - by_chance) & yaml_scalars(text)
    assert "s3cr3t" not in text
    assert text.count("${HOST}") == TEXT.count("${HOST}") - 1
    again = load_project(write(tmp_path, text), environ=ENVIRON)
    assert same(project, again)
    assert again.variables == project.variables


def test_bounds_and_rules_over_rules_load_as_the_same(tmp_path: Path) -> None:
    text = """
project: shop
start: 2026-01-01
tables: {data: {source: {connection: db, table: t}, time: day}}
rules:
  moving: {kind: threshold, min: {reference: [2026-01-01, 2026-02-28], factor: 0.5}, max: {metric: "${HOST}", plus: 1}}
  first: {kind: threshold, max: {reference: first, intervals: "${NUMBER}"}}
  lasting: {kind: for, rule: moving, n: 2, of: 4}
  both: {kind: all, rules: [lasting, trend_change], same: table}
  one: {kind: any, rules: first}
"""
    project = load_project(write(tmp_path, text), environ=ENVIRON)
    shown = dump(project)
    assert "s3cr3t" not in shown
    assert same(project, load_project(write(tmp_path, shown), environ=ENVIRON))
    rules = {rule.name: rule.parameters for rule in project.rules}
    assert rules["moving"]["min"] == {"reference": ("2026-01-01", "2026-02-28"), "factor": 0.5}
    assert rules["first"]["max"] == {"reference": "first", "intervals": 17}
    assert rules["one"]["rules"] == ("first",)


def yaml_scalars(text: str) -> set[str]:
    """The text of all scalars, as written."""
    return {event.value for event in yaml.parse(text) if isinstance(event, yaml.ScalarEvent)}


def test_another_environment_gives_other_values(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, TEXT), environ=ENVIRON)
    again = load_project(write(tmp_path, dump(project)), environ={**ENVIRON, "NUMBER": "9", "SPAN": "2w"})
    assert again.tables[0].ready.min_rows == 9
    assert again.retrain is not None
    assert again.retrain.cooldown.days == 14


@pytest.mark.parametrize("written", ['"${HOST}"', '["${HOST}"]', '[rows, "!${HOST}"]', '"!"', '["", "a=*"]'])
def test_patterns_and_their_variables_keep_their_places(written: str, tmp_path: Path) -> None:
    text = (
        "project: shop\nstart: 2026-01-01\ntables: {data: {source: {connection: db, table: t}, time: day}}\n"
        f"rules: {{x: {{kind: threshold, max: 1, where: {{segment: {written}}}}}}}\n"
        f"retrain: {{dag: fit, when: {{segment: {written}}}}}\n"
    )
    project = load_project(write(tmp_path, text), environ=ENVIRON)
    assert ENVIRON["HOST"] not in dump(project)
    again = load_project(write(tmp_path, dump(project)), environ=ENVIRON)
    assert same(project, again)
    assert again.variables == project.variables


def test_all_defaults_are_said(tmp_path: Path) -> None:
    text = "project: shop\nstart: 2026-01-01\ntables: {data: {source: {connection: db, table: t}, time: day}}\n"
    tree = yaml.safe_load(dump(load_project(write(tmp_path, text), environ={})))
    assert tree["rules"]["recent_average"]["sensitivity"] == 4.0
    assert tree["tables"]["data"]["ready"] == {"min_rows": 1}
    assert tree["metrics"]["bins"] == 20
    assert (tree["cadence"], tree["timezone"], tree["schedule"]["retry_delay"]) == ("daily", "UTC", "5m")
