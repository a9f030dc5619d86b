"""Labels that arrive over three days, for every task: maturity rises, verdicts wait, and a rerun changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from installation import Installation
from lupus.model import Status, Task

FIRST = date(2026, 1, 5)
ROWS = 90
PROJECT = """\
project: late
start: 2026-01-05
tables:
  prediction:
    source: {{files: "{folder}/prediction-{{interval}}.parquet"}}
    key: {key}
    {outputs}
  ground_truth:
    source: {{files: "{folder}/truth-{{interval}}.parquet"}}
    key: {key}
    label: label
    arrives_within: 3d
task: {task}
"""


@dataclass(frozen=True)
class Case:
    """What a task's project says, the metric that is looked at, and its columns."""

    outputs: str
    metric: str
    key: str = "id"


CASES: Mapping[Task, Case] = {
    Task.BINARY_CLASSIFICATION: Case("score: score", "brier"),
    Task.MULTICLASS_CLASSIFICATION: Case("score: class", "f1_macro"),
    Task.REGRESSION: Case("score: score\n    quantiles: {0.9: p90}\n    lower: score\n    upper: p90", "pinball@0.9"),
    Task.RANKING: Case("score: score\n    query: user", "ndcg@10", "[user, id]"),
}


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def write(folder: Path, task: Task) -> None:
    """Predictions of five days; of each day's labels a third comes after one, two and three days."""
    rng = np.random.default_rng(7)
    truths: dict[int, list[dict[str, Any]]] = {}
    for number in range(5):
        ids = np.arange(ROWS) + 1000 * number
        score = rng.random(ROWS)
        users = ids // 3
        label: Any = (rng.random(ROWS) < score).astype(int)
        if task is Task.MULTICLASS_CLASSIFICATION:
            label = np.array(["a", "b", "c"])[rng.integers(0, 3, ROWS)]
        elif task is Task.RANKING:
            label = (ids % 3 == 0).astype(int)  # one relevant item for every user
        columns = {"id": ids, "user": users, "score": score, "p90": score + 0.5}
        columns["class"] = np.array(["a", "b", "c"])[rng.integers(0, 3, ROWS)]
        pq.write_table(pa.table(columns), folder / f"prediction-{day(number)}.parquet")
        for late, rows in enumerate(np.array_split(np.arange(ROWS), 3), start=1):
            part = {"id": ids[rows], "user": users[rows], "label": label[rows]}
            truths.setdefault(number + late, []).append(part)
    for number in range(5):
        parts = [pa.table(part) for part in truths.get(number, [])]
        table = pa.concat_tables(parts) if parts else pa.table({"id": [0], "user": [0], "label": ["a"]}).slice(0, 0)
        pq.write_table(table, folder / f"truth-{day(number)}.parquet")


@pytest.mark.parametrize("task", list(Task))
def test_maturity_rises_and_verdicts_wait(tmp_path: Path, task: Task) -> None:
    case = CASES[task]
    installation = Installation.empty(tmp_path / "home")
    files = tmp_path / "files"
    files.mkdir()
    write(files, task)
    text = PROJECT.format(folder=files, key=case.key, outputs=case.outputs, task=task)
    installation.add_project("late", text)

    def seen() -> tuple[float | None, float | None, set[Status]]:
        points = installation.points(day(0), name="late", metric=case.metric)
        [point] = [one for one in points if not one.series.key.segment]
        verdicts = installation.verdicts(day(0), name="late")
        return point.value, point.maturity, {one.status for one in verdicts if one.series == point.series.key}

    found = []
    for number in range(4):
        installation.run(day(number), name="late")
        found.append(seen())
    assert [maturity for _, maturity, _ in found] == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])
    assert [value is None for value, _, _ in found] == [True, False, False, False]
    assert [said for _, _, said in found] == [{Status.IMMATURE}] * 3 + [{Status.OK}]
    before = installation.dump()
    installation.run(day(0), day(3), name="late")
    assert installation.dump() == before
