"""Where messages go: the `Sink` protocol, and how a destination's name becomes a sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol

from lupus.act.mail import MailSink
from lupus.act.outbox import OutboxSink
from lupus.act.slack import SlackChannel
from lupus.act.story import Standing, Story
from lupus.act.webhook import SlackWebhookSink, WebhookSink
from lupus.model import ConnectionNotUsableError, Connections, DeliveryError, Notice

ENTRY_POINTS: Final = "lupus.sinks"
OUTBOX: Final = "outbox"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way. `story` is what it tells (None for a bare text), `standing` what has become of the incident.

    `chart()` draws the worst series as a PNG; None when there is nothing to draw.
    """

    notice: Notice
    story: Story | None
    chart: Callable[[], bytes | None] = lambda: None
    standing: Standing = field(default_factory=Standing)


class Sink(Protocol):
    """Delivers notices to one destination."""

    def deliver(self, delivery: Delivery) -> str:
        """Delivers and returns the receipt; raises `DeliveryError`. Safe to call again: the notice's id stays."""
        ...


SinkFactory = Callable[[str, Connections, Path], Sink | SlackChannel]
"""Makes a sink from a destination without its kind (``<connection>:<channel>``), the connections and the outbox's path.

This is what an entry point in the group ``lupus.sinks`` names; the entry point's name is the destination's kind.
"""


def is_reachable(destination: str, connections: Connections) -> bool:
    """Whether the connection that `destination` names is defined, and for Slack has a token.

    Of the sinks that other packages bring nothing is known: they are taken to be reachable.
    """
    kind, _, rest = destination.partition(":")
    if kind == OUTBOX or kind not in _SHIPPED:
        return True
    try:
        connection = connections.get(rest.partition(":")[0])
    except ConnectionNotUsableError:
        return False
    return bool(connection.secret) if kind == "slack" else True


def open_sink(destination: str, *, connections: Connections, outbox: Path) -> Sink | SlackChannel:
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
                for_all=True,
            )
        factory = next(iter(found)).load()
    return factory(rest, connections, outbox)


def slack_sink(rest: str, connections: Connections, outbox: Path) -> SlackChannel:  # noqa: ARG001 - a SinkFactory
    """The Slack channel for ``<connection>:<channel>``; the connection's extra may have ``base_url``."""
    name, _, channel = rest.partition(":")
    connection = connections.get(name)
    base_url = connection.extra.get("base_url")
    return SlackChannel(connection.secret, channel, base_url=str(base_url) if base_url else None)


def slack_webhook_sink(rest: str, connections: Connections, outbox: Path) -> Sink:  # noqa: ARG001 - a SinkFactory
    """Slack's incoming webhook whose address is the connection ``<connection>``."""
    return SlackWebhookSink(_address(connections, rest))


def webhook_sink(rest: str, connections: Connections, outbox: Path) -> Sink:  # noqa: ARG001 - a SinkFactory
    """The service whose address is the connection ``<connection>``; its password signs, its extra may have `format`."""
    connection = connections.get(rest)
    return WebhookSink(_address(connections, rest), connection.secret, str(connection.extra.get("format", "json")))


def mail_sink(rest: str, connections: Connections, outbox: Path) -> Sink:  # noqa: ARG001 - a SinkFactory
    """E-mail to ``<connection>:<address>,<address>``."""
    name, _, addresses = rest.partition(":")
    return MailSink(connections.get(name), tuple(one.strip() for one in addresses.split(",") if one.strip()))


def outbox_sink(rest: str, connections: Connections, outbox: Path) -> Sink:  # noqa: ARG001 - a SinkFactory
    """The sink that writes to the outbox file."""
    return OutboxSink(outbox)


def _address(connections: Connections, name: str) -> str:
    connection = connections.get(name)
    if not connection.url.startswith(("http://", "https://")):
        raise ConnectionNotUsableError(
            f"connection {name!r} is no web address; on the command line set LUPUS_CONN_{name.upper()}=https://..., "
            "in Airflow give the connection a host that begins with https://"
        )
    return connection.url


_SHIPPED: Final[dict[str, SinkFactory]] = {
    "slack": slack_sink,
    "slack_webhook": slack_webhook_sink,
    "email": mail_sink,
    "webhook": webhook_sink,
    OUTBOX: outbox_sink,
}
