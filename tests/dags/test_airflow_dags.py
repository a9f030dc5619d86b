"""The Dag factory: golden structures, broken files, one Dag per task parse, and nothing heavy when parsed."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization

from lupus.airflow import build_dags
from lupus.airflow.dags import project_dag
from lupus.config import load_project

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SMALL = """
    project: {name}
    owner: ml-shop
    cadence: {cadence}
    start: 2024-03-01
    tables:
      data: {{source: {{files: data/*.csv}}, time: day}}
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(dedent(text).lstrip())
    return path


def small(name: str, cadence: str = "daily") -> str:
    return dedent(SMALL.format(name=name, cadence=cadence))


def describe(dag: DAG) -> str:
    """The Dag as one text: what a scheduler would make of it, read back from its stored form."""
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    end = stored.end_date.isoformat() if stored.end_date else "never"
    lines = [
        f"dag {stored.dag_id}: {stored.description}",
        f"schedule {stored.timetable.summary}",
        f"from {stored.start_date.isoformat()} until {end}, catchup {stored.catchup}, at once {stored.max_active_runs}",
        f"tags {', '.join(sorted(stored.tags))}",
    ]
    for task in (stored.get_task(one.task_id) for one in dag.topological_sort()):
        after = ", ".join(sorted(task.upstream_task_ids)) or "nothing"
        told = f"task {task.task_id} ({task.task_type}) after {after}, {task.trigger_rule}"
        told += f", owner {task.owner}, retries {task.retries} every {int(task.retry_delay.total_seconds())} s"
        told += f", {task.max_active_tis_per_dag} at once" if task.max_active_tis_per_dag else ""
        told += "".join(f", announces {asset.uri}" for asset in task.outlets)
        lines.append(told)
    return "\n".join(lines) + "\n"


def check_golden(name: str, text: str) -> None:
    path = HERE / "golden" / name
    text = text.replace(str(ROOT), "…")  # wherever the repository lies
    if os.environ.get("LUPUS_WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} differs; if that is meant, run again with LUPUS_WRITE_GOLDEN=1"


@pytest.mark.parametrize("name", ["shop", "rides", "weekly", "closing", "asks"])
def test_golden_dags(name: str) -> None:
    path = HERE / "golden" / f"{name}.yaml"
    dag = project_dag(load_project(path, environ={}), path.read_text())
    check_golden(f"{name}.txt", describe(dag))
    check_golden(f"{name}.md", (dag.doc_md or "") + "\n")


def test_all_tasks_lie_on_one_line_and_end_in_done(tmp_path: Path) -> None:
    write(tmp_path, "one.yaml", small("one"))
    (dag,) = build_dags(tmp_path).values()
    assert [task.task_id for task in dag.topological_sort()] == [
        "extract",
        "validate",
        "measure",
        "judge",
        "act",
        "deliver",
        "done",
    ]
    assert dag.get_task("done").upstream_task_ids == {"extract", "validate", "measure", "judge", "act", "deliver"}


def test_a_dag_can_be_copied(tmp_path: Path) -> None:
    write(tmp_path, "one.yaml", small("one"))
    (dag,) = build_dags(tmp_path).values()
    assert copy.deepcopy(dag).get_task("extract").project == dag.get_task("extract").project


BROKEN = {
    "not-yaml.yaml": ("project: [", "lupus__not-yaml"),
    "unknown.yaml": (small("unknown") + "scroe: 1\n", "lupus__unknown"),
    "empty.yaml": ("", "lupus__empty"),
    "list.yml": ("- a\n- b\n", "lupus__list"),
    "odd name!.yaml": ("project: 7\n", "lupus__odd_name_"),
}


def test_a_broken_file_has_a_dag_that_fails_and_touches_no_other(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", small("good"))
    for name, (text, _) in BROKEN.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "binary.yaml").write_bytes(b"project: \xff\xfe\x00")
    (tmp_path / "notes.txt").write_text("no project")
    dags = build_dags(tmp_path)
    assert set(dags) == {"lupus__good", "lupus__binary", *(dag_id for _, dag_id in BROKEN.values())}
    for dag_id, dag in dags.items():
        assert dag.dag_id == dag_id
        DagSerialization.to_dict(dag)
        if dag_id == "lupus__good":
            assert "broken" not in dag.tags
            continue
        (task,) = dag.tasks
        assert (task.task_id, task.retries, "broken" in dag.tags) == ("broken_config", 0, True)
        assert dag.is_paused_upon_creation is False
        with pytest.raises(AirflowFailException, match=r"lupus check") as caught:
            task.execute({})
        assert str(tmp_path) in str(caught.value)
        assert "cannot be used" in (dag.doc_md or "")


def test_the_problem_says_file_line_column_and_fix(tmp_path: Path) -> None:
    path = write(tmp_path, "unknown.yaml", small("unknown") + "onwer: someone\n")
    (dag,) = build_dags(tmp_path).values()
    with pytest.raises(AirflowFailException) as caught:
        dag.get_task("broken_config").execute({})
    line = path.read_text().splitlines().index("onwer: someone") + 1
    assert f"{path}:{line}:1" in str(caught.value)
    assert "'owner'" in str(caught.value)
    assert f"{path}:{line}:1" in (dag.doc_md or "")


def test_two_files_with_one_name_are_both_broken_and_say_so(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", small("twin"))
    write(tmp_path, "b.yaml", small("twin"))
    write(tmp_path, "c.yaml", small("other"))
    dags = build_dags(tmp_path)
    assert {name for name, dag in dags.items() if "broken" in dag.tags} == {"lupus__a", "lupus__b"}
    assert "twin" in (dags["lupus__a"].doc_md or "")
    assert dags["lupus__other"].has_task("extract")


def test_what_nobody_thought_of_breaks_one_dag_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lupus.airflow import dags as module

    write(tmp_path, "good.yaml", small("good"))
    write(tmp_path, "odd.yaml", small("odd"))
    build = module.project_page

    def fails_for_odd(project: object, text: str) -> str:
        if "odd" in text:
            raise ZeroDivisionError("an accident")
        return build(project, text)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "project_page", fails_for_odd)
    dags = build_dags(tmp_path)
    assert "broken" not in dags["lupus__good"].tags
    assert "ZeroDivisionError: an accident" in (dags["lupus__odd"].doc_md or "")


def test_a_reader_that_falls_over_one_file_keeps_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lupus.config import load

    write(tmp_path, "good.yaml", small("good"))
    write(tmp_path, "odd.yaml", small("odd"))
    read = load.read_document

    def falls_over_odd(path: str, text: str, environ: object) -> object:
        if "odd" in path:
            raise RecursionError("too deep")
        return read(path, text, environ)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "read_document", falls_over_odd)
    dags = build_dags(tmp_path)
    assert dags["lupus__good"].has_task("extract")
    assert "RecursionError: too deep" in (dags["lupus__odd"].doc_md or "")


def test_a_task_parse_builds_its_own_dag_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "three"):
        write(tmp_path, f"{name}.yaml", small(name))
    (tmp_path / "no.yaml").write_text("project: [")
    for wanted in ("lupus__two", "lupus__no"):
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", wanted)
        assert set(build_dags(tmp_path)) == {wanted}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "somebody_elses")
    assert build_dags(tmp_path) == {}


def test_the_yaml_on_the_page_stays_a_block_whatever_is_in_it(tmp_path: Path) -> None:
    text = small("one") + "description: |\n  a fence\n  ````\n  and <script>alert(1)</script> | pipes\n"
    write(tmp_path, "one.yaml", text)
    (dag,) = build_dags(tmp_path).values()
    page = dag.doc_md or ""
    assert "\n`````yaml\n" in page
    assert "<script>" not in page.split("`````yaml")[0]


HEAVY = (
    "great_expectations",
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "duckdb",
    "ibis",
    "pyarrow",
    "alembic.command",
)
OURS = ("lupus.stages", "lupus.extract", "lupus.validate", "lupus.measure", "lupus.judge", "lupus.act", "lupus.store")


def test_parsing_imports_nothing_heavy(tmp_path: Path) -> None:
    write(tmp_path, "one.yaml", small("one"))
    program = dedent(
        f"""
        import json, runpy, sys
        found = runpy.run_path({str(ROOT / "dags" / "lupus_projects.py")!r})
        print("RESULT" + json.dumps([sorted(n for n in found if n.startswith("lupus__")), sorted(sys.modules)]))
        """
    )
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path / "home"), "LUPUS_PROJECTS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    dags, modules = json.loads(done.stdout.split("RESULT")[1])
    assert dags == ["lupus__one"]
    assert [name for name in modules if name in HEAVY or name.startswith(OURS)] == []


def test_the_dag_file_names_what_airflow_s_safe_mode_looks_for() -> None:
    text = (ROOT / "dags" / "lupus_projects.py").read_text().lower()
    assert "dag" in text
    assert "airflow" in text
