"""Presses of buttons in Slack: who pressed what under which message, whether that may be, and what it does."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lupus.model import (
    ChangeKind,
    ConnectionNotUsableError,
    DeliveryError,
    IncidentChange,
    LupusError,
    Outcome,
    Post,
    Project,
    RetrainState,
)
from lupus.stages.deliver import deliver
from lupus.stages.incidents import change_incident
from lupus.stages.retrain import answer_retrain, ask_retrain, refuse_if_asked_in_airflow
from lupus.stages.turn import Patience, utc_now
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import Press, SlackChannel

STALE: Final = timedelta(minutes=15)
"""An older press is not obeyed: much may have happened since."""

_log: Final = logging.getLogger(__name__)


class _Refused(Exception):  # noqa: N818 - it is no error of the program's
    """The press is not obeyed. `told` is what the person is told, "" for what is not from a person."""

    def __init__(self, why: str, told: str = "") -> None:
        super().__init__(why)
        self.told = told


@dataclass(slots=True)
class Listener:
    """Obeys presses of the buttons of the messages that the Slack connection `connection` has posted.

    `team` and `app` are the ids of the workspace and the app that presses must come from; `find_project` gives a
    project by its name, or None.
    """

    workspace: Workspace
    connection: str
    find_project: Callable[[str], Project | None]
    team: str
    app: str = ""
    clock: Callable[[], datetime] = utc_now
    patience_seconds: float = 10.0
    _names: dict[str, str] = field(default_factory=dict)

    def handle(self, payload: Mapping[str, Any]) -> str:
        """Obey an interaction, or refuse it; returns what was done in one sentence. Raises nothing but `StoreError`."""
        from lupus.act import is_from_link

        if is_from_link(payload):
            return "a link was followed"
        try:
            post, press, user = self._verified(payload)
        except _Refused as refused:
            _log.warning("refused a press of a button: %s", refused)
            return f"refused: {refused}"
        channel = self._channel(post)
        try:
            self._check_rights(post, user, channel)
            done = self._do(post, press, f"{self._name(user, channel)} (Slack {user})")
        except _Refused as refused:
            _log.warning("refused %s of %s by %s: %s", press.action, post.incident, user, refused)
            done = f"refused: {refused}"
            self._whisper(channel, post, user, refused.told)
        except (ValueError, LupusError) as error:  # it came too late, or cannot be done
            done = f"not done: {error}"
            self._whisper(channel, post, user, f"Not done: {error}")
        deliver(self.workspace, post.project, incident=post.incident, patience=self._patience())
        return done

    def _verified(self, payload: Mapping[str, Any]) -> tuple[Post, Press, str]:
        """The message, what was pressed, and who did. Whatever does not fit together is refused."""
        from lupus.act import read_interaction, read_press

        seen = read_interaction(payload)
        if seen is None:
            raise _Refused("no press of a button")
        if seen.team != self.team or (self.app and seen.app != self.app):
            raise _Refused(f"from team {seen.team!r} and app {seen.app!r}, not from ours")
        age = self.clock().timestamp() - seen.pressed_at
        if not -60 <= age <= STALE.total_seconds():
            raise _Refused(f"pressed {age:.0f} s ago")
        posts = [
            one
            for one in self.workspace.store.posts(ts=seen.ts)
            if one.channel == seen.channel and one.destination.startswith(f"slack:{self.connection}:")
        ]
        if len(posts) != 1:
            raise _Refused(f"no message of ours has the id {seen.ts!r} in channel {seen.channel!r}")
        (post,) = posts
        secret = self.workspace.connections.get(self.connection).secret
        press = read_press(seen.action, seen.value, secret=secret, destination=post.destination)
        if press is None or press.incident != post.incident:
            raise _Refused(f"the button {seen.action!r} does not bear our signature")
        return post, press, seen.user

    def _check_rights(self, post: Post, user: str, channel: SlackChannel) -> None:
        project = self.find_project(post.project)
        if project is None:
            raise _Refused(f"there is no project {post.project}", f"Not done: {post.project} has no project file now.")
        allowed = project.alerts.responders
        if not allowed or user in allowed:
            return
        if any(user in channel.members(one) for one in allowed if one.startswith("S")):
            return
        raise _Refused(
            "not among the responders",
            f"Not done: the project file of {post.project} names who may do that (`alerts.responders`), "
            "and you are not among them.",
        )

    def _do(self, post: Post, press: Press, by: str) -> str:
        if press.action in ("retrain", "approve", "refuse"):
            return self._retrain(post, press, by)
        incident = change_incident(self.workspace, post.incident, self._change(post, press), by=by, at=self.clock())
        return f"{by}: {press.action} of {incident.id} of {incident.project}"

    def _change(self, post: Post, press: Press) -> IncidentChange:
        match press.action:
            case "acknowledge":
                return IncidentChange(ChangeKind.ACKNOWLEDGE)
            case "mute" if press.choice == "doubles":
                return IncidentChange(ChangeKind.MUTE, until_doubles=True)
            case "mute":
                incident = self.workspace.store.incident(post.incident)
                project = self.find_project(post.project)
                if project is None:
                    raise ValueError(f"{post.project} has no project file now")
                until = project.cadence.shift(incident.last, int(press.choice))
                return IncidentChange(ChangeKind.MUTE, until=until.key)
            case name:
                return IncidentChange(ChangeKind.RESOLVE, outcome=Outcome(name))

    def _retrain(self, post: Post, press: Press, by: str) -> str:
        project = self.find_project(post.project)
        if project is None:
            raise ValueError(f"{post.project} has no project file now")
        if press.action == "retrain":
            request = ask_retrain(
                self.workspace, project, by=by, why=f"incident {post.incident}", incident=post.incident
            )
            return f"{by} asked for the retraining {request.id} of {post.project}"
        refuse_if_asked_in_airflow(project)
        waiting = [
            one.id
            for one in self.workspace.store.retrain_requests(post.project)
            if one.state is RetrainState.AWAITING_APPROVAL and one.incident == post.incident
        ]
        if not waiting:
            raise ValueError("no retraining of this incident waits for an answer (any more)")
        request = answer_retrain(self.workspace, waiting[-1], approve=press.action == "approve", by=by)
        return f"{by}: the retraining {request.id} of {post.project} is {request.state}"

    def _channel(self, post: Post) -> SlackChannel:
        from lupus.act import SlackChannel, open_sink

        found = open_sink(
            post.destination, connections=self.workspace.connections, outbox=self.workspace.settings.outbox
        )
        assert isinstance(found, SlackChannel)  # noqa: S101 - destinations that begin with slack: are
        return found

    def _name(self, user: str, channel: SlackChannel) -> str:
        if user not in self._names:
            self._names[user] = channel.user_name(user)
        return self._names[user]

    def _whisper(self, channel: SlackChannel, post: Post, user: str, text: str) -> None:
        try:
            channel.whisper(post.channel, user, text)
        except DeliveryError as error:
            _log.warning("%s could not be told: %s", user, error)

    def _patience(self) -> Patience:
        return Patience(self.patience_seconds)


def listen(workspace: Workspace, connection: str, find_project: Callable[[str], Project | None]) -> Any:
    """A Socket Mode client, not connected yet, that hands presses to a `Listener`. Every press is acknowledged first.

    Raises `ConnectionNotUsableError` without the two tokens, and `DeliveryError` when Slack does not take them.
    """
    from lupus.act import open_sink, open_socket

    app = workspace.connections.get(f"{connection}_app")
    if not app.secret.startswith("xapp-"):
        raise ConnectionNotUsableError(
            f"connection {connection}_app has no app-level token (xapp-…); make one with the scope connections:write "
            "in the Slack app's settings under Basic Information"
        )
    channel = open_sink(f"slack:{connection}:", connections=workspace.connections, outbox=workspace.settings.outbox)
    team, _ = channel.identity()  # type: ignore[union-attr]
    listener = Listener(workspace, connection, find_project, team)

    def hear(payload: Mapping[str, Any]) -> None:
        _log.info("%s", listener.handle(payload))

    def greet(app_id: str) -> None:
        listener.app = app_id

    base_url = app.extra.get("base_url")
    return open_socket(app.secret, hear=hear, greet=greet, base_url=str(base_url) if base_url else None)


def project_finder(workspace: Workspace) -> Callable[[str], Project | None]:
    """Finds projects in the projects folder, as their files are at that moment."""
    from lupus.config import load_projects

    def find(name: str) -> Project | None:
        loaded = load_projects(workspace.settings.projects, environ=os.environ, only=name)
        return next((one.project for one in loaded if one.name == name), None)

    return find


def deliver_all(workspace: Workspace, *, patience_seconds: float) -> int:
    """Deliver what is due of every project that the store knows; how many notices were told."""
    return sum(
        deliver(workspace, project.name, patience=Patience(patience_seconds)).told
        for project in workspace.store.projects()
    )
