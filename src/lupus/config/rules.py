"""Rules in a project file: one pydantic model per kind, made from the kind's own parameter class."""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from functools import cache
from importlib.metadata import entry_points
from typing import Annotated, Any, ClassVar, Final, Literal, get_args, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    create_model,
)

from lupus.config.fields import Name, Names, Number, Patterns, PatternsOrWhole, Period, Text, Whole
from lupus.model import RULE_PARAMETERS, Bound, Severity

_KINDS: Final = tuple(RULE_PARAMETERS)
_PARAMETER_NOTES: Final = {
    (
        "threshold",
        "min",
    ): "The lowest value that is fine, in the metric's unit: a number, or a bound that follows the data.",
    (
        "threshold",
        "max",
    ): "The highest value that is fine, in the metric's unit: a number, or a bound that follows the data.",
    ("recent_average", "window"): "How many intervals before the point give the expectation.",
    ("recent_average", "min_history"): "How many of them must have a value before anything is judged.",
    ("recent_average", "sensitivity"): "Half the width of the band in noise units: larger means fewer alarms.",
    ("recent_average", "direction"): "Which deviations count: both, only up, or only down.",
    ("recent_average", "season_aware"): "Whether the same weekday (or hour) may count for more.",
    ("periodic", "seasons"): "How many weeks (days, when hourly) back the same weekday (hour) is looked at.",
    ("periodic", "monthly"): "Whether the day of the month may explain a value.",
    (
        "periodic",
        "yearly",
    ): "Whether the same week of last year may explain a value; reads more than two years of history.",
    ("periodic", "holidays"): "The country whose holidays are in no baseline: US, DE-BY. Needs the extra `holidays`.",
    ("periodic", "on_holidays"): "expected: holidays are not judged; watched: they are, as ordinary days.",
    ("periodic", "min_history"): "How many intervals must have a value before anything is judged.",
    ("periodic", "sensitivity"): "Half the width of the band in noise units: larger means fewer alarms.",
    ("periodic", "direction"): "Which deviations count: both, only up, or only down.",
    ("trend_change", "recent"): "How many intervals, the newest among them, make the level that is judged.",
    ("trend_change", "window"): "How many intervals before those give the level, slope and spread that are expected.",
    ("trend_change", "sensitivity"): "Half the width of the band in spreads of the window: larger means fewer alarms.",
    ("trend_change", "accept_after"): "For how many intervals a change is told only once; a level that lasts as long "
    "is accepted.",
    ("trend_change", "direction"): "Which changes count: both, only up, or only down.",
    ("flatline", "length"): "The equal values in a row that are too many.",
    ("flatline", "window"): "How many intervals before them tell how often values repeat.",
    ("flatline", "most_repeats"): "The largest share of repeated values among those for a series to be judged.",
    ("sudden_variance", "recent"): "How many intervals, the newest among them, make the spread that is judged.",
    ("sudden_variance", "window"): "How many intervals before those give the spread that is expected.",
    ("sudden_variance", "sensitivity"): "Half the width of the band, in spreads of the logarithm of the spread: larger "
    "means fewer alarms.",
    ("sudden_variance", "accept_after"): "For how many intervals a change is told only once.",
    ("sudden_variance", "direction"): "Which changes count: both, only up (more variance), or only down.",
    ("new_category", "max_share"): "The share of rows that may be new, for ratios; of counts nothing may.",
    ("new_category", "window"): "How many intervals before the point say what is not new any more.",
    ("new_category", "min_history"): "How many of them must have a value before a ratio is judged.",
    ("drift", "limit"): "The effect size that is too much; left out, the customary one of each metric.",
    ("drift", "least"): "The share of the limit that the lower end of the confidence interval must be above.",
    ("drift", "min_rows"): "Values of fewer rows are not judged.",
    ("drift", "false_discoveries"): "The share of false discoveries to allow among all columns of an interval.",
    ("missing", "seasons"): "How many weeks (days, when hourly) back the same weekday (hour) is looked at.",
    ("missing", "regular"): "In what share of them there must have been a value for its absence to be told.",
    ("missing", "least_share"): "The share of the usual rows below which most are missing.",
    ("all", "rules"): "The names of the rules that must all find something.",
    ("all", "same"): "Where all must find something: in the same series, or anywhere in its column, table or project.",
    ("any", "rules"): "The names of the rules of which one must find something.",
    ("for", "rule"): "The name of the rule that must find something again and again.",
    ("for", "n"): "At how many intervals.",
    ("for", "of"): "Among how many, the newest of them included.",
    ("validity", "tolerance"): "How far outside of what is possible a value may be, for sums that were rounded.",
}


class SelectorFile(BaseModel):
    """Which series are meant: by one shell pattern or a list of them, or any when left out.

    One of the list must match. A pattern in quotes that begins with ! excludes: ["*", "!p0*"], or "!p0*" alone, is
    everything but p01 and p05. "" is the whole table, "!" everything but it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Patterns | None = Field(
        default=None,
        description="Metric group: input, target, prediction, evaluation, training, business, software, validation, "
        "or a group of your own.",
        examples=["evaluation"],
    )
    table: Patterns | None = Field(default=None, description="Name of a table of this project.", examples=["data"])
    column: PatternsOrWhole | None = Field(
        default=None, description='Column; "" for metrics of the whole table.', examples=["p_*"]
    )
    metric: Patterns | None = Field(
        default=None, description="Metric name.", examples=["null_ratio", ["rows", "share:*"], ["*", "!p0*"]]
    )
    segment: PatternsOrWhole | None = Field(
        default=None, description='Segment like origin=JFK; "" for the whole table.', examples=["", "origin=*"]
    )


class RuleFile(BaseModel):
    """What every rule has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Text = Field(
        description=f"Which rule: {', '.join(_KINDS)}, or one that an installed package adds. "
        "May be left out when the rule's name is a kind."
    )
    where: SelectorFile = Field(
        default=SelectorFile(),
        description="The series that the rule judges. Left out: those of the default rule that it replaces, else all.",
    )
    severity: Severity | None = Field(default=None, description="Severity of its findings, in place of the rule's own.")


