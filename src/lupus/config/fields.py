"""The scalar types of a project file: durations, times, zones, cadences, names.

A refusal is a `PydanticCustomError` whose message is said *of* the value ("is no duration"); the value itself
is put in front by `lupus.config.explain`, which knows whether it may be shown. The context has a `hint`, and a
`suggestion` when something near exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, NoReturn
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, PlainValidator, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from lupus.model import CadenceKind

NAME_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,63}$"
COLUMN_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
DAG_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,250}$"
LEVEL_PATTERN: Final = r"^0\.\d{0,3}[1-9]$"
CALLABLE_PATTERN: Final = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
PATTERN_HINTS: Final = {
    NAME_PATTERN: "use up to 64 lower-case letters, digits, - and _, beginning with a letter",
    LEVEL_PATTERN: "a quantile's level is between 0 and 1, of at most four digits, like 0.9",
    COLUMN_PATTERN: "use up to 128 letters, digits and _, not beginning with a digit",
    DAG_PATTERN: "a Dag's id is made of letters, digits, '_', '.' and '-'",
    CALLABLE_PATTERN: "write module:function, like my_product.sources:read_orders",
}
DURATION_HINT: Final = "write numbers with units w, d, h, m or s, like 3d or 1d12h"
_DURATION = re.compile(r"(\d{1,6})([wdhms])")
_DURATION_FORM: Final = r"^(\d{1,6}[wdhms])+$"
_UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_LONGEST: Final = timedelta(days=3660)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_CRON = re.compile(r"[0-9A-Za-z*/,#?-]+(?: +[0-9A-Za-z*/,#?-]+){4}")
_YEARS: Final = range(1970, 2200)


def refuse(message: str, hint: str, suggestion: str | None = None) -> NoReturn:
    """Refuse a value: `message` is said of it, as in "is no duration"."""
    raise PydanticCustomError("lupus", "{message}", {"message": message, "hint": hint, "suggestion": suggestion or ""})


def closest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` most like `word`, or None when nothing is near.

    >>> closest("scroe", ["key", "score", "label"])
    'score'
    """
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def parse_duration(value: object) -> timedelta:
    """``3d``, ``12h``, ``1d12h`` as a duration."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(_DURATION_FORM, value):
        refuse("is no duration", DURATION_HINT)
    parts = _DURATION.findall(value)
    duration = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if duration > _LONGEST:
        refuse("is longer than ten years", "write a shorter duration")
    return duration


def format_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads as `duration` (whole seconds).

    >>> format_duration(timedelta(days=1, hours=12))
    '1d12h'
    """
    seconds = int(duration.total_seconds())
    text = ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        text += f"{number}{unit}" if number else ""
    return text or "0d"


def parse_clock(value: object) -> time:
    """``09:00`` as a time of day."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        refuse("is no time of day", "write hours and minutes, like 09:00")
    return time(int(match[1]), int(match[2]))


def parse_instant(value: object) -> date:
    """A date, or a date with time."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, date):
        refuse("is no date", "write it like 2026-01-31, or with a time like 2026-01-31T06:00")
    if value.year not in _YEARS:
        refuse("is out of range", f"the year must be from {_YEARS.start} to {_YEARS.stop - 1}")
    return value


def parse_period(value: object) -> str | tuple[str, str]:
    """``first``, or the first and the last day of a period."""
    if value == "first":
        return "first"
    if not isinstance(value, list | tuple) or len(value) != 2:
        hint = "write first, or the first and the last day, like [2026-01-01, 2026-02-28]"
        refuse("is no reference", hint, closest(value, ["first"]) if isinstance(value, str) else None)
    days = [day.date() if isinstance(day, datetime) else day for day in map(parse_instant, value)]
    if days[0] > days[1]:
        refuse("ends before it begins", "write the first day, then the last")
    return days[0].isoformat(), days[1].isoformat()


def parse_zone(value: object) -> str:
    """The name of an IANA time zone."""
    if not isinstance(value, str) or not value:
        refuse("is no time zone", "write an IANA name like Europe/Berlin, or UTC")
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        hint = "write an IANA name like Europe/Berlin, or UTC"
        refuse("is no time zone", hint, closest(value, available_timezones()))
    return value


def parse_cadence(value: object) -> tuple[CadenceKind, str]:
    """A cadence's kind and, for cron, its expression."""
    named = [kind.value for kind in CadenceKind if kind is not CadenceKind.CRON]
    hint = f'write {", ".join(named)}, or a cron expression of five fields like "0 6 * * 1-5"'
    if isinstance(value, dict) and set(value) == {"cron"}:
        value = value["cron"]
    elif isinstance(value, str) and value in named:
        return CadenceKind(value), ""
    if not isinstance(value, str):
        refuse("is no cadence", hint)
    if " " not in value.strip():
        refuse("is no cadence", hint, closest(value, named))
    _check_cron(value)
    return CadenceKind.CRON, value


def _check_cron(expression: str) -> None:
    # Random (R) and hashed (H) fields would give other intervals at every parse; seconds are finer than a schedule.
    randomised = re.search(r"(?:^|[ ,])[RHrh](?:[ ,/(]|$)", expression)
    if randomised or not _CRON.fullmatch(expression) or not croniter.is_valid(expression):
        refuse(
            "is no cron expression",
            'write five fields: minute, hour, day of month, month, day of week, like "0 6 * * 1-5"',
        )
    try:
        croniter(expression, datetime(2026, 1, 1)).get_next()  # noqa: DTZ001 - only whether there is one
    except (ValueError, KeyError):
        refuse("is a cron expression that never fires", "check its day and month")


