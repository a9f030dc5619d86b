"""A project whose notices go to a local Slack, with a store, and a clock that moves only when somebody sleeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from act_cases import LINKS, House, day
from lupus.act import (
    Addressee,
    Occasion,
    Standing,
    channel_message,
    decide_notices,
    merge_events,
    routes_of,
    story_of,
    update_incidents,
)
from lupus.model import (
    Connection,
    ConnectionNotUsableError,
    Group,
    MetricPoint,
    Notice,
    NoticeState,
    Routing,
    Series,
    Verdict,
)
from lupus.stages import DeliveryReport, Patience, Settings, Workspace, deliver
from lupus.store import open_store
from slack_server import APP_TOKEN, TOKEN, SlackServer

DESTINATION = "slack:slack:#ml-flights"


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 1, 6, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def patience(self, seconds: float = 60.0) -> Patience:
        return Patience(seconds, self, self.sleep)


class FixedConnections:
    def __init__(self, *known: Connection) -> None:
        self.known = {one.name: one for one in known}

    def get(self, name: str) -> Connection:
        if name not in self.known:
            raise ConnectionNotUsableError(f"no connection {name!r}")
        return self.known[name]


@dataclass
class Desk:
    """What stands between act and Slack. `run` decides and stores, `deliver` sends."""

    workspace: Workspace
    server: SlackServer | None = None
    house: House = field(default_factory=House)
    clock: Clock = field(default_factory=Clock)
    destination: str = DESTINATION

    def run(self, number: int, *verdicts: Verdict, deliver: bool = True) -> tuple[Notice, ...]:
        """The run of an interval; its notices as they are stored afterwards."""
        store, project = self.workspace.store, self.house.project
        interval = day(number, project.cadence)
        points = [
            MetricPoint(Series(one.series, Group.INPUT, "ratio"), one.interval, one.value, n=100)
            for one in verdicts
            if one.value is not None
        ]
        known = {point.series.key for point in points}
        points += [
            MetricPoint(Series(key, Group.INPUT, "ratio"), interval, None, n=0)
            for key in {one.series for one in verdicts} - known
        ]
        if points:
            store.upsert_points(points, scope="pushed")
            store.replace_verdicts(project.name, [interval], [one for one in verdicts if one.interval == interval])
        before = tuple(store.incidents(project.name))
        series = store.series(project.name)
        self.house.newest = max(self.house.newest or interval, interval)
        changes = update_incidents(project, interval, verdicts, series, before, newest=self.house.newest)
        notices = decide_notices(
            project,
            interval,
            before,
            changes.incidents,
            to=[Addressee(self.destination, routes_of(project, Routing()))],
            links=LINKS,
            series=series,
            occasion=Occasion(past=store.told(project.name, [one.id for one in changes.incidents])),
        )
        store.commit_act(
            project.name,
            interval,
            incidents=changes.save,
            delete=changes.delete,
            notices=notices,
            known=before,
            events=merge_events(changes.moved, project, interval),
            moved=changes.moved,
        )
        if deliver:
            self.deliver()
        return tuple(one for one in store.notices(project.name) if one.interval == interval)

    def deliver(self, seconds: float = 60.0, **chosen: Any) -> DeliveryReport:
        return deliver(self.workspace, self.house.project.name, patience=self.clock.patience(seconds), **chosen)

    def states(self) -> list[tuple[str, str]]:
        return [(one.reason.value, one.state.value) for one in self.workspace.store.notices(self.house.project.name)]

    def pending(self) -> list[Notice]:
        return self.workspace.store.notices(self.house.project.name, state=NoticeState.PENDING)


@contextmanager
def desk(
    url: str, folder: Path, *, server: SlackServer | None = None, listener: bool = False, **extra: Any
) -> Iterator[Desk]:
    """A `Desk` over the store at `url`."""
    settings = Settings(folder, folder, folder, url, "https://airflow.example")
    base = {"base_url": server.url} if server else {}
    known = [Connection("slack", secret=TOKEN, extra=base)]
    if listener:
        known.append(Connection("slack_app", secret=APP_TOKEN, extra=base))
    with open_store(url, check=False) as store:
        store.upgrade()
        made = Desk(Workspace(settings, store, FixedConnections(*known)), server, **extra)
        if server is not None:
            server.clock = lambda: made.clock().timestamp()
        yield made


def shown(notice: Notice, **more: Any) -> Mapping[str, Any]:
    """The message in the channel that `notice` alone makes."""
    story = story_of(notice.message)
    assert story is not None
    return channel_message(story, Standing(), **more)
