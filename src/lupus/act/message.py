"""An incident as a Slack message: what, since when, how bad, the worst first, and nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from lupus.act.ranking import Cause, causes, is_validation, metric_phrase, series_phrase
from lupus.act.text import escape, link, mention
from lupus.model import (
    WHOLE,
    Finding,
    Incident,
    Interval,
    Project,
    Reason,
    Series,
    SeriesKey,
    Severity,
    Status,
    Verdict,
)
from lupus.model.units import format_value

# The lengths are chosen so that no message can come near Slack's limits (50 blocks, 3,000 characters a text,
# 150 a header, 10 elements a context): at most 5 causes of 2 blocks, and 6 blocks around them.
_MOST_CAUSES: Final = 5
_MOST_EXPECTATIONS: Final = 5
_HEADER: Final = 150
_NAME: Final = 120
_SENTENCE: Final = 400

_EMOJI: Final = {Severity.LOW: "🟡", Severity.MEDIUM: "🟠", Severity.HIGH: "🔴", Severity.CRITICAL: "🚨"}
_RESOLVED: Final = "✅"
_NEWS: Final = {Reason.WORSE: "got worse", Reason.GREW: "grew"}


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses for the message: `run_url` of the Airflow run, `ui_url` of the Lupus UI's root. Empty: no link."""

    run_url: str = ""
    ui_url: str = ""

    def incident_url(self, incident: Incident) -> str:
        """The page of `incident` in the UI, or "" when there is no UI to link to."""
        return f"{self.ui_url.rstrip('/')}/incidents/{quote(incident.id, safe='')}" if self.ui_url else ""


def render_slack(
    project: Project,
    incident: Incident,
    interval: Interval,
    reason: Reason,
    *,
    series: Mapping[SeriesKey, Series],
    links: Links,
) -> dict[str, Any]:
    """The message about what the run of `interval` means for `incident`: ``{"text": ..., "blocks": [...]}``.

    Details are of the findings of that run. All names and sentences come from data and project files, and are
    escaped; only the mention of the Slack route is not, and it is checked.
    """
    now = [finding for finding in incident.findings if finding.found.start == interval.start]
    blocks = [_header(project, incident, reason)]
    if reason is Reason.RESOLVED or not now:
        blocks.append(_section(_resolved_lines(project, incident)))
    else:
        blocks.append(_section(_summary_lines(project, incident, now, reason)))
        blocks.extend(_cause_blocks(interval, now, series))
        blocks.extend(_validation_blocks(now, series))
    blocks.append(_context(_footer(project, incident, links)))
    return {"text": one_line(project, incident, reason), "blocks": blocks}


def one_line(project: Project, incident: Incident, reason: Reason) -> str:
    """The message in one escaped line, for notifications and lists."""
    if reason is Reason.RESOLVED:
        return f"{_RESOLVED} {escape(project.name, _NAME)}: resolved: {escape(incident.title, 300)}"
    news = f" ({_NEWS[reason]})" if reason in _NEWS else ""
    return f"{_EMOJI[incident.severity]} {escape(project.name, _NAME)}: {escape(incident.title, 300)}{news}"


def _header(project: Project, incident: Incident, reason: Reason) -> dict[str, Any]:
    emoji = _RESOLVED if reason is Reason.RESOLVED else _EMOJI[incident.severity]
    said = "resolved: " if reason is Reason.RESOLVED else ""
    text = escape(f"{emoji} {project.name}: {said}{incident.title}", _HEADER)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _summary_lines(project: Project, incident: Incident, now: Sequence[Finding], reason: Reason) -> list[str]:
    keys = {finding.verdict.series for finding in now}
    tables = sorted({key.table for key in keys})
    where = escape(tables[0], _NAME) if len(tables) == 1 else _count(len(tables), "table")
    facts = [f"*{incident.severity.capitalize()}*", f"{_count(len(keys), 'series', 'series')} in {where}"]
    if reason is Reason.FIRST:
        facts.append(f"new at {escape(incident.first.key, 40)}")
    else:
        facts.append(f"{_NEWS.get(reason, 'still open')} at {escape(now[0].found.key, 40)}")
        facts.append(f"open since {escape(incident.first.key, 40)}")
    line = " · ".join(facts)
    route = project.alerts.slack
    called = mention(route.mention) if route and route.mention and reason in (Reason.FIRST, Reason.WORSE) else ""
    return [f"{called} {line}" if called else line]


def _resolved_lines(project: Project, incident: Incident) -> list[str]:
    clean = max(1, project.alerts.resolve_after)
    runs = len({finding.found for finding in incident.findings})
    if incident.first == incident.last:
        span = f"It was seen at {escape(incident.first.key, 40)} only"
    else:
        span = f"It lasted from {escape(incident.first.key, 40)} to {escape(incident.last.key, 40)}"
        span += f" ({_count(runs, 'run')} with findings)"
    return [
        f"No findings in {_count(clean, 'run')}. {span}, {incident.severity} at its worst.",
    ]


