"""The tutorial does what it says: its commands are typed, in order, and its outputs compared."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SUITE = "expectations/fraud/prediction.json"


def words(text: str) -> list[str]:
    """The lines of `text` without the spaces and rules that only lay it out."""
    lines = (" ".join(line.replace("─", " ").split()) for line in text.splitlines())
    return [line for line in lines if line]


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LUPUS_")}
    environment |= {"COLUMNS": "200", "GX_ANALYTICS_ENABLED": "false"}
    printed: list[str] = []
    typed: list[str] = []
    compared = 0
    steps = TUTORIAL.read_text(encoding="utf-8").partition("## 7.")[0]
    for language, text in FENCE.findall(steps):
        if language == "python":
            exec(compile(text, "tutorial.md", "exec"), {})
        elif language == "json":
            suite = json.loads((tmp_path / SUITE).read_text(encoding="utf-8"))
            suite["expectations"].append(json.loads(text))
            (tmp_path / SUITE).write_text(json.dumps(suite), encoding="utf-8")
        elif language == "yaml":
            written = words((tmp_path / "dags" / "projects" / "fraud.yaml").read_text(encoding="utf-8"))
            shown = [line.replace("…/predictions.csv", str(tmp_path / "predictions.csv")) for line in words(text)]
            assert [line for line in shown if line not in written] == []
        elif language == "sh":
            for line in text.splitlines():
                if line.startswith("lupus "):
                    command = [sys.executable, "-m", "lupus.cli.main", *shlex.split(line, comments=True)[1:]]
                    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
                    printed, typed = words(done.stdout), [*typed, line]
        elif language == "text":
            compared += 1
            missing = [line for line in words(text) if line not in printed]
            assert missing == [], f"{typed[-1]} no longer prints this; it prints\n" + "\n".join(printed)
    assert len(typed) == 7, typed
    assert compared == 3
    messages = [json.loads(line) for line in (tmp_path / ".lupus" / "outbox.jsonl").read_text().splitlines()]
    assert [one["reason"] for one in messages] == ["first"], "the rerun in step 6 must send nothing"
    assert (tmp_path / "data-docs" / "index.html").is_file()
