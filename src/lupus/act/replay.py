"""The incidents that findings over a whole history make, as runs would have made them day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lupus.act.grouping import Cluster, cluster
from lupus.act.incidents import closed_by_person, counts, escalated
from lupus.act.ranking import badness, title_of, worst_severity
from lupus.act.subjects import cause_of, late_tables
from lupus.model import Finding, Incident, Interval, Project, Series, SeriesKey, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Alarm:
    """An incident that runs would have opened: from first to last, as severe and with the names that it would have had.

    `findings` says how many belong to it, of which `worst` is the worst.
    """

    first: Interval
    last: Interval
    severity: Severity
    title: str
    cause: str
    findings: int
    worst: Verdict


def alarms(
    project: Project, findings: Sequence[Finding], series: Mapping[SeriesKey, Series], known: Sequence[Incident] = ()
) -> list[Alarm]:
    """The incidents that `findings` make, oldest first: those of them that go into incidents.

    What a person resolved, of the incidents that are `known`, takes nothing that is found later, as when the runs were
    made.
    """
    made = []
    for one in clusters(project, findings, series, known):
        worst = max(one.findings, key=badness).verdict
        severity = escalated(project, worst_severity(one.findings), one.first, one.last)
        title, cause = title_of(one.findings, series), cause_of(one.findings, series)
        made.append(Alarm(one.first, one.last, severity, title, cause, len(one.findings), worst))
    return made


def clusters(
    project: Project, findings: Sequence[Finding], series: Mapping[SeriesKey, Series], known: Sequence[Incident] = ()
) -> list[Cluster]:
    """What `alarms` gives names to; enough to count them."""
    runs: dict[Interval, list[Finding]] = {}
    for finding in findings:
        if counts(finding.verdict, project.alerts.min_severity):
            runs.setdefault(finding.found, []).append(finding)
    closed = [closed_by_person(one, series) for one in known if one.closed]
    return cluster(project.cadence, project.alerts, runs, series, closed, late=late_tables(project))
