"""What has become of an incident since its notice was written: people's decisions, and retraining."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lupus.model import RetrainState
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import Standing


def standing_of(workspace: Workspace, project: str, incident: str) -> tuple[Standing, int]:
    """The standing of an incident, and the incident's version that it is of (-2 when it is gone)."""
    from lupus.act import Standing

    found = workspace.store.standing(incident)
    if found is None:
        return Standing(state="withdrawn", into=workspace.store.went_into(incident)), -2
    version = found.pop("version")
    awaiting = any(
        one.state is RetrainState.AWAITING_APPROVAL and one.incident == incident
        for one in workspace.store.retrain_requests(project)
    )
    return Standing(**found, awaiting=awaiting), version