def _cause_blocks(
    interval: Interval, now: Sequence[Finding], series: Mapping[SeriesKey, Series]
) -> list[dict[str, Any]]:
    """Per cause what, how much and what was expected, with the sentence and the rest of the cause in small print."""
    groups = causes([finding for finding in now if not is_validation(finding.verdict.series, series)])
    blocks = []
    for cause in groups[:_MOST_CAUSES]:
        verdict = cause.worst.verdict
        blocks.append(_section([_headline(verdict, series)]))
        small = [escape(verdict.sentence, _SENTENCE)]
        if verdict.interval.start != interval.start:
            small.append(f"about {escape(verdict.interval.key, 40)}")
        small.append(_why(cause))
        small.append(_others(cause))
        if any(small):
            blocks.append(_context([" · ".join(filter(None, small))]))
    rest = groups[_MOST_CAUSES:]
    if rest:
        blocks.append(_context([_rest(rest)]))
    return blocks


def _headline(verdict: Verdict, series: Mapping[SeriesKey, Series]) -> str:
    """`*Null ratio of data.dep_time*: 51.2 %, expected 1 %–4 %`."""
    known = series.get(verdict.series)
    unit = known.unit if known else ""
    # A star inside would end the bold type.
    name = f"*{escape(series_phrase(verdict, series), _NAME * 2).replace('*', '∗')}*"
    if verdict.value is None:
        return name if verdict.status is Status.NO_DATA else f"{name}: no value"
    text = f"{name}: {escape(format_value(verdict.value, unit), 100)}"
    expected = _expected(verdict, unit)
    return f"{text}, expected {expected}" if expected else text


def _expected(verdict: Verdict, unit: str) -> str:
    lower, upper = (
        escape(format_value(bound, unit), 100) if bound is not None else "" for bound in (verdict.lower, verdict.upper)
    )
    if lower and upper:
        return f"{lower} – {upper}" if lower != upper else lower
    if lower:
        return f"at least {lower}"
    if upper:
        return f"at most {upper}"
    return f"about {escape(format_value(verdict.expected, unit), 100)}" if verdict.expected is not None else ""


def _why(cause: Cause) -> str:
    """The segment that made most of it: of the worst finding that has one, named where it is not the one that leads."""
    for finding in cause.findings:
        verdict = finding.verdict
        if verdict.why:
            of = "" if finding is cause.worst else f"{metric_phrase(verdict.series.metric)} "
            return escape(of + verdict.why, _NAME * 2)
    return ""


def _others(cause: Cause) -> str:
    """`and 18 segments, 2 other metrics`: what else broke in the same column."""
    lead = cause.worst.verdict.series
    parts = []
    segments = cause.segments - (lead.segment != WHOLE)
    if segments:
        parts.append(_count(segments, "more segment" if lead.segment else "segment"))
    if cause.metrics > 1:
        parts.append(_count(cause.metrics - 1, "other metric"))
    return f"and {', '.join(parts)}" if parts else ""


def _rest(rest: Sequence[Cause]) -> str:
    """`and 12 more series: data (8 in 3 columns), prediction (4)`."""
    series_of: Counter[str] = Counter()
    columns_of: Counter[str] = Counter()
    for cause in rest:
        series_of[cause.table] += len(cause.findings)
        columns_of[cause.table] += 1
    tables = series_of.most_common()
    shown = [
        f"{escape(table, _NAME)} ({count:,} in {_count(columns_of[table], 'column')})" for table, count in tables[:5]
    ]
    more = f", {_count(len(tables) - 5, 'more table')}" if len(tables) > 5 else ""
    return f"and {_count(sum(series_of.values()), 'more series', 'more series')}: {', '.join(shown)}{more}"


def _validation_blocks(now: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> list[dict[str, Any]]:
    """Failed expectations, which are checks that people wrote, apart from what rules found."""
    failed = [finding for finding in now if is_validation(finding.verdict.series, series)]
    if not failed:
        return []
    members = [finding for cause in causes(failed) for finding in cause.findings]
    lines = ["*Data validation failed*"]
    for finding in members[:_MOST_EXPECTATIONS]:
        key = finding.verdict.series
        of = f"{key.table}.{key.column}" if key.column else key.table
        said = finding.verdict.sentence or metric_phrase(key.metric)
        lines.append(f"• {escape(of, _NAME)}: {escape(said, _SENTENCE)}")
    if len(members) > _MOST_EXPECTATIONS:
        lines.append(f"• and {_count(len(members) - _MOST_EXPECTATIONS, 'more')}")
    return [_section(lines)]


def _footer(project: Project, incident: Incident, links: Links) -> list[str]:
    parts = [
        link(links.incident_url(incident), "Open in Lupus"),
        link(links.run_url, "Airflow run"),
        f"Incident {escape(incident.id, 40)}",
        f"Owner {escape(project.owner, _NAME)}" if project.owner else "",
    ]
    return [part for part in parts if part]


def _count(number: int, one: str, many: str = "") -> str:
    """`1 run`, `1,200 runs`."""
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {many or (one if one == 'more' else one + 's')}"


def _section(lines: Sequence[str]) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn("\n".join(lines))}


def _context(elements: Sequence[str]) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(element) for element in elements]}


def _mrkdwn(text: str) -> dict[str, Any]:
    # `verbatim` keeps Slack from linking or resolving names (`@channel`, `#general`) that it finds in plain words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
