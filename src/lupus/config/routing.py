"""Routes and quiet hours, as they stand in a project file and in the installation's."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lupus.config.fields import Clock, Text, Zone, distinct, listed, refuse
from lupus.config.rules import SelectorFile
from lupus.model import QuietHours, Route, Selector, Severity

_SHAPES: Final = {
    "slack": (r"[^:]+:.+", "write slack:#channel, or slack:connection:#channel"),
    "slack_webhook": (r"[^:]+", "write slack_webhook:connection"),
    "email": (
        r"[^:]+:[^@\s,]+@[^@\s,]+(,[^@\s,]+@[^@\s,]+)*",
        "write email:connection:address, or several addresses with commas",
    ),
    "webhook": (r"[^:]+", "write webhook:connection"),
}
_KIND: Final = re.compile(r"[a-z][a-z0-9_]*")
_HINT: Final = "write one like slack:#channel, email:connection:address, webhook:connection or outbox"


def _destination(text: str) -> str:
    kind, colon, rest = text.partition(":")
    if not _KIND.fullmatch(kind):
        refuse("is no destination", _HINT)
    if kind == "outbox":
        if colon:
            refuse("is no destination", "write outbox alone")
        return text
    if kind == "slack" and rest.startswith("#"):
        return f"slack:slack:{rest}"
    if kind not in _SHAPES:
        near = next(iter(get_close_matches(kind, (*_SHAPES, "outbox"), n=1, cutoff=0.75)), None)
        if near or not rest:
            refuse("is no destination", _HINT, near and f"{near}{colon}{rest}")
        return text  # of a sink that another package brings
    shape, hint = _SHAPES[kind]
    if not re.fullmatch(shape, rest):
        refuse("is no destination", hint)
    return text


def _some(destinations: tuple[str, ...]) -> tuple[str, ...]:
    if not destinations:
        refuse("names nobody", "name at least one destination")
    return distinct(destinations)


Destinations = Annotated[
    tuple[Annotated[Text, AfterValidator(_destination)], ...],
    BeforeValidator(listed, json_schema_input_type=Text | Annotated[tuple[Text, ...], Field(min_length=1)]),
    AfterValidator(_some),
]


_RESPONDER: Final = re.compile(r"<@([UW][A-Z0-9]{2,20})>|<!subteam\^(S[A-Z0-9]{2,20})>|([UWS][A-Z0-9]{2,20})")


def _responder(text: str) -> str:
    found = _RESPONDER.fullmatch(text)
    if found is None:
        refuse("is no Slack user or user group", "write its id, like <@U012AB3CD> or <!subteam^S012AB3CD>")
    return str(found[1] or found[2] or found[3])


Responders = Annotated[
    tuple[Annotated[Text, AfterValidator(_responder)], ...],
    BeforeValidator(listed, json_schema_input_type=Text | tuple[Text, ...]),
    AfterValidator(distinct),
]


class RouteFile(SelectorFile):
    """Who is told of which findings. What is left out matches anything; several routes may match, and all are told."""

    severity: Severity = Field(default=Severity.LOW, description="The lowest severity of an incident that is told.")
    to: Destinations = Field(
        description="Destinations, in quotes because # begins a comment. They are slack:#channel, "
        "slack:connection:#channel, slack_webhook:connection, email:connection:address, webhook:connection and outbox.",
        examples=[["slack:#ml-flights", "email:smtp:ml@example.com"]],
    )
    mention: str = Field(default="", description="Who is mentioned there when an incident is new or gets worse.")


class QuietHoursFile(BaseModel):
    """When nobody is disturbed. What is held back is told in one message when they end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_: Clock = Field(alias="from", description="Time of day at which they begin.", examples=["22:00"])
    to: Clock = Field(description="Time of day at which they end, on the next day where it is not later.")
    timezone: Zone | None = Field(default=None, description="The owner's zone; the project's when left out.")
    wake_for: Severity = Field(
        default=Severity.CRITICAL, description="The lowest severity that is told at any time all the same."
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.from_ == self.to:
            refuse("ends when it begins", "write two times of day; without quiet hours remove the line")
        return self


def build_routes(files: tuple[RouteFile, ...], where: str) -> tuple[Route, ...]:
    """The routes that stand at `where` of a file."""
    return tuple(
        Route(
            to=file.to,
            where=Selector(**{name: getattr(file, name) for name in SelectorFile.model_fields}),
            severity=file.severity,
            mention=file.mention,
            projects=getattr(file, "project", None),
            owners=getattr(file, "owner", None),
            name=f"{where}[{number}]",
        )
        for number, file in enumerate(files)
    )


def build_quiet_hours(file: QuietHoursFile | None, timezone: str) -> QuietHours | None:
    if file is None:
        return None
    return QuietHours(file.from_, file.to, file.timezone or timezone, file.wake_for)


def dump_route(route: Route) -> dict[str, Any]:
    """`route` of a project file as it is written there."""
    where = {name: list(patterns) for name in SelectorFile.model_fields if (patterns := getattr(route.where, name))}
    mention = {"mention": route.mention} if route.mention else {}
    return {**where, "severity": route.severity.value, "to": list(route.to), **mention}


def dump_quiet_hours(quiet: QuietHours) -> dict[str, Any]:
    return {
        "from": f"{quiet.begin:%H:%M}",
        "to": f"{quiet.end:%H:%M}",
        "timezone": quiet.timezone,
        "wake_for": quiet.wake_for.value,
    }
