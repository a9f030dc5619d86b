"""Which intervals a run evaluates: its own, and those whose labels may still arrive in it."""

from __future__ import annotations

from lupus.model import Interval, Project, Role, Table


def evaluation_tables(project: Project) -> tuple[Table, Table] | None:
    """The prediction and the ground-truth table; None when the project has nothing to evaluate."""
    prediction, truth = project.of_role(Role.PREDICTION), project.of_role(Role.GROUND_TRUTH)
    if project.task is None or prediction is None or truth is None:
        return None
    return prediction, truth


def evaluated(project: Project, interval: Interval) -> tuple[Interval, ...]:
    """The intervals whose predictions may get labels in `interval`, oldest first, `interval` last.

    Labels are waited for until `arrives_within` after an interval's end. Empty when the project has
    nothing to evaluate.
    """
    tables = evaluation_tables(project)
    if tables is None:
        return ()
    truth = tables[1]
    found = [interval]
    while True:
        earlier = project.cadence.previous(found[-1])
        if earlier.end + truth.arrives_within <= interval.start or earlier.start < project.start:
            return tuple(reversed(found))
        found.append(earlier)


def is_closed(project: Project, interval: Interval, newest: Interval) -> bool:
    """Whether labels of `interval` are no longer waited for when `newest` is the newest interval seen."""
    truth = project.of_role(Role.GROUND_TRUTH)
    return truth is None or interval.end + truth.arrives_within <= newest.end
