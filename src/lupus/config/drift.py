"""The part of a project file that says what is compared with the past: shape, checks, and both ways."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from lupus.config.document import Document, Path
from lupus.config.fields import Instant, Patterns, Whole, closest, distinct, listed, refuse
from lupus.config.times import bounds, written
from lupus.model import Baseline, Distance, DriftPolicy, segment_parts

_POLICY: Final = DriftPolicy()
_NAMES: Final = tuple(str(baseline) for baseline in Baseline)
_LONGEST: Final = 1000


def _against(value: object) -> str:
    """The name of a baseline, or a segment like country=JP."""
    hint = f"write {', '.join(_NAMES)}, or a segment like country=JP"
    if not isinstance(value, str):
        refuse("is no baseline", hint)
    if value not in _NAMES and not segment_parts(value):
        refuse("is no baseline", hint, closest(value, _NAMES))
    return value


_Against = Annotated[
    str,
    PlainValidator(_against, json_schema_input_type=Annotated[str, Field(pattern=f"^({'|'.join(_NAMES)}|[^=]+=.*)$")]),
]


class ReferenceFile(BaseModel):
    """Which intervals are the reference: a number of them, or all to a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_: Instant | None = Field(
        default=None,
        alias="from",
        description="The first day (or time) of the reference. Left out: for each column the interval in which it was "
        "measured first.",
    )
    to: Instant | None = Field(default=None, description="The last day of it, included; a time is excluded.")
    intervals: Whole = Field(
        default=_POLICY.intervals, ge=1, le=_LONGEST, description="How many intervals it has where there is no to."
    )


class DriftFile(BaseModel):
    """How far the rows of an interval are from others, column by column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: Annotated[
        tuple[Distance, ...],
        BeforeValidator(listed, json_schema_input_type=Distance | tuple[Distance, ...]),
        AfterValidator(distinct),
    ] = Field(
        default=_POLICY.metrics, description="The distances that are measured; [] for none.", examples=[["js", "psi"]]
    )
    against: Annotated[
        tuple[_Against, ...],
        BeforeValidator(listed, json_schema_input_type=_Against | tuple[_Against, ...]),
        AfterValidator(distinct),
    ] = Field(
        default=_POLICY.against,
        description="What the rows are compared with: reference, trailing, weekday, or a segment like country=JP that "
        "the others are compared with.",
        examples=[["reference", "trailing"]],
    )
    reference: ReferenceFile = Field(default=ReferenceFile(), description="The intervals of the reference.")
    trailing: Whole = Field(
        default=_POLICY.trailing, ge=1, le=_LONGEST, description="Intervals of the trailing window."
    )
    weeks: Whole = Field(
        default=_POLICY.weeks, ge=1, le=_LONGEST, description="Weeks of which the same weekday (and hour) is taken."
    )
    columns: Patterns = Field(default=_POLICY.columns, description="Shell patterns of the columns that are compared.")
    min_rows: Whole = Field(
        default=_POLICY.min_rows, ge=1, description="Rows on either side below which a column is not compared."
    )
    bins: Whole = Field(
        default=_POLICY.bins, ge=2, le=200, description="Bins of about equal mass that divergences are taken over."
    )


def policy_of(file: DriftFile, timezone: str) -> DriftPolicy:
    """The policy that `file` describes."""
    first, last = _range(file.reference, timezone)
    plain = ("metrics", "against", "trailing", "weeks", "columns", "min_rows", "bins")
    return DriftPolicy(
        first=first, last=last, intervals=file.reference.intervals, **{name: getattr(file, name) for name in plain}
    )


def _range(file: ReferenceFile, timezone: str) -> tuple[datetime | None, datetime | None]:
    if file.from_ is None and file.to is None:
        return None, None
    either: date = file.from_ or file.to or date.min
    first, last = bounds(either, file.to, timezone)
    return (None if file.from_ is None else first), last


def check_drift(
    file: DriftFile,
    segments: set[str],
    start: datetime | None,
    timezone: str,
    document: Document,
    *,
    segment_states: bool,
) -> None:
    """Report where `file` cannot be meant: `segments` are the columns that the project measures separately, `start`
    its first instant (None when it is not known).
    """
    path: Path = ("metrics", "drift")
    for index, against in enumerate(file.against):
        parts = () if against in _NAMES else segment_parts(against)
        for column, _ in parts:
            if column not in segments:
                near = None if document.is_secret((*path, "against")) else closest(column, segments)
                shown = document.shown((*path, "against"), column)
                hint = f"did you mean {near!r}?" if near else "add it to the project's segments"
                document.report((*path, "against", index), f"{shown} is none of the project's segments", hint)
        if parts and not segment_states:
            hint = "add segment_states: true to metrics"
            document.report((*path, "against", index), "a segment is a baseline only where its States are kept", hint)
    reference = file.reference
    if reference.to is not None and reference.from_ is None:
        hint = "add from: the first day of the reference"
        document.report((*path, "reference", "to"), "the reference has an end and no beginning", hint, at_key=True)
        return
    first, last = _range(reference, timezone)
    if first is not None and last is not None and last <= first:
        document.report((*path, "reference", "to"), "the reference ends before it begins", "to is its last day")
    elif first is not None and start is not None and first < start:
        hint = "nothing is measured before the project's start: let start be earlier, or from later"
        document.report((*path, "reference", "from"), "the reference begins before the project starts", hint)


def tree_of(policy: DriftPolicy, timezone: str) -> dict[str, Any]:
    """`policy` as it stands in a file."""
    reference: dict[str, Any] = {"intervals": policy.intervals}
    if policy.first is not None:
        reference["from"] = written(policy.first, timezone)
    if policy.last is not None:
        reference["to"] = written(policy.last, timezone, last_day=True)
    return {
        "metrics": [str(metric) for metric in policy.metrics],
        "against": [str(against) for against in policy.against],
        "reference": reference,
        "trailing": policy.trailing,
        "weeks": policy.weeks,
        "columns": list(policy.columns),
        "min_rows": policy.min_rows,
        "bins": policy.bins,
    }
