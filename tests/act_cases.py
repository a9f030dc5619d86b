"""Short ways to write verdicts, projects and timelines for the tests of `lupus.act`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lupus.act import (
    Addressee,
    IncidentChanges,
    Links,
    Occasion,
    apply_change,
    decide_notices,
    routes_of,
    update_incidents,
)
from lupus.model import (
    Alerts,
    Cadence,
    CadenceKind,
    ChangeKind,
    Group,
    Incident,
    IncidentChange,
    Interval,
    Notice,
    Project,
    RetrainPolicy,
    RetrainWhen,
    Routing,
    Selector,
    Series,
    SeriesKey,
    Severity,
    SlackRoute,
    Status,
    Told,
    Verdict,
)

DAILY = Cadence(CadenceKind.DAILY, "America/New_York")
DAY0 = DAILY.parse("2013-03-08")  # two days before the clocks change
LINKS = Links(run_url="https://airflow.example/run?a=1&b=2", ui_url="https://airflow.example/")


def day(number: int, cadence: Cadence = DAILY) -> Interval:
    """The interval `number` steps after the first."""
    return cadence.shift(cadence.containing(DAY0.start), number)


def project(
    *,
    resolve_after: int = 2,
    reopen_within: int = 0,
    join_within: int = 1000,
    mention: str = "",
    cadence: Cadence = DAILY,
    name: str = "flights",
    **more: object,
) -> Project:
    """A project whose incidents, unless said otherwise, are told apart by time alone, and do not come back."""
    alerts = Alerts(
        SlackRoute("slack", "#ml-flights", mention),
        Severity.MEDIUM,
        resolve_after,
        reopen_within=reopen_within,
        join_within=join_within,
    )
    made = Project(
        name=name,
        owner="ml-flights",
        cadence=cadence,
        start=datetime(2013, 3, 1, tzinfo=UTC),
        tables=(),
        alerts=alerts,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def policy(
    for_intervals: int = 1, within: int = 1, cooldown_days: int = 14, severity: Severity = Severity.HIGH
) -> RetrainPolicy:
    when = RetrainWhen(Selector(group=("evaluation",)), severity, for_intervals, within)
    return RetrainPolicy("retrain_flights", when, timedelta(days=cooldown_days), {"window": 60})


def verdict(
    about: Interval | int,
    column: str = "dep_time",
    metric: str = "null_ratio",
    *,
    table: str = "data",
    segment: str = "",
    status: Status = Status.ANOMALY,
    severity: Severity | None = Severity.MEDIUM,
    value: float | None = 0.512,
    score: float | None = 2.0,
    sentence: str = "null_ratio 51.2 % is above 1 %–4 %, expected from the last 28 days",
    rule: str = "deviation",
    expected: float | None = 0.02,
    lower: float | None = 0.01,
    upper: float | None = 0.04,
    why: str = "",
) -> Verdict:
    return Verdict(
        series=SeriesKey("flights", table, column, metric, segment),
        interval=day(about) if isinstance(about, int) else about,
        rule=rule,
        status=status,
        value=value,
        sentence=sentence,
        severity=severity,
        expected=expected,
        lower=lower,
        upper=upper,
        score=score,
        why=why,
    )


def series_of(verdicts: Sequence[Verdict]) -> dict[SeriesKey, Series]:
    """A Series for each verdict, its group and unit guessed from the metric's name."""
    made = {}
    for one in verdicts:
        metric = one.series.metric
        group = Group.INPUT
        if metric == "success_ratio" or metric.startswith("unexpected_ratio:"):
            group = Group.VALIDATION
        elif metric in ("roc_auc", "log_loss"):
            group = Group.EVALUATION
        unit = "ratio" if "ratio" in metric else "rows" if metric == "rows" else ""
        made[one.series] = Series(one.series, group, unit)
    return made


@dataclass
class House:
    """A project with a memory, run as the act stage runs it: incidents and notices, and the newest interval."""

    project: Project = field(default_factory=project)
    incidents: tuple[Incident, ...] = ()
    series: dict[SeriesKey, Series] = field(default_factory=dict)
    newest: Interval | None = None
    to: Sequence[Addressee] = ()
    told: dict[str, Told] = field(default_factory=dict)
    occasion: Occasion = field(default_factory=Occasion)

    def run(self, number: int, *verdicts: Verdict, judged: Sequence[int] = ()) -> tuple[Notice, ...]:
        """Runs interval `number` with `verdicts`, complete about the intervals `judged`; returns its notices."""
        self.series |= series_of(verdicts)
        return self.run_at(day(number, self.project.cadence), *verdicts, judged=judged)

    def run_at(self, interval: Interval, *verdicts: Verdict, judged: Sequence[int] = ()) -> tuple[Notice, ...]:
        """Runs `interval`; what the series of `verdicts` are is known."""
        self.newest = max(self.newest or interval, interval)
        before = self.incidents
        changes = update_incidents(
            self.project,
            interval,
            verdicts,
            self.series,
            before,
            judged=[day(one, self.project.cadence) for one in judged],
            newest=self.newest,
        )
        self.apply(changes)
        notices = decide_notices(
            self.project,
            interval,
            before,
            changes.incidents,
            to=self.to or [Addressee("outbox", routes_of(self.project, Routing()))],
            links=LINKS,
            series=self.series,
            occasion=replace(self.occasion, past=sorted(self.told.values(), key=lambda one: one.interval)),
        )
        # As the store would: what was sent stays.
        kept = {one.id: one for one in self.told.values() if one.interval != interval or one.reason.sends}
        new = [Told(n.id, n.incident, interval, n.destination, n.reason, n.state, n.next_try) for n in notices]
        self.told = {**{one.id: one for one in new}, **kept}
        return notices

    def apply(self, changes: IncidentChanges) -> None:
        """Stores changes as the store would: from `save` and `delete` only."""
        kept = {one.id: one for one in self.incidents}
        for gone in changes.delete:
            del kept[gone]
        kept |= {one.id: one for one in changes.save}
        self.incidents = tuple(sorted(kept.values(), key=lambda one: one.first))
        assert self.incidents == changes.incidents

    def change(self, number: int, kind: str, **more: Any) -> None:
        """Does what a person would do to the incident that spans interval `number`."""
        interval = day(number, self.project.cadence)
        change = IncidentChange(ChangeKind(kind), **more)
        at = datetime(2013, 4, 1, tzinfo=UTC)
        self.incidents = tuple(
            apply_change(one, change, [], by="ada", at=at)[0] if one.first <= interval <= one.last else one
            for one in self.incidents
        )

    def picture(self) -> list[tuple[str, str, str, int]]:
        """(first, last, state, clean) of each incident."""
        return [(one.first.key, one.last.key, one.state.value, one.clean) for one in self.incidents]
