"""What findings are about: subjects, and what is told of them by what they are about alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lupus.model import (
    WHOLE,
    Finding,
    Group,
    Project,
    Role,
    Series,
    SeriesKey,
    Severity,
    Status,
    Verdict,
)

Subject = tuple[str, str]
"""(table, column), or `EVALUATION`."""

EVALUATION: Final[Subject] = ("", "evaluation")
_DOWNSTREAM: Final = frozenset({Group.PREDICTION, Group.EVALUATION})
INPUTS: Final = frozenset({Group.INPUT, Group.TARGET, Group.VALIDATION})


def subject_of(key: SeriesKey, series: Mapping[SeriesKey, Series]) -> Subject:
    """What the series `key` is about: all that says how good the model is, is about one thing."""
    return EVALUATION if group_of(key, series) == Group.EVALUATION else (key.table, key.column)


def group_of(key: SeriesKey, series: Mapping[SeriesKey, Series]) -> str:
    known = series.get(key)
    return known.group if known is not None else ""


def late_tables(project: Project) -> dict[str, timedelta]:
    """The tables of labels, with how long after an interval they may come."""
    return {one.name: one.arrives_within for one in project.tables if one.role is Role.GROUND_TRUTH}


@dataclass(frozen=True, slots=True)
class About:
    """What findings are about. `late` has the tables of labels, with how long after an interval they may come."""

    series: Mapping[SeriesKey, Series]
    late: Mapping[str, timedelta]

    def is_vague(self, subject: Subject, findings: Sequence[Finding]) -> bool:
        """Whether they only say that a table is not as it should be; not what of it, nor that it cannot be used."""
        return not subject[1] and all(
            group_of(one.verdict.series, self.series) == Group.VALIDATION and not fails_feed(one.verdict, self.series)
            for one in findings
        )

    def order(self, subject: Subject, findings: Sequence[Finding]) -> int:
        """What says what is wrong comes before what may belong to it, in the same run."""
        if subject == EVALUATION:
            return 3
        if self.is_vague(subject, findings):
            return 2
        return int(is_downstream(findings, self.series))


def fails_feed(verdict: Verdict, series: Mapping[SeriesKey, Series]) -> bool:
    """Whether it says that a whole table is missing, partial, failed or critically invalid."""
    key = verdict.series
    if key.column or key.segment:
        return False
    if verdict.status in (Status.NO_DATA, Status.ERROR):
        return True
    if group_of(key, series) == Group.VALIDATION:
        return verdict.severity is Severity.CRITICAL
    too_few = verdict.value is not None and verdict.lower is not None and verdict.value < verdict.lower
    return key.metric == "rows" and too_few


def cause_of(findings: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> str:
    """What `findings`, which are not empty, share, in a few words: a table, a column, a segment, the model."""
    failing = sorted({one.verdict.series.table for one in findings if fails_feed(one.verdict, series)})
    if failing:
        return f"{'tables' if len(failing) > 1 else 'table'} {', '.join(failing)}"
    subjects = sorted({subject_of(key, series) for key in {one.verdict.series for one in findings}})
    segment = one_segment(findings)
    if subjects == [EVALUATION]:
        what = "quality of the model"
    elif len(subjects) == 1:
        what = ".".join(filter(None, subjects[0]))
    else:
        of = {table for table, _ in subjects if table}
        columns = sum(subject != EVALUATION for subject in subjects)
        what = f"{columns} column{'s' if columns > 1 else ''} of {', '.join(sorted(of))}"
        if EVALUATION in subjects:
            what += " and the quality of the model"
    return f"{what} in {segment}" if segment else what


def by_subject(findings: Iterable[Finding], series: Mapping[SeriesKey, Series]) -> dict[Subject, list[Finding]]:
    found: dict[Subject, list[Finding]] = {}
    for finding in findings:
        found.setdefault(subject_of(finding.verdict.series, series), []).append(finding)
    return found


def is_downstream(findings: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> bool:
    return all(group_of(finding.verdict.series, series) in _DOWNSTREAM for finding in findings)


def one_segment(findings: Iterable[Finding]) -> str:
    """The segment that all of `findings` are about, "" when they are about several or about the whole."""
    segments = {finding.verdict.series.segment for finding in findings}
    return segments.pop() if len(segments) == 1 else WHOLE
