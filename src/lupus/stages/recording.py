"""Every stage of every run leaves a line in the store: when, how long, how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lupus.model import Interval, Project, Stage
from lupus.stages.about import about
from lupus.stages.workspace import Workspace


@dataclass(slots=True)
class Record:
    """What a stage has to say of itself at its end."""

    detail: list[str] = field(default_factory=list)

    def problems(self, sentences: Sequence[str]) -> None:
        """Note problems that did not keep the stage from finishing."""
        self.detail.extend(sentences)


@contextmanager
def recorded(workspace: Workspace, project: Project, interval: Interval, stage: Stage) -> Iterator[Record]:
    """Write the stage's start and end to the store; an exception is recorded and raised again."""
    record = Record()
    if stage is Stage.EXTRACT:
        workspace.store.save_project(
            project.name, owner=project.owner, cadence=str(project.cadence.kind), about=about(project)
        )
    workspace.store.start_run(project.name, interval, stage, datetime.now(UTC))
    try:
        yield record
    except Exception as error:
        workspace.store.finish_run(project.name, interval, stage, datetime.now(UTC), "failed", str(error))
        raise
    status = "partial" if record.detail else "ok"
    workspace.store.finish_run(project.name, interval, stage, datetime.now(UTC), status, "\n".join(record.detail))
