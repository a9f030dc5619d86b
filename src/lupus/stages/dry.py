"""A workspace to try things in: it starts with the project's stored history, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lupus.model import Interval, Project
from lupus.stages.labels import evaluated
from lupus.stages.reference import reach
from lupus.stages.workspace import Workspace, open_workspace


@contextmanager
def dry_workspace(workspace: Workspace, project: Project, first: Interval) -> Iterator[Workspace]:
    """A throw-away copy of what `workspace` knows of `project` around `first`.

    Snapshots of earlier intervals are read from the real folder, so that labels that arrive now find
    their predictions; what the trial extracts goes to the temporary folder.
    """
    from lupus.judge import lookback

    since = first
    # As much as the rules and the estimates look at, from the oldest interval that is evaluated again.
    wanted = max(lookback(project.rules, project.cadence), reach(project))
    for _ in range(wanted + len(evaluated(project, first))):
        since = project.cadence.previous(since)
    with TemporaryDirectory(prefix="lupus-dry-run-") as folder:
        home = Path(folder)
        settings = replace(workspace.settings, home=home, store_url=f"sqlite:///{home / 'store.db'}")
        earlier = workspace.settings.snapshots / project.name
        if earlier.is_dir():
            _link_tree(earlier, settings.snapshots / project.name)
        with open_workspace(settings, connections=workspace.connections) as trial:
            workspace.store.copy_project(project.name, trial.store, since=since)
            yield trial


def _link_tree(source: Path, target: Path) -> None:
    """Make `target` a folder of links to the files below `source`; replacing a link leaves its file alone."""
    for path in source.rglob("*"):
        if path.is_file():
            link = target / path.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
