"""How long the Dag files of 1,000 projects take to parse: Lupus, and dag-factory building the same Dags from YAML.

Both read one YAML file per project and build Dags of seven tasks, each in a fresh process, taking turns. dag-factory
gets empty operators and a plain cron schedule, and lives in an environment of its own with the same Airflow.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

PROJECTS = int(os.environ.get("BENCH_PROJECTS", "1000"))
ROUNDS = 3
DAG_FACTORY = "dag-factory==1.1.0"
ROOT = Path(__file__).parents[1]

PROJECT = """\
project: product_{number:04}
owner: team-{team}
description: What product {number} predicts
cadence: daily
timezone: Europe/Berlin
start: 2024-03-01
tables:
  data: {{source: {{connection: warehouse, table: events_{number}}}, time: day}}
  prediction: {{source: {{connection: warehouse, table: scores_{number}}}, time: day, key: id, score: p}}
  ground_truth: {{source: {{connection: warehouse, table: labels}}, time: day, key: id, label: y, arrives_within: 3d}}
task: binary_classification
segments: [country]
alerts: {{slack: {{connection: slack, channel: "#ml"}}}}
retrain: {{dag: retrain_{number}, when: {{group: evaluation, severity: high, for: 3}}, cooldown: 14d}}
"""
STAGES = ("extract", "validate", "measure", "judge", "act", "retrain", "done")
LUPUS = """
import json, sys, time
from pathlib import Path
from lupus.airflow import build_dags
start = time.perf_counter()
dags = build_dags(Path(sys.argv[1]))
seconds = time.perf_counter() - start
assert all("broken" not in dag.tags for dag in dags.values())
print("RESULT" + json.dumps([seconds, len(dags), sum(len(dag.tasks) for dag in dags.values())]))
"""
OTHER = """
import json, sys, time
from airflow.sdk import DAG
from dagfactory import load_yaml_dags
found = {}
start = time.perf_counter()
load_yaml_dags(globals_dict=found, dags_folder=sys.argv[1])
seconds = time.perf_counter() - start
dags = [dag for dag in found.values() if isinstance(dag, DAG)]
print("RESULT" + json.dumps([seconds, len(dags), sum(len(dag.tasks) for dag in dags)]))
"""


def dag_factory_yaml(number: int) -> str:
    """The same Dag in dag-factory's language."""
    lines = [
        f"lupus__product_{number:04}:",
        f"  description: What product {number} predicts",
        "  start_date: 2024-03-02",
        "  schedule: '0 0 * * *'",
        "  catchup: false",
        "  max_active_runs: 1",
        f"  tags: [lupus, team-{number % 20}]",
        f"  default_args: {{owner: team-{number % 20}, retries: 2, retry_delay_sec: 300}}",
        "  doc_md: |",
        *(f"    {line}" for line in PROJECT.format(number=number, team=number % 20).splitlines()),
        "  tasks:",
    ]
    for position, stage in enumerate(STAGES):
        after = (
            list(STAGES[:position]) if stage in ("retrain", "done") else list(STAGES[max(0, position - 1) : position])
        )
        rule = {"extract": "all_success", "retrain": "all_success", "done": "none_failed"}.get(stage, "all_done")
        lines += [
            f"    - task_id: {stage}",
            "      operator: airflow.providers.standard.operators.empty.EmptyOperator",
            f"      trigger_rule: {rule}",
            f"      dependencies: [{', '.join(after)}]",
        ]
    return "\n".join(lines) + "\n"


def parse(python: Path | str, program: str, folder: Path, home: Path) -> tuple[float, int, int]:
    """Seconds, Dags and tasks of one parse in a fresh process."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = subprocess.run(
        [str(python), "-c", program, str(folder)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if "RESULT" not in done.stdout:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    seconds, dags, tasks = json.loads(done.stdout.split("RESULT")[1])
    return float(seconds), int(dags), int(tasks)


def install(folder: Path) -> Path | None:
    """A Python with dag-factory and the locked Airflow, or None when it cannot be had here."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        return None
    python = folder / "bin" / "python"
    locked = ["--constraint", str(ROOT / "requirements.lock")]
    commands = (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), DAG_FACTORY, *locked],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr.strip()[-500:])
            return None
    return python


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="lupus-bench-") as name:
        work = Path(name)
        ours, theirs = work / "projects", work / "dag_factory"
        for folder in (ours, theirs, work / "home"):
            folder.mkdir()
        for number in range(PROJECTS):
            (ours / f"product_{number:04}.yaml").write_text(PROJECT.format(number=number, team=number % 20))
            (theirs / f"product_{number:04}.yaml").write_text(dag_factory_yaml(number))
        python = install(work / "venv")
        if python is None:
            print(f"{DAG_FACTORY} cannot be installed here: Lupus alone, no ratio")
        times: dict[str, list[float]] = {"lupus": [], "dag-factory": []}
        for _ in range(ROUNDS):
            for label, runs in times.items():
                if label == "lupus":
                    seconds, dags, tasks = parse(sys.executable, LUPUS, ours, work / "home")
                elif python is not None:
                    seconds, dags, tasks = parse(python, OTHER, theirs, work / "home")
                else:
                    continue
                if (dags, tasks) != (PROJECTS, PROJECTS * len(STAGES)):
                    raise SystemExit(f"{label} built {dags} Dags with {tasks} tasks")
                runs.append(seconds)
        for label, runs in times.items():
            if runs:
                spread = ", ".join(f"{one:.2f}" for one in sorted(runs))
                print(f"{label:12} {median(runs) / PROJECTS * 1000:6.2f} ms a Dag   ({PROJECTS} Dags: {spread} s)")
        if times["dag-factory"]:
            ratio = median(times["dag-factory"]) / median(times["lupus"])
            print(f"Lupus parses {ratio:.1f} times as fast (target: 2)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
