"""A workspace to try things in: it starts with the project's stored history, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lupus.model import WHOLE, Interval, Project
from lupus.stages.drift import drift_intervals, first_measured
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
            _copy_baselines(workspace, trial, project, first, since)
            yield trial


def _copy_baselines(workspace: Workspace, trial: Workspace, project: Project, first: Interval, since: Interval) -> None:
    """Copy the States before `since` that drift is measured from; what is in no baseline is not missed."""
    from lupus.measure.drift import KINDS

    needed = drift_intervals(project, first, first_measured(workspace, project).values())
    earlier = sorted(one for one in needed if one < since)
    excluded = workspace.store.excluded_columns(project.name, earlier)
    found = workspace.store.decoded_states(project.name, earlier, KINDS, tuple)
    states = [
        state
        for one, of_interval in found.items()
        for state in of_interval
        if not {(one, state.table, state.column), (one, state.table, WHOLE)} & excluded
    ]
    trial.store.save_states(states)


def _link_tree(source: Path, target: Path) -> None:
    """Make `target` a folder of links to the files below `source`; replacing a link leaves its file alone."""
    for path in source.rglob("*"):
        if path.is_file():
            link = target / path.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
