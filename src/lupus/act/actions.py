"""The buttons of a message: what they are called, and how a press is known to be one of ours."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

_PREFIX: Final = "lupus_"


@dataclass(frozen=True, slots=True)
class Action:
    """A button. `judges` says that it closes the incident with a judgement; `confirm` is asked before it counts."""

    name: str
    label: str
    judges: bool = False
    confirm: str = ""

    @property
    def id(self) -> str:
        return _PREFIX + self.name


ACTIONS: Final = (
    Action("acknowledge", "Acknowledge"),
    Action("mute", "Mute"),
    Action("expected", "Expected", judges=True),
    Action("false_alarm", "False alarm", judges=True),
    Action("retrain", "Retrain", confirm="Asks for the retraining Dag that the project's file names."),
    Action("approve", "Approve retraining"),
    Action("refuse", "Refuse retraining"),
)

MUTES: Final = {
    "1": "for one interval",
    "7": "for 7 intervals",
    "doubles": "until it is twice as bad",
}
"""For how long a message can be muted from Slack: the choice's value, and its words."""


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button: the action, the incident, and of a choice which one."""

    action: str
    incident: str
    choice: str = ""


def sign(secret: str, incident: str, destination: str) -> str:
    """The signature that a message's buttons carry: only who holds the bot's token can make it."""
    return hmac.new(secret.encode(), f"{incident}\x1f{destination}".encode(), sha256).hexdigest()[:24]


def read_press(action_id: str, value: str, *, secret: str, destination: str) -> Press | None:
    """What was pressed, or None for what no message of ours holds."""
    name = action_id.removeprefix(_PREFIX)
    if not action_id.startswith(_PREFIX) or name not in {action.name for action in ACTIONS}:
        return None
    *choice, incident, signature = value.split(":") if value.count(":") in (1, 2) else ("", "")
    if not incident or not hmac.compare_digest(signature.encode(), sign(secret, incident, destination).encode()):
        return None
    picked = choice[0] if choice else ""
    if (name == "mute") != bool(picked) or (picked and picked not in MUTES):
        return None
    return Press(name, incident, picked)
