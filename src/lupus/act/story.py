"""What there is to tell about an incident: plain facts, the same for every sink, before any of them formats it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final
from urllib.parse import quote

from lupus.act.ranking import Cause, causes, is_validation, metric_phrase, series_phrase
from lupus.act.text import shorten
from lupus.model import (
    WHOLE,
    Finding,
    Incident,
    Interval,
    Project,
    Reason,
    Series,
    SeriesKey,
    Status,
    Verdict,
)
from lupus.model.units import format_value

MOST_ITEMS: Final = 12
"""So many causes are told one by one (the worst three in the message itself), the others are counted."""

_MOST_CHECKS: Final = 5
_NAME: Final = 120
_SENTENCE: Final = 400
_NO_LEVELS: Final[Mapping[SeriesKey, float]] = {}


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses: `run_url` of the Airflow run, `ui_url` of the server that shows Lupus. Empty: no link."""

    run_url: str = ""
    ui_url: str = ""

    def incident_url(self, incident: str) -> str:
        """The page of an incident in the Web UI, or "" when there is no UI to link to."""
        return self._page(f"incidents/{quote(incident, safe='')}")

    def series_url(self, project: str, key: SeriesKey) -> str:
        """The page of a series, with its chart."""
        return self._page(f"p/{quote(project.encode('utf-8', 'surrogatepass'), safe='')}/m/{key.id:016x}")

    def _page(self, path: str) -> str:
        return f"{self.ui_url.rstrip('/')}/plugin/lupus/{path}" if self.ui_url else ""


