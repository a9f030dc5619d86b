"""Which findings matter most, and which belong to one cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Final

from lupus.model import WHOLE, Finding, Group, Incident, Series, SeriesKey, Severity, Status, Verdict

_STATUS_ORDER: Final = {Status.NO_DATA: 2, Status.ERROR: 1}
_DEFAULT_SEVERITY: Final = Severity.MEDIUM


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings of one column of one table, which most likely have one cause: the same feed, the same column.

    `worst` leads; `findings` holds one finding per series, worst first. `metrics` and `segments`
    count distinct names (the whole table is no segment).
    """

    table: str
    column: str
    worst: Finding
    findings: tuple[Finding, ...]

    @property
    def metrics(self) -> int:
        return len({finding.verdict.series.metric for finding in self.findings})

    @property
    def segments(self) -> int:
        return len({finding.verdict.series.segment for finding in self.findings} - {WHOLE})


def severity_of(verdict: Verdict) -> Severity:
    """The verdict's severity; medium for a finding whose rule gave none."""
    return verdict.severity or _DEFAULT_SEVERITY


def badness(finding: Finding) -> tuple[int, int, bool, float, datetime]:
    """A sort key, greater is worse: severity, absent before broken before odd, the whole before its segments, score,
    and the newest interval.
    """
    verdict = finding.verdict
    score = verdict.score if verdict.score is not None and isfinite(verdict.score) else 0.0
    return (
        (verdict.severity or _DEFAULT_SEVERITY).rank,
        _STATUS_ORDER.get(verdict.status, 0),
        verdict.series.segment == WHOLE,
        score,
        verdict.interval.start,
    )


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """One finding per series, its worst, in order from worst to least; equal ones in order of their names."""
    worst_of: dict[SeriesKey, Finding] = {}
    for finding in findings:
        kept = worst_of.get(finding.verdict.series)
        if kept is None or badness(finding) > badness(kept):
            worst_of[finding.verdict.series] = finding
    by_name = sorted(worst_of.values(), key=lambda finding: _name(finding.verdict.series))
    return tuple(sorted(by_name, key=badness, reverse=True))


def worst(incident: Incident, k: int) -> tuple[Finding, ...]:
    """The `k` worst findings of `incident`, at most one per series, worst first."""
    return ranked(incident.findings)[:k]


def causes(findings: Sequence[Finding]) -> tuple[Cause, ...]:
    """`findings` grouped by table and column, the worst group first: one broken feed reads as one line."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in ranked(findings):
        key = finding.verdict.series
        groups.setdefault((key.table, key.column), []).append(finding)
    return tuple(Cause(table, column, members[0], tuple(members)) for (table, column), members in groups.items())


def worst_severity(findings: Sequence[Finding]) -> Severity:
    """The highest severity among `findings`, which are not empty."""
    return max({severity_of(finding.verdict) for finding in findings}, key=lambda one: one.rank)


def is_validation(key: SeriesKey, series: Mapping[SeriesKey, Series]) -> bool:
    """Whether the series belongs to the `validation` group; a series that is no longer known does not."""
    known = series.get(key)
    return known is not None and known.group == Group.VALIDATION


def title_of(findings: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> str:
    """One short plain line for `findings`, which are not empty.

    It names the worst series and counts the others:
    ``Null ratio of data.dep_time and 14 more series``.
    """
    scored = [(badness(finding), finding.verdict) for finding in findings]
    worst_of_all = max(score for score, _ in scored)
    tied = (verdict for score, verdict in scored if score == worst_of_all)
    lead = series_phrase(min(tied, key=lambda verdict: _name(verdict.series)), series)
    more = len({finding.verdict.series for finding in findings}) - 1
    return lead if not more else f"{lead} and {more:,} more series"


def series_phrase(verdict: Verdict, series: Mapping[SeriesKey, Series]) -> str:
    """The verdict's series in words.

    >>> from lupus.model import Cadence, CadenceKind
    >>> day = Cadence(CadenceKind.DAILY).parse("2013-12-05")
    >>> key = SeriesKey("flights", "data", "dep_time", "null_ratio", "origin=JFK")
    >>> series_phrase(Verdict(key, day, "deviation", Status.ANOMALY, 0.04, ""), {})
    'Null ratio of data.dep_time in origin=JFK'

    Series of the `validation` group are named after what they check: ``Validation of data``, or
    ``Expectation <id> of data.dep_time``.
    """
    key = verdict.series
    of = f"{key.table}.{key.column}" if key.column else key.table
    within = f" in {key.segment}" if key.segment else ""
    if verdict.status is Status.NO_DATA:
        return f"No data for {of if key.column else f'table {of}'}{within}"
    if is_validation(key, series):
        name, _, expectation = key.metric.partition(":")
        what = f"Expectation {expectation}" if expectation else "Validation"
        return f"{what if expectation or name == 'success_ratio' else metric_phrase(name)} of {of}{within}"
    return f"{metric_phrase(key.metric)} of {of}{within}"


def metric_phrase(metric: str) -> str:
    """A metric's name as the start of a sentence.

    >>> [metric_phrase(name) for name in ("null_ratio", "roc_auc", "ndcg@10", "share:late")]
    ['Null ratio', 'ROC AUC', 'NDCG@10', 'Share of late']
    """
    name, colon, argument = metric.partition(":")
    if colon:
        return f"{metric_phrase(name)} of {argument}" if argument else metric_phrase(name)
    if name.partition("@")[0] in _ACRONYMS or name in _ACRONYMS:
        return name.replace("_", " ").upper()
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


_ACRONYMS: Final = frozenset(
    ("roc_auc", "pr_auc", "ece", "mae", "rmse", "mape", "smape", "psi", "js", "ks", "mcc", "ndcg", "map", "mrr", "f1")
)


def _name(key: SeriesKey) -> tuple[str, str, str, str, str]:
    return (key.project, key.table, key.column, key.metric, key.segment)
