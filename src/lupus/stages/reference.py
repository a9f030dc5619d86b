"""The reference of an interval: which intervals it is, and what was learnt from them and is kept in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lupus.model import (
    WHOLE,
    Anchor,
    EstimatesPolicy,
    Interval,
    MultivariatePolicy,
    Project,
    Role,
    StoredState,
)
from lupus.stages.labels import is_closed

if TYPE_CHECKING:
    from lupus.store import Store

Policy = EstimatesPolicy | MultivariatePolicy
_SWITCHES = ("performance", "concept_drift", "metrics", "sample_rows")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is kept: a table, a column, and the kind of the model."""

    table: str
    column: str
    kind: str


def reference_of(project: Project, at: Interval, policy: Policy, *, labelled: bool) -> tuple[Interval, ...]:
    """The intervals that the reference of `at` is of, oldest first; never `at` itself.

    If `labelled`, only those whose labels are no longer waited for when `at` is run: a later run of `at` then learns
    from the same labels. Empty while the first intervals (`Anchor.FIRST`) are not complete.
    """
    found: list[Interval] = []
    if policy.reference is Anchor.FIRST:
        one = project.cadence.containing(project.start)
        while len(found) < policy.window:
            if one.start >= at.start or (labelled and not is_closed(project, one, at)):
                return ()
            found.append(one)
            one = project.cadence.next(one)
        return tuple(found)
    one = project.cadence.previous(at)
    while len(found) < policy.window and one.start >= project.start:
        if not labelled or is_closed(project, one, at):
            found.append(one)
        one = project.cadence.previous(one)
    return tuple(reversed(found))


def reach(project: Project) -> int:
    """How many intervals before an interval its estimates can depend on."""
    policies: tuple[Policy, ...] = (project.metrics.estimates, project.metrics.multivariate)
    truth = project.of_role(Role.GROUND_TRUTH)
    waiting, one = 0, project.cadence.containing(project.start)
    while truth is not None and one.end + truth.arrives_within > project.cadence.shift(one, waiting).end:
        waiting += 1
    return max(policy.window + policy.refit_every for policy in policies) + waiting


def kept_model(store: Store, project: Project, place: Place, at: Interval, policy: Policy) -> Mapping[str, Any] | None:
    """The newest model of the last ``refit_every - 1`` intervals before `at` that was made with the same settings."""
    earlier, one = [], at
    for _ in range(policy.refit_every - 1):
        one = project.cadence.previous(one)
        if one.start < project.start:
            break
        earlier.append(one)
    states = store.states(project.name, place.table, place.column, WHOLE, place.kind, earlier) if earlier else []
    settings = _settings(project, policy)
    for state in reversed(states):
        if state.payload["settings"] == settings:
            model: Mapping[str, Any] = state.payload["model"]
            return model
    return None


def model_state(  # noqa: PLR0917 - where, when, of what
    project: Project, place: Place, at: Interval, policy: Policy, reference: Sequence[Interval], model: dict[str, Any]
) -> StoredState:
    """The model as it is kept: with the reference that it is of, and the settings that it was made with."""
    payload = {
        "reference": {"first": reference[0].key, "last": reference[-1].key, "intervals": len(reference)},
        "settings": _settings(project, policy),
        "model": model,
    }
    return StoredState(project.name, place.table, place.column, WHOLE, place.kind, at, payload)


def left_out(store: Store, project: Project, intervals: Sequence[Interval], tables: Sequence[str]) -> set[Interval]:
    """Those of `intervals` at which something of one of `tables` is left out, so that nothing is learnt from them."""
    excluded = store.excluded_columns(project.name, intervals)
    return {interval for interval, table, _ in excluded if table in tables}


def _settings(project: Project, policy: Policy) -> dict[str, Any]:
    """What a model depends on, as JSON gives it back."""
    plain = {name: value for name, value in asdict(policy).items() if name not in _SWITCHES}
    metrics = project.metrics
    plain |= {"segments": project.segments, "segment_metrics": metrics.segment_metrics}
    plain |= {name: getattr(metrics, name) for name in ("min_segment_rows", "min_category_rows")}
    settings: dict[str, Any] = json.loads(json.dumps(plain))
    return settings