@dataclass(frozen=True, slots=True)
class Item:
    """One cause: its worst series with value and expectation, and in `small` what else is known of it.

    `series` is ``[table, column, metric, segment]``.
    """

    name: str
    value: str
    expected: str
    small: tuple[str, ...]
    series: tuple[str, str, str, str]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A notice in facts. All texts are plain (nothing is escaped) and bounded, whatever the data holds.

    `text` is all of it in one line. `at` and `since` are keys of intervals. `facts` are short phrases (how many series,
    how long), `items` the worst causes, `rest` counts the others, `checks` are expectations that were not met,
    `because` names a likely cause elsewhere. `mention` is what the route says. `clear` says that it is over.
    """

    text: str
    project: str
    incident: str
    title: str
    reason: str
    severity: str
    at: str
    owner: str = ""
    since: str = ""
    clear: bool = False
    facts: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    rest: str = ""
    checks: tuple[str, ...] = ()
    because: str = ""
    mention: str = ""
    incident_url: str = ""
    run_url: str = ""
    retrain: bool = False

    def as_message(self) -> dict[str, Any]:
        """As JSON holds it: what a `Notice` keeps."""
        return asdict(self)


def story_of(message: Mapping[str, Any]) -> Story | None:
    """The story that a notice keeps; None where it is a bare ``{"text": ...}``."""
    if "incident" not in message:
        return None
    known = {one.name for one in fields(Story)}
    items = tuple(
        Item(**{**item, "small": tuple(item["small"]), "series": tuple(item["series"])})
        for item in message.get("items", ())
    )
    lists = {name: tuple(message.get(name, ())) for name in ("facts", "checks")}
    return Story(**{**{name: value for name, value in message.items() if name in known}, **lists, "items": items})


def tell(
    project: Project,
    incident: Incident,
    interval: Interval,
    reason: Reason,
    *,
    series: Mapping[SeriesKey, Series],
    links: Links,
    because: str = "",
    mention: str = "",
    levels: Mapping[SeriesKey, float] = _NO_LEVELS,
) -> Story:
    """What the run of `interval` means for `incident`. Details are of the findings of that run.

    When that run found nothing (it is over), they are of all runs. `because` is a sentence about a cause elsewhere.
    `levels` are the newest values: what is over because the new level is taken as normal is not said to be back.
    """
    now = [finding for finding in incident.findings if finding.found.start == interval.start]
    clear = reason is Reason.RESOLVED or not now
    shown = now if not clear else list(incident.findings)
    checked = [finding for finding in shown if is_validation(finding.verdict.series, series)]
    groups = causes([finding for finding in shown if not is_validation(finding.verdict.series, series)])
    return Story(
        text=one_line(project, incident, reason),
        project=shorten(project.name, _NAME),
        incident=incident.id,
        title=shorten(incident.title, 300),
        reason=reason.value,
        severity=incident.severity.value,
        at=shorten(interval.key, 40),
        owner=shorten(project.owner, _NAME),
        since=shorten(incident.first.key, 40),
        clear=clear,
        facts=tuple(_over(project, incident, series, levels) if clear else _facts(incident, now)),
        items=tuple(_item(project, cause, interval, series, links) for cause in groups[:MOST_ITEMS]),
        rest=_rest(groups[MOST_ITEMS:]),
        checks=tuple(_checks(checked)),
        because=shorten(because, _SENTENCE),
        mention=mention,
        incident_url=links.incident_url(incident.id),
        run_url=links.run_url,
        retrain=project.retrain is not None,
    )


def one_line(project: Project, incident: Incident, reason: Reason) -> str:
    """The message in one plain line, for notifications and lists."""
    news = NEWS.get(reason.value, "")
    return f"{shorten(project.name, _NAME)}: {f'{news}: ' if news else ''}{shorten(incident.title, 300)}"


NEWS: Final = {
    "worse": "got worse",
    "grew": "grew",
    "reopened": "is back",
    "reminder": "still open",
    "resolved": "resolved",
    "repeat": "still open",
    "acknowledged": "still open",
}
"""What a message says of itself by its reason, where the incident is not new."""


def _facts(incident: Incident, now: Sequence[Finding]) -> list[str]:
    keys = {finding.verdict.series for finding in now}
    tables = sorted({key.table for key in keys})
    where = shorten(tables[0], _NAME) if len(tables) == 1 else count(len(tables), "table")
    runs = len({finding.found for finding in incident.findings})
    facts = [f"{count(len(keys), 'series', 'series')} in {where}"]
    if runs > 1:
        facts.append(f"{runs:,} runs with findings")
    return facts


def _over(
    project: Project, incident: Incident, series: Mapping[SeriesKey, Series], levels: Mapping[SeriesKey, float]
) -> list[str]:
    clean = max(1, project.alerts.resolve_after)
    runs = len({finding.found for finding in incident.findings})
    facts = [f"no findings in {count(clean, 'run')}", *_not_back(incident, series, levels)]
    if incident.first == incident.last:
        facts.append(f"seen at {shorten(incident.first.key, 40)} only")
    else:
        span = f"lasted from {shorten(incident.first.key, 40)} to {shorten(incident.last.key, 40)}"
        facts.append(f"{span} ({count(runs, 'run')} with findings)")
    return [*facts, f"{incident.severity} at its worst"]


def _not_back(
    incident: Incident, series: Mapping[SeriesKey, Series], levels: Mapping[SeriesKey, float]
) -> Iterator[str]:
    """What is still outside the band in which it was expected when it was first found, the worst of it by name."""
    first: dict[SeriesKey, Verdict] = {}
    for finding in incident.findings:
        first.setdefault(finding.verdict.series, finding.verdict)
    away = [one for key, one in first.items() if key in levels and _outside(levels[key], one)]
    if not away:
        return
    worst = max(away, key=lambda one: one.score or 0.0)
    known = series.get(worst.series)
    unit = known.unit if known else ""
    stays = format_value(levels[worst.series], unit)
    also = f", and {count(len(away) - 1, 'more series', 'more series')}" if len(away) > 1 else ""
    yield (
        f"not back: {shorten(series_phrase(worst, series), _NAME)} is {shorten(stays, 100)}, before "
        f"{_expected(worst, unit)}{also}; the new level is taken as normal"
    )


def _outside(value: float, verdict: Verdict) -> bool:
    return (verdict.lower is not None and value < verdict.lower) or (
        verdict.upper is not None and value > verdict.upper
    )


def _item(project: Project, cause: Cause, interval: Interval, series: Mapping[SeriesKey, Series], links: Links) -> Item:
    verdict = cause.worst.verdict
    key = verdict.series
    known = series.get(key)
    unit = known.unit if known else ""
    if verdict.value is not None:
        value = shorten(format_value(verdict.value, unit), 100)
    else:
        value = "" if verdict.status is Status.NO_DATA else "no value"
    about = f"about {shorten(verdict.interval.key, 40)}" if verdict.interval.start != interval.start else ""
    small = (shorten(verdict.sentence, _SENTENCE), about, _why(cause), _others(cause))
    return Item(
        name=shorten(series_phrase(verdict, series), _NAME * 2),
        value=value,
        expected=_expected(verdict, unit) if verdict.value is not None else "",
        small=tuple(filter(None, small)),
        series=(key.table, key.column, key.metric, key.segment),
        url=links.series_url(project.name, key),
    )


def _expected(verdict: Verdict, unit: str) -> str:
    lower, upper = (
        shorten(format_value(bound, unit), 100) if bound is not None else "" for bound in (verdict.lower, verdict.upper)
    )
    if lower and upper:
        return f"{lower} – {upper}" if lower != upper else lower
    if lower:
        return f"at least {lower}"
    if upper:
        return f"at most {upper}"
    return f"about {shorten(format_value(verdict.expected, unit), 100)}" if verdict.expected is not None else ""


def _why(cause: Cause) -> str:
    """The segment that made most of it: of the worst finding that has one, named where it is not the one that leads."""
    for finding in cause.findings:
        verdict = finding.verdict
        if verdict.why:
            of = "" if finding is cause.worst else f"{metric_phrase(verdict.series.metric)} "
            return shorten(of + verdict.why, _NAME * 2)
    return ""


def _others(cause: Cause) -> str:
    """`and 18 segments, 2 other metrics`: what else broke in the same column."""
    lead = cause.worst.verdict.series
    parts = []
    segments = cause.segments - (lead.segment != WHOLE)
    if segments:
        parts.append(count(segments, "more segment" if lead.segment else "segment"))
    if cause.metrics > 1:
        parts.append(count(cause.metrics - 1, "other metric"))
    return f"and {', '.join(parts)}" if parts else ""


def _rest(rest: Sequence[Cause]) -> str:
    """`and 12 more series: data (8 in 3 columns), prediction (4 in 1 column)`."""
    if not rest:
        return ""
    series_of: Counter[str] = Counter()
    columns_of: Counter[str] = Counter()
    for cause in rest:
        series_of[cause.table] += len(cause.findings)
        columns_of[cause.table] += 1
    tables = series_of.most_common()
    shown = [
        f"{shorten(table, _NAME)} ({number:,} in {count(columns_of[table], 'column')})" for table, number in tables[:5]
    ]
    more = f", {count(len(tables) - 5, 'more table')}" if len(tables) > 5 else ""
    return f"and {count(sum(series_of.values()), 'more series', 'more series')}: {', '.join(shown)}{more}"


def _checks(failed: Sequence[Finding]) -> list[str]:
    """Failed expectations, which are checks that people wrote, apart from what rules found."""
    members = [finding for cause in causes(failed) for finding in cause.findings]
    lines = []
    for finding in members[:_MOST_CHECKS]:
        key = finding.verdict.series
        of = f"{key.table}.{key.column}" if key.column else key.table
        said = finding.verdict.sentence or metric_phrase(key.metric)
        lines.append(f"{shorten(of, _NAME)}: {shorten(said, _SENTENCE)}")
    if len(members) > _MOST_CHECKS:
        lines.append(f"and {count(len(members) - _MOST_CHECKS, 'more')}")
    return lines


def count(number: int, one: str, many: str = "") -> str:
    """`1 run`, `1,200 runs`."""
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {many or (one if one == 'more' else one + 's')}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What has become of an incident by now. `state` is the incident's, or ``withdrawn`` when it is gone.

    `awaiting` says that a retraining waits for somebody's approval. `into` is the id of the incident that one which is
    gone belongs to now, "" when its findings are no more.
    """

    state: str = "open"
    by: str = ""
    until: str = ""
    outcome: str = ""
    judged_by: str = ""
    assignee: str = ""
    comment: str = ""
    awaiting: bool = False
    into: str = ""
