"""Where messages go: the `Sink` protocol, and how a destination's name becomes a sink."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol

from lupus.act.outbox import OutboxSink
from lupus.act.slack import SlackSink
from lupus.model import ConnectionNotUsableError, Connections, DeliveryError, Notice, Project

ENTRY_POINTS: Final = "lupus.sinks"
OUTBOX: Final = "outbox"


class Sink(Protocol):
    """Delivers notices to one destination."""

    def deliver(self, notice: Notice) -> str:
        """Delivers `notice` and returns the receipt; raises `DeliveryError`. Safe to call again."""
        ...


SinkFactory = Callable[[str, Connections, Path], Sink]
"""Makes a sink from a destination without its kind (``<connection>:<channel>``), the connections and the outbox's path.

This is what an entry point in the group ``lupus.sinks`` names; the entry point's name is the destination's kind.
"""


def destination_of(project: Project, connections: Connections) -> str:
    """Where the project's notices go: ``slack:<connection>:<channel>``, or ``outbox`` without a usable connection."""
    route = project.alerts.slack
    if route is None:
        return OUTBOX
    try:
        usable = bool(connections.get(route.connection).secret)
    except ConnectionNotUsableError:
        usable = False
    return f"slack:{route.connection}:{route.channel}" if usable else OUTBOX


def open_sink(destination: str, *, connections: Connections, outbox: Path) -> Sink:
    """The sink for `destination`. Raises `DeliveryError` (permanent) for an unknown kind.

    Does no I/O; a connection that has gone since raises `ConnectionNotUsableError`.
    """
    kind, _, rest = destination.partition(":")
    factory = _SHIPPED.get(kind)
    if factory is None:
        found = entry_points(group=ENTRY_POINTS, name=kind)
        if not found:
            raise DeliveryError(
                f"no sink called {kind!r} (for {destination!r}); install the package that has it, "
                f"or use one of {', '.join(sorted(_SHIPPED))}",
                permanent=True,
            )
        factory = next(iter(found)).load()
    return factory(rest, connections, outbox)


def slack_sink(rest: str, connections: Connections, outbox: Path) -> Sink:  # noqa: ARG001 - a SinkFactory
    """The Slack sink for ``<connection>:<channel>``; the connection's extra may have ``base_url``."""
    name, _, channel = rest.partition(":")
    connection = connections.get(name)
    base_url = connection.extra.get("base_url")
    return SlackSink(connection.secret, channel, base_url=str(base_url) if base_url else None)


def outbox_sink(rest: str, connections: Connections, outbox: Path) -> Sink:  # noqa: ARG001 - a SinkFactory
    """The sink that writes to the outbox file."""
    return OutboxSink(outbox)


_SHIPPED: Final[dict[str, SinkFactory]] = {"slack": slack_sink, OUTBOX: outbox_sink}
