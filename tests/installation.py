"""An installation of Lupus in a folder of its own, driven in this process or through the real command."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import tiny
from lupus.act import read_outbox
from lupus.config import load_project
from lupus.model import Interval, MetricPoint, Project, RunReport, Verdict
from lupus.stages import EnvironmentConnections, Settings, Workspace, open_workspace, run


@dataclass(frozen=True)
class Answer:
    """What a command said. `text` is both streams with all white space made equal, so that no line break matters."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return " ".join(f"{self.out} {self.err}".split())

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Installation:
    folder: Path
    environ: Mapping[str, str]

    @classmethod
    def tiny(cls, folder: Path, *, days: int = tiny.DAYS) -> Installation:
        return cls(folder, tiny.make(folder, days=days))

    @classmethod
    def empty(cls, folder: Path, **environ: str) -> Installation:
        """An installation without projects; `environ` is added to its environment."""
        projects = folder / "dags" / "projects"
        projects.mkdir(parents=True)
        (folder / "expectations").mkdir()
        own = {
            "LUPUS_HOME": str(folder / "home"),
            "LUPUS_PROJECTS": str(projects),
            "LUPUS_EXPECTATIONS": str(folder / "expectations"),
            "GX_ANALYTICS_ENABLED": "false",
        }
        return cls(folder, own | environ)

    def with_environ(self, **environ: str) -> Installation:
        return Installation(self.folder, {**self.environ, **environ})

    def copied(self, folder: Path) -> Installation:
        """All of it, history and warehouse too, in another folder."""
        shutil.copytree(self.folder, folder)
        old, new = str(self.folder), str(folder)
        return Installation(folder, {name: value.replace(old, new) for name, value in self.environ.items()})

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.environ)

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.db"

    def project_file(self, name: str = "loans") -> Path:
        return self.settings.projects / f"{name}.yaml"

    def add_project(self, name: str, text: str) -> None:
        self.project_file(name).write_text(text)

    def project(self, name: str = "loans") -> Project:
        return load_project(self.project_file(name), environ=self.environ)

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        with open_workspace(self.settings, connections=EnvironmentConnections(self.environ)) as opened:
            yield opened

    def run(self, *days: str, name: str = "loans") -> list[RunReport]:
        """All stages, for one day after the other, in this process."""
        project = self.project(name)
        with self.workspace() as opened:
            return [run(opened, project, project.cadence.parse(day)) for day in days]

    def dump(self, *, wall_clock: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        with self.workspace() as opened:
            return opened.store.dump(wall_clock=wall_clock)

    def points(self, day: str, *, name: str = "loans", **chosen: str) -> list[MetricPoint]:
        with self.workspace() as opened:
            return opened.store.points(name, interval=self._interval(name, day), **chosen)  # type: ignore[arg-type]

    def verdicts(self, day: str, *, name: str = "loans") -> list[Verdict]:
        with self.workspace() as opened:
            return opened.store.verdicts(name, intervals=[self._interval(name, day)])

    def outbox(self) -> list[tuple[str, str, str]]:
        """(id, interval, reason) of each message, in order."""
        return [(one.id, one.interval, one.reason) for one in read_outbox(self.settings.outbox)]

    def files(self) -> dict[str, bytes]:
        """Every file below home but the store's, by its relative path."""
        home = self.settings.home
        return {
            str(path.relative_to(home)): path.read_bytes()
            for path in sorted(home.rglob("*"))
            if path.is_file() and not path.name.startswith("store.db") and path.suffix != ".lock"
        }

    def lupus(self, *arguments: str) -> Answer:
        """`lupus ...` in this process, with this installation's environment only."""
        from lupus.cli.main import main

        out, err = io.StringIO(), io.StringIO()
        code: object = 0
        with (
            mock.patch.dict(os.environ, self.process_environ(), clear=True),
            mock.patch.object(sys, "argv", ["lupus", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as error:
                code = error.code
        return Answer(int(str(code or 0)), out.getvalue(), err.getvalue())

    def shell(self, *arguments: str) -> Answer:
        """`lupus ...` as its own process: what a user's shell sees."""
        done = subprocess.run(
            [sys.executable, "-m", "lupus.cli.main", *arguments],
            env=self.process_environ(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def process_environ(self) -> dict[str, str]:
        """The environment for a process that shall see this installation and nothing else."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
        # Other kernels add numbers up in another order, and then the last digit differs from that of this process.
        kept |= {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
        return {**kept, "COLUMNS": "200", **self.environ}

    def _interval(self, name: str, day: str) -> Interval:
        return self.project(name).cadence.parse(day)
