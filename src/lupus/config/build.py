"""From the checked file to the nouns."""

from __future__ import annotations

import pathlib

from lupus.config import defaults, drift
from lupus.config.checks import parameters_of, role_of
from lupus.config.compare import compared_on
from lupus.config.derived import build_derived
from lupus.config.document import Document
from lupus.config.fields import columns_of
from lupus.config.models import (
    AlertsFile,
    FairnessFile,
    FilesFile,
    MetricsFile,
    ProjectFile,
    PythonFile,
    RetrainFile,
    ScheduleFile,
    SourceField,
    TableFile,
)
from lupus.config.recommendations import build_recommendations
from lupus.config.routing import build_quiet_hours, build_routes
from lupus.config.rules import RuleFile, Rules, SelectorFile
from lupus.config.sql_metrics import build_sql_metrics
from lupus.config.times import absolute, bounds, guess_format
from lupus.config.upstream import ASSET_PREFIX
from lupus.model import (
    Alerts,
    Cadence,
    ComparePolicy,
    EstimatesPolicy,
    FairnessPolicy,
    FileFormat,
    FileSource,
    MetricsPolicy,
    MultivariatePolicy,
    Project,
    PythonSource,
    Ready,
    RetrainPolicy,
    RetrainWhen,
    Role,
    RuleSpec,
    Schedule,
    Selector,
    SlackRoute,
    Source,
    SqlSource,
    Table,
)


def build(file: ProjectFile, document: Document, path: pathlib.Path) -> Project:
    """The Project that `file`, free of problems, describes."""
    kind, cron = file.cadence
    start, end = bounds(file.start, file.end, file.timezone)
    return Project(
        name=file.project,
        owner=file.owner,
        cadence=Cadence(kind, timezone=file.timezone, cron=cron),
        start=start,
        end=end,
        tables=tuple(_table(name, table, file.timezone, path.parent) for name, table in file.tables.items()),
        description=file.description,
        task=file.task,
        segments=_segments(file),
        metrics=_metrics(file.metrics, file.timezone),
        rules=rules_of(file.rules),
        alerts=_alerts(file.alerts, file.timezone),
        retrain=None if file.retrain is None else _retrain(file.retrain),
        compare=_compare(file),
        upstream=tuple(name.removeprefix(ASSET_PREFIX) for name in file.upstream),
        schedule=_schedule(file.schedule),
        tags=file.tags,
        path=path,
        variables=dict(document.variables),
    )


def _segments(file: ProjectFile) -> tuple[tuple[str, ...], ...]:
    """The segments as written, and the model's version where two of them are compared."""
    segments = tuple(map(columns_of, file.segments))
    versions = {table.version for name, table in file.tables.items() if role_of(name, table) is Role.PREDICTION}
    if file.compare is None:
        return segments
    return segments + tuple((one,) for one in sorted(versions) if one and (one,) not in segments)


def _table(name: str, file: TableFile, timezone: str, folder: pathlib.Path) -> Table:
    return Table(
        name=name,
        role=role_of(name, file),
        source=_source(file.source, folder),
        time=file.time,
        timezone=file.timezone or timezone,
        key=file.key,
        score=file.score,
        scores=tuple(file.scores.items()),
        quantiles=tuple((float(level), column) for level, column in file.quantiles.items()),
        lower=file.lower,
        upper=file.upper,
        query=file.query,
        rank=file.rank,
        label=file.label,
        weight=file.weight,
        version=file.version,
        columns=file.columns,
        exclude=file.exclude,
        patterns=dict(file.patterns),
        arrives_within=file.arrives_within,
        expectations=file.expectations or "",
        ready=Ready(min_rows=file.ready.min_rows, by=file.ready.by),
        derived=build_derived(file.derived, folder),
        recommendations=build_recommendations(file.recommendations, key=file.key, query=file.query),
        in_place=file.in_place,
    )


def _source(file: SourceField, folder: pathlib.Path) -> Source:
    if isinstance(file, FilesFile):
        file_format = file.format or guess_format(file.files) or FileFormat.PARQUET
        return FileSource(path=absolute(file.files, folder), format=file_format, connection=file.connection)
    if isinstance(file, PythonFile):
        return PythonSource(callable=file.python, arguments=dict(file.arguments))
    return SqlSource(connection=file.connection, table=file.table or "", query=file.query or "")


def _metrics(file: MetricsFile, timezone: str) -> MetricsPolicy:
    nested = ("fairness", "sql", "estimates", "multivariate", "drift")
    plain = {name: getattr(file, name) for name in MetricsFile.model_fields if name not in nested}
    return MetricsPolicy(
        **plain,
        fairness=_fairness(file.fairness),
        sql=build_sql_metrics(file.sql),
        estimates=EstimatesPolicy(**dict(file.estimates)),
        multivariate=MultivariatePolicy(**dict(file.multivariate)),
        drift=drift.policy_of(file.drift, timezone),
    )


def _fairness(file: FairnessFile | None) -> FairnessPolicy:
    if file is None:
        return FairnessPolicy()
    return FairnessPolicy(segments=tuple(map(columns_of, file.segments)), min_rows=file.min_rows)


def rules_of(rules: Rules) -> tuple[RuleSpec, ...]:
    """The default rules, replaced or removed by name, then the author's own in file order.

    A rule that says nothing of `where` stays with the series of the default rule it replaces: who sets another
    window does not mean other series.
    """
    specs: dict[str, RuleSpec] = {rule.name: rule for rule in defaults.RULES}
    replaced = {rule.name: rule.where for rule in defaults.RULES}
    for name, rule in rules.items():
        if isinstance(rule, RuleFile):
            specs[name] = RuleSpec(
                name=name,
                kind=rule.kind,
                where=_selector(rule.where) if "where" in rule.model_fields_set else replaced.get(name, Selector()),
                parameters=parameters_of(rule),
                severity=rule.severity,
            )
        else:
            specs.pop(name, None)
    return tuple(specs.values())


def _selector(file: SelectorFile) -> Selector:
    return Selector(**{name: getattr(file, name) for name in SelectorFile.model_fields})


def _alerts(file: AlertsFile, timezone: str) -> Alerts:
    slack = None
    if file.slack is not None:
        slack = SlackRoute(connection=file.slack.connection, channel=file.slack.channel, mention=file.slack.mention)
    built = ("slack", "routes", "quiet_hours")
    return Alerts(
        slack=slack,
        routes=build_routes(file.routes, "alerts.routes"),
        quiet_hours=build_quiet_hours(file.quiet_hours, timezone),
        **{name: getattr(file, name) for name in AlertsFile.model_fields if name not in built},
    )


def _retrain(file: RetrainFile) -> RetrainPolicy:
    when = RetrainWhen(
        where=_selector(file.when),
        severity=file.when.severity,
        for_intervals=file.when.for_,
        within=file.when.within or file.when.for_,
    )
    plain = {name: getattr(file, name) for name in RetrainFile.model_fields if name not in ("when", "conf")}
    return RetrainPolicy(**plain, when=when, conf=dict(file.conf))


def _compare(file: ProjectFile) -> ComparePolicy | None:
    compare = file.compare
    if compare is None:
        return None
    return ComparePolicy(compare.champion, compare.challenger, compared_on(compare, file), compare.window)


def _schedule(file: ScheduleFile) -> Schedule:
    return Schedule(
        catchup=file.catchup,
        retries=file.retries,
        retry_delay=file.retry_delay,
        max_active_runs=file.max_active_runs,
        deadline=file.deadline,
    )