class OtherRule(RuleFile):
    """A rule of a kind that an installed package adds; its parameters are the package's own."""

    model_config = ConfigDict(
        extra="allow", frozen=True, json_schema_extra={"properties": {"kind": {"not": {"enum": list(_KINDS)}}}}
    )


class BoundFile(BaseModel):
    """A bound that follows the data: another metric, or a reference of the series itself.

    ``{metric: rows, table: data, factor: 1.2}``, ``{reference: first, intervals: 28}``, ``{reference: [2026-01-01,
    2026-02-28], factor: 0.95}``.
    """

    tag: ClassVar = "<bound>"

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Text | None = Field(default=None, description="The metric that gives the bound.", examples=["rows"])
    table: Text | None = Field(default=None, description="Its table; left out, that of the judged series.")
    column: str | None = Field(
        default=None, description="Its column; left out, that of the judged series, or none in another table."
    )
    segment: str | None = Field(default=None, description="Its segment; left out, that of the judged series.")
    latest: bool = Field(
        default=False, description="Whether its newest value counts, however old; else that of the same interval does."
    )
    reference: Period | None = Field(
        default=None,
        description="first: the mean of the series' first intervals; [first day, last day]: its mean over those days, "
        "such as the ones that the model was trained on.",
        examples=["first", ["2026-01-01", "2026-02-28"]],
    )
    intervals: Annotated[Whole, Field(ge=1)] = Field(
        default=28, description="How many of the first intervals make the reference."
    )
    factor: Number = Field(default=1.0, description="The bound is so many times that.", examples=[1.2])
    plus: Number = Field(default=0.0, description="And so much more, in the judged metric's unit.", examples=[-0.02])


def _bound_tag(value: object) -> str:
    return "<bound>" if isinstance(value, dict | BoundFile) else "<number>"


_Limit = Annotated[Annotated[Number, Tag("<number>")] | Annotated[BoundFile, Tag("<bound>")], Discriminator(_bound_tag)]


def _checked(hint: Any) -> Any:
    """Numbers in a file are strict where Python's are not: no truth values, no infinities."""
    own = {int: Whole, float: Number, float | None: Number, float | Bound | None: _Limit, tuple[str, ...]: Names}
    return own.get(hint, hint)


def _rule_model(kind: str, parameters: type) -> type[RuleFile]:
    hints = get_type_hints(parameters)
    note = (parameters.__doc__ or kind).split("\n\n")[0]
    members: dict[str, Any] = {
        "kind": (Literal[kind], Field(kind, description=RuleFile.model_fields["kind"].description))
    }
    for parameter in fields(parameters):
        default = ... if parameter.default is MISSING else parameter.default
        description = _PARAMETER_NOTES.get((kind, parameter.name), note)
        members[parameter.name] = (_checked(hints[parameter.name]), Field(default, description=description))
    name = "".join(word.capitalize() for word in kind.split("_")) + "Rule"
    model: type[RuleFile] = create_model(name, __base__=RuleFile, __doc__=note, **members)
    return model


RULE_MODELS: Final = {kind: _rule_model(kind, parameters) for kind, parameters in RULE_PARAMETERS.items()}


def parameter_problem(kind: str, name: str, value: object) -> str:
    """What is wrong with `value` for a parameter of a built-in kind; empty where nothing is.

    >>> parameter_problem("threshold", "max", "many")
    'Input should be a valid number, unable to parse string as a number'
    """
    hint = get_type_hints(RULE_PARAMETERS[kind])[name]
    if value is None and type(None) in get_args(hint):
        return ""  # what need not be given can be taken away
    try:
        TypeAdapter(_checked(hint)).validate_python(value)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return ""


def _tag(value: object) -> str:
    if value is False:
        return "<off>"
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"<{kind}>" if isinstance(kind, str) and kind in RULE_MODELS else "<other>"


def _with_kinds(rules: object) -> object:
    """A rule whose name is a kind need not say so again."""
    if not isinstance(rules, dict):
        return rules
    return {
        name: {"kind": name, **rule} if isinstance(rule, dict) and name in RULE_MODELS else rule
        for name, rule in rules.items()
    }


_Rule: Any = Annotated[Literal[False], Tag("<off>"), Field(description="Removes a default rule.")]
for _kind, _model in (*RULE_MODELS.items(), ("other", OtherRule)):
    _Rule = _Rule | Annotated[_model, Tag(f"<{_kind}>")]
Rules = Annotated[dict[Name, Annotated[_Rule, Discriminator(_tag)]], BeforeValidator(_with_kinds)]


@cache
def installed_kinds() -> frozenset[str]:
    """The rule kinds that installed packages add under the entry point group ``lupus.rules``."""
    return frozenset(sys.intern(point.name) for point in entry_points(group="lupus.rules")) - set(_KINDS)
