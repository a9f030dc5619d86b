"""The benchmark of measuring runs, on little data: all of it that needs no environment of a peer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARK = ROOT / "benchmarks" / "measure"
OWN = ("floor", "lupus", "pandas", "polars")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARK), "--rows", "20000", "--repeats", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def cells(report: str) -> dict[str, list[str]]:
    """First cell to the others, of every row of every table."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in report.splitlines() if line[:2] == "| "]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.slow
def test_everybody_runs_and_agrees(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured:begin -->\nold\n<!-- measured:end -->\nafter\n", encoding="utf-8")
    sections = ("--sections", "profile", "drift", "evaluation")
    done = run(*sections, "--only", *OWN, "--peers", str(tmp_path), "--write", str(page))
    assert done.returncode == 0, done.stderr
    found = cells(done.stdout)
    for name in ("floor", "lupus, first slice", "pandas", "polars, quantile list", "pandas + scikit-learn"):
        seconds, cpu_seconds, megabytes, _, runs = found[name]
        assert 0 < float(cpu_seconds) < 60
        assert float(seconds) > 0
        assert float(megabytes) > 20
        assert runs == "1"
    assert "\n- " not in done.stdout, "somebody failed, or answers differently"
    for what in ("profile: ours / the DuckDB floor", "evaluation: faster than polars", "peak memory: profile"):
        rows, measured, *_, holds = found[what]
        assert rows == "20,000"
        assert float(measured.rstrip("× MB")) > 0
        assert holds.endswith("(meant for 10,000,000)")
    assert not any("whylogs" in name for name in found)
    before, _, written = page.read_text(encoding="utf-8").partition("<!-- measured:begin -->\n")
    assert before == "before\n"
    assert written == f"{done.stdout.removesuffix(chr(10))}<!-- measured:end -->\nafter\n"


def test_a_peer_that_fails_is_a_row_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARK))
    from peers import DONE, PEERS  # type: ignore[import-not-found]

    python = tmp_path / "evidently" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 'no wheel for this Python' >&2\nexit 3\n", encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / "evidently" / DONE).write_text("\n".join(PEERS["evidently"]), encoding="utf-8")
    done = run("--sections", "profile", "--only", "lupus", "evidently", "--peers", str(tmp_path), "--strict")
    assert done.returncode == 1
    assert "- evidently: exit status 3: no wheel for this Python" in done.stdout
    assert cells(done.stdout)["profile: faster than Evidently"][-1] == "no: not measured"
    assert float(cells(done.stdout)["lupus"][0]) > 0


def test_quantiles_and_auc_are_as_exact_as_promised() -> None:
    command = [sys.executable, str(BENCHMARK / "programs" / "accuracy_lupus.py"), "20000"]
    done = subprocess.run(command, env=os.environ | {"BENCH_THREADS": "2"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["found"]
    # The Wasserstein distances of so few rows differ by their noise, which Lupus takes away and SciPy does not.
    exact = [one for one in found if not one["what"].startswith("Wasserstein")]
    assert len(exact) == 9
    assert [one for one in exact if one["error"] > one["limit"]] == []