def listed(value: object) -> object:
    """A list of one may be written without brackets."""
    return [value] if isinstance(value, str) else value


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that names something twice."""
    for index, name in enumerate(names):
        if name in names[:index]:
            refuse("names something twice", "name each once")
    return names


def _crossed(columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(columns) not in (1, 2):
        refuse("is neither one column nor two", "write a column, or two that are crossed, like [country, device]")
    return distinct(columns)


def columns_of(segment: str | tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a segment, which is written as one name, or as a list of one or two."""
    return (segment,) if isinstance(segment, str) else segment


def _distinct_segments(segments: tuple[str | tuple[str, ...], ...]) -> tuple[str | tuple[str, ...], ...]:
    crossed = [frozenset(columns_of(segment)) for segment in segments]
    if len(set(crossed)) < len(crossed):
        refuse("names something twice", "name each column, and each two columns, once")
    return segments


def _patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    if not patterns:
        refuse("has no pattern, so nothing would be meant", "name at least one, or remove the line, for any")
    return distinct(patterns)


def _excludes_something(pattern: str) -> str:
    if pattern == "!":
        refuse("excludes nothing", 'write the pattern after it, in quotes, like "!p0*"')
    return pattern


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        refuse("is a truth value, not a number", "write a number")
    return value


def _relative_suite(value: str) -> str:
    parts = value.replace("\\", "/").split("/")
    if value.startswith("/") or ".." in parts or not value.endswith(".json"):
        refuse("is no suite below the expectations folder", "write a path like flights/data.json")
    return value


def _one_number(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def _distinct_numbers(values: tuple[int, ...]) -> tuple[int, ...]:
    if not values or len(set(values)) < len(values):
        refuse("needs at least one length, each once", "write one like 10, or several like [5, 10]")
    return values


def _increasing(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(left >= right for left, right in pairwise(values)):
        refuse("is not in increasing order", "write the quantiles from small to large, each once")
    return values


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        refuse(f"is no regular expression: {error}", "write it in quotes, and a backslash before a sign that is meant")
    return value


def _read(parse: Callable[[Any], Any], **schema: Any) -> PlainValidator:
    return PlainValidator(parse, json_schema_input_type=Annotated[str, Field(**schema)])


Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Pattern = Annotated[Text, AfterValidator(_expression)]
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Level = Annotated[str, StringConstraints(pattern=LEVEL_PATTERN)]
ColumnName = Annotated[str, StringConstraints(pattern=COLUMN_PATTERN)]
DagId = Annotated[str, StringConstraints(pattern=DAG_PATTERN)]
Callable_ = Annotated[str, StringConstraints(pattern=CALLABLE_PATTERN)]
Names = Annotated[
    tuple[Text, ...],
    BeforeValidator(listed, json_schema_input_type=Text | tuple[Text, ...]),
    AfterValidator(distinct),
]
# "" is the whole table, where there may be one; "!" then is everything but it.
PatternsOrWhole = Annotated[
    tuple[str, ...],
    BeforeValidator(listed, json_schema_input_type=str | Annotated[tuple[str, ...], Field(min_length=1)]),
    AfterValidator(_patterns),
]
_Pattern = Annotated[Text, AfterValidator(_excludes_something)]
Patterns = Annotated[
    tuple[_Pattern, ...],
    BeforeValidator(listed, json_schema_input_type=Text | Annotated[tuple[Text, ...], Field(min_length=1)]),
    AfterValidator(_patterns),
]
_Segment = Annotated[
    Annotated[Text, Tag("<column>")]
    | Annotated[
        tuple[Text, ...],
        AfterValidator(_crossed),
        Field(json_schema_extra={"minItems": 1, "maxItems": 2}),
        Tag("<columns>"),
    ],
    Discriminator(lambda value: "<columns>" if isinstance(value, list | tuple) else "<column>"),
]
Segments = Annotated[
    tuple[_Segment, ...],
    BeforeValidator(listed, json_schema_input_type=Text | tuple[_Segment, ...]),
    AfterValidator(_distinct_segments),
]
Whole = Annotated[int, BeforeValidator(_no_truth_value)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_no_truth_value)]
Duration = Annotated[timedelta, _read(parse_duration, pattern=_DURATION_FORM, examples=["3d", "12h", "1d12h"])]
Clock = Annotated[time, _read(parse_clock, pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$", examples=["09:00"])]
Instant = Annotated[date, _read(parse_instant, examples=["2026-01-31", "2026-01-31T06:00"])]
Period = Annotated[
    str | tuple[str, str],
    PlainValidator(
        parse_period,
        json_schema_input_type=Literal["first"] | Annotated[tuple[str, ...], Field(min_length=2, max_length=2)],
    ),
]
Zone = Annotated[str, _read(parse_zone, examples=["UTC", "Europe/Berlin", "Asia/Tokyo"])]
SuitePath = Annotated[Text, AfterValidator(_relative_suite)]
CutOffs = Annotated[
    tuple[Annotated[Whole, Field(ge=1, le=1000)], ...],
    BeforeValidator(_one_number, json_schema_input_type=int | tuple[int, ...]),
    AfterValidator(_distinct_numbers),
]
Quantiles = Annotated[tuple[Annotated[Number, Field(gt=0, lt=1)], ...], AfterValidator(_increasing)]
