"""Store: everything that Lupus keeps, in SQLite or PostgreSQL. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sqlalchemy.engine import Connection

from lupus.model import (
    ChartPoint,
    Comparison,
    ComparisonKind,
    ConflictError,
    Exclusion,
    History,
    Incident,
    IncidentEvent,
    Interval,
    MetricPoint,
    ModelChange,
    Notice,
    NoticeState,
    Post,
    Reference,
    RetrainRequest,
    RetrainState,
    Series,
    SeriesKey,
    StoredState,
    StoreError,
    Told,
    Validation,
    Verdict,
    VersionShare,
)
from lupus.store import acts, schema
from lupus.store import baselines as baseline_rows
from lupus.store import charts as chart_rows
from lupus.store import comparisons as comparison_rows
from lupus.store import deliveries as delivery_rows
from lupus.store import dump as dump_rows
from lupus.store import events as event_rows
from lupus.store import exclusions as exclusion_rows
from lupus.store import history as history_rows
from lupus.store import incidents as incident_rows
from lupus.store import points as point_rows
from lupus.store import retrain as retrain_rows
from lupus.store import runs as run_rows
from lupus.store import states as state_rows
from lupus.store import validations as validation_rows
from lupus.store import verdicts as verdict_rows
from lupus.store.copying import copy_project
from lupus.store.database import Database
from lupus.store.names import Names, epoch, project_id, touch
from lupus.store.runs import StageRun, StoredProject

if TYPE_CHECKING:
    from lupus.store.views import Views

Decoded = TypeVar("Decoded")


class Store:
    """The metric store. Make one with `open_store`; use it from any thread, close it when done.

    Writes of one project wait for each other. A method that fails has written nothing and raises `StoreError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Names()
        self._blocks = history_rows.Blocks()
        self._states = baseline_rows.StateBlocks()
        self._views: Views | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self.label!r})"

    @property
    def label(self) -> str:
        """The store's URL without its password."""
        return self._database.label

    @property
    def views(self) -> Views:
        """What the screens of the Web UI read and write."""
        if self._views is None:
            from lupus.store.views import Views

            self._views = Views(self._database)
        return self._views

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._database.close()

    @contextmanager
    def _writing(self, *projects: str) -> Iterator[Connection]:
        numbers = [project_id(name) for name in projects]
        own = [number for number in numbers if number not in self._database.locks]  # who locks, touches at the end
        try:
            with self._database.writing(*numbers) as connection:
                try:
                    yield connection
                    touch(connection, own)
                except BaseException:
                    self._names.clear()  # before the lock is released: nobody may believe in what is rolled back
                    raise
        except BaseException:
            self._names.clear()  # it may be the very end that failed: the disk was full
            raise

    @contextmanager
    def together(self, project: str) -> Iterator[None]:
        """What this thread writes of `project` meanwhile is stored at once at its end, or, after an error, not at all.

        For writes that follow each other: a transaction of its own for each would take longer than many of them. Other
        writers wait, so nothing is to be computed in between.
        """
        with self._writing(project):
            yield

    # The schema

    def revision(self) -> tuple[str | None, str]:
        """The revision that the store has (None when it is empty) and the one that this Lupus needs."""
        with self._database.reading() as connection:
            return schema.revision(connection), schema.HEAD

    def upgrade(self) -> None:
        """Bring the schema to the newest revision. Doing it twice, or twice at once, is harmless."""
        schema.upgrade(self._database)

    def dump(self, *, wall_clock: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, sorted: equal content gives equal dumps. Meant for tests and comparisons."""
        with self._database.reading() as connection:
            return dump_rows.dump(connection, wall_clock=wall_clock)

    # Projects and runs

    def save_project(
        self, name: str, *, owner: str = "", cadence: str = "", about: Mapping[str, Any] | None = None
    ) -> None:
        """Remember a project; `about` is what its file says, as plain JSON values."""
        with self._writing(name) as connection:
            run_rows.save_project(connection, self._names, StoredProject(name, owner, cadence, about or {}))

    def projects(self) -> tuple[StoredProject, ...]:
        """All projects, by name."""
        with self._database.reading() as connection:
            return run_rows.read_projects(connection)

    def start_run(self, project: str, interval: Interval, stage: str, at: datetime) -> None:
        """Record that `stage` has begun; what is known of an earlier time is forgotten."""
        with self._writing(project) as connection:
            run_rows.start(connection, self._names, project, interval, str(stage), at=at)

    def finish_run(  # noqa: PLR0917 - the order of the columns
        self, project: str, interval: Interval, stage: str, at: datetime, status: str, detail: str = ""
    ) -> None:
        """Record that `stage` has ended, and how."""
        with self._writing(project) as connection:
            run_rows.finish(
                connection, self._names, project, interval, str(stage), at=at, status=str(status), detail=detail
            )

    def runs(self, project: str | None = None, *, intervals: Sequence[Interval] | None = None) -> list[StageRun]:
        """The stages that ran, oldest interval first."""
        with self._database.reading() as connection:
            return run_rows.read(connection, self._names, project, intervals)

    def newest_run(self, project: str, stage: str) -> Interval | None:
        """The newest interval for which `stage` came to its end; None when there is none."""
        with self._database.reading() as connection:
            return run_rows.newest(connection, self._names, project, str(stage))

    def copy_project(self, project: str, target: Store, *, since: Interval) -> None:
        """Copy all that is known of `project` from the interval `since` on into the store `target`."""
        number = project_id(project)
        with self._database.reading() as source, target._writing(project) as connection:
            copy_project(source, connection, number, epoch(since))

    # Points, states and what they are compared with

    def replace_points(
        self,
        project: str,
        interval: Interval,
        points: Sequence[MetricPoint],
        *,
        scope: str,
        states: Sequence[StoredState] | None = None,
    ) -> None:
        """Make `points` (and `states`, when given) all that the project has of `scope` at `interval`.

        `scope` says what made the series: ``table:<name>``, ``evaluation``, ``validation:<table>``, ``pushed``,
        ``sql``. Points of the scope that are not in `points` go, with their verdicts. A rerun leaves identical rows.
        """
        with self._writing(project) as connection:
            point_rows.replace(connection, self._names, project, interval, points, scope=scope)
            if states is not None:
                state_rows.replace(connection, self._names, project, interval, states, scope=scope)

    def upsert_points(self, points: Sequence[MetricPoint], *, scope: str) -> None:
        """Write points of any projects and intervals without removing others."""
        by_project: dict[str, list[MetricPoint]] = {}
        for point in points:
            by_project.setdefault(point.series.key.project, []).append(point)
        with self._writing(*by_project) as connection:
            for project, own in by_project.items():
                point_rows.add(connection, self._names, project, own, scope)

    def points(
        self,
        project: str,
        *,
        interval: Interval | None = None,
        intervals: Sequence[Interval] | None = None,
        metric: str | None = None,
        table: str | None = None,
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[MetricPoint]:
        """Points by interval and series, oldest first; with `limit` the newest ones.

        `metric`, `table` and `segment` are names or shell patterns.
        """
        chosen = [interval] if interval is not None else intervals
        with self._database.reading() as connection:
            return point_rows.read(
                connection,
                self._names,
                project,
                intervals=chosen,
                metric=metric,
                table=table,
                segment=segment,
                limit=limit,
            )

    def series(self, project: str) -> dict[SeriesKey, Series]:
        """All series that the project ever had."""
        with self._database.reading() as connection:
            known = self._names.known(connection, project_id(project))
            return {one.key: one for one in known.by_id.values()}

    def history(self, project: str, intervals: Sequence[Interval], *, scopes: Collection[str] | None = None) -> History:
        """The series with any point in `intervals`, as matrices; see `lupus.model.History`.

        `excluded` and `since` are what the stored exclusions say. `closed` is all True. Intervals read before are read
        again only when they have changed.
        """
        with self._database.reading() as connection:
            return history_rows.read(connection, self._names, self._blocks, project, intervals=intervals, scopes=scopes)

    def save_states(self, states: Sequence[StoredState], *, scope: str = "") -> None:
        """Write states; one of the same name and interval is replaced."""
        by_project: dict[str, list[StoredState]] = {}
        for state in states:
            by_project.setdefault(state.project, []).append(state)
        with self._writing(*by_project) as connection:
            for project, own in by_project.items():
                state_rows.save(connection, self._names, project, own, scope)

    def states(  # noqa: PLR0917 - from the wide to the narrow
        self,
        project: str,
        table: str,
        column: str | None = None,
        segment: str | None = None,
        kind: str | None = None,
        intervals: Sequence[Interval] | None = None,
    ) -> list[StoredState]:
        """States, oldest first. None means any."""
        with self._database.reading() as connection:
            return state_rows.read(
                connection, self._names, project, table, column=column, segment=segment, kind=kind, intervals=intervals
            )

    def decoded_states(
        self,
        project: str,
        intervals: Sequence[Interval],
        kinds: Sequence[str],
        decode: Callable[[Sequence[StoredState]], Decoded],
    ) -> dict[Interval, Decoded]:
        """What `decode` makes of the States of these `kinds` of each of `intervals` that the store knows.

        Intervals decoded before are read again only when they have changed, so one function is to be asked for the
        same kinds always.
        """
        with self._database.reading() as connection:
            return self._states.get(connection, project, intervals, kinds=kinds, decode=decode)

    def excluded_columns(self, project: str, intervals: Sequence[Interval]) -> set[tuple[Interval, str, str]]:
        """(interval, table, column) of what nothing is learnt from; an empty column stands for the whole table."""
        with self._database.reading() as connection:
            return exclusion_rows.columns_excluded(connection, self._names, project, intervals)

    def exclusions(
        self, project: str, *, first: Interval | None = None, last: Interval | None = None
    ) -> list[Exclusion]:
        """What belongs to no baseline, and why: all that is about intervals from `first` to `last`, oldest first."""
        with self._database.reading() as connection:
            return exclusion_rows.read(connection, project, first=first, last=last)

    def add_exclusion(self, exclusion: Exclusion) -> None:
        """Leave out or keep by hand; `StoreError` for a reason that is not a person's, or without a name."""
        with self._writing(exclusion.project) as connection:
            exclusion_rows.add(connection, self._names, exclusion)

    def exclusion(self, exclusion: str) -> Exclusion:
        """The exclusion with this id; `StoreError` when there is none."""
        with self._database.reading() as connection:
            return exclusion_rows.read_one(connection, exclusion)

    def remove_exclusion(self, exclusion: str) -> None:
        """Take back what a person left out or kept, by its id; `StoreError` for any other."""
        with self._writing(self.exclusion(exclusion).project) as connection:
            exclusion_rows.remove(connection, exclusion)

    def save_references(self, references: Sequence[Reference]) -> None:
        """Write references; a version that exists is kept as it is, whoever wrote it."""
        if not references:
            return
        with self._writing(*{one.project for one in references}) as connection:
            state_rows.save_references(connection, self._names, references)

    def references(self, project: str, table: str | None = None) -> tuple[Reference, ...]:
        """References by table, column and version."""
        with self._database.reading() as connection:
            return state_rows.read_references(connection, project, table)

    # Verdicts and validations

    def replace_verdicts(
        self,
        project: str,
        intervals: Sequence[Interval],
        verdicts: Sequence[Verdict],
        *,
        scopes: Collection[str] | None = None,
        exclusions: Sequence[Exclusion] | None = None,
    ) -> None:
        """Make `verdicts` all that the project has at `intervals`; with `scopes`, all on series of these scopes.

        `exclusions`, when given, are what the judge leaves out of the baselines since the last of `intervals`: levels
        that it accepts there, and what lies before the project's start.
        """
        with self._writing(project) as connection:
            verdict_rows.replace(connection, self._names, project, intervals, verdicts, scopes=scopes)
            if exclusions is not None:
                exclusion_rows.follow_judge(connection, project, intervals[-1], exclusions)

    def verdicts(
        self,
        project: str,
        *,
        intervals: Sequence[Interval] | None = None,
        findings_only: bool = False,
        series: Collection[SeriesKey] | None = None,
    ) -> list[Verdict]:
        """Verdicts by interval, series and rule."""
        with self._database.reading() as connection:
            return verdict_rows.read(
                connection, self._names, project, intervals=intervals, findings_only=findings_only, series=series
            )

    def save_validation(self, validation: Validation) -> None:
        """Make `validation` the one of its table and interval."""
        with self._writing(validation.project) as connection:
            validation_rows.save(connection, self._names, validation)

    def replace_validation(self, project: str, table: str, interval: Interval, validation: Validation | None) -> None:
        """Make `validation` the one of `table` at `interval`; None when there is none any more."""
        with self._writing(project) as connection:
            if validation is None:
                validation_rows.remove(connection, project, table, interval)
            else:
                validation_rows.save(connection, self._names, validation)

    def validations(self, project: str, intervals: Sequence[Interval] | None = None) -> list[Validation]:
        """Validations by interval and table."""
        with self._database.reading() as connection:
            return validation_rows.read(connection, self._names, project, intervals)

    # Incidents, and what was done about them

    def incidents(
        self,
        project: str | None = None,
        *,
        active_only: bool = False,
        since: Interval | None = None,
        or_active: bool = False,
        ids: Sequence[str] | None = None,
    ) -> list[Incident]:
        """Incidents with their findings, newest first.

        `since`: those that lasted until then or longer, and with `or_active` the active ones, however old. `ids`: only
        those of these that are there.
        """
        with self._database.reading() as connection:
            return incident_rows.read(
                connection, self._names, project, active_only=active_only, since=since, or_active=or_active, ids=ids
            )

    def incident(self, incident: str) -> Incident:
        """The incident with this id; `StoreError` when there is none."""
        with self._database.reading() as connection:
            return self._incident(connection, incident)

    def save_incidents(self, save: Sequence[Incident], delete: Sequence[str] = ()) -> None:
        """Write incidents as they are, and remove those with the ids `delete`."""
        with self._writing(*{one.project for one in save}) as connection:
            incident_rows.save(connection, self._names, save, delete)

    def edit_incident(
        self,
        incident: str,
        edit: Callable[[Incident, list[IncidentEvent]], tuple[Incident, IncidentEvent]],
        *,
        version: int | None = None,
    ) -> Incident:
        """Make of an incident what `edit` makes of it and of its timeline, and add the event that `edit` returns.

        All in one transaction, while no run and nobody else changes it: two people at once come one after the other.
        Raises `ConflictError` when it is not at `version` any more, `StoreError` when there is no such incident, and
        what `edit` raises; then nothing has changed.
        """
        with self._database.reading() as connection:
            project = self._incident(connection, incident).project
        with self._writing(project) as connection:
            before = self._incident(connection, incident)
            if version is not None and version != before.version:
                raise ConflictError(
                    f"incident {incident} was changed"
                    + (f" by {before.by}" if before.by else " by a run")
                    + f" in between (version {before.version}, not {version}); look at it again"
                )
            after, event = edit(before, event_rows.read(connection, self._names, incident))
            incident_rows.save(connection, self._names, [after], ())
            event_rows.add(connection, self._names, [event])
            return self._incident(connection, incident)

    def incident_events(self, incident: str) -> list[IncidentEvent]:
        """The timeline of an incident, oldest first; that of one that is no more holds what people did."""
        with self._database.reading() as connection:
            return event_rows.read(connection, self._names, incident)

    def add_incident_events(self, events: Sequence[IncidentEvent]) -> None:
        """Add to timelines. An event that is there already keeps its time."""
        with self._writing(*{event.project for event in events}) as connection:
            event_rows.add(connection, self._names, events)

    def commit_act(
        self,
        project: str,
        interval: Interval,
        *,
        incidents: Sequence[Incident],
        delete: Sequence[str] = (),
        notices: Sequence[Notice] = (),
        retrain: RetrainRequest | None = None,
        known: Sequence[Incident] | None = None,
        events: Sequence[IncidentEvent] = (),
        moved: Mapping[str, str] | None = None,
    ) -> None:
        """Everything that `act` decided in the run of `interval`, all or nothing.

        A notice that was sent stays as it was sent, one that was not and is no longer wanted goes. A retrain request
        that was executed stays, one that was not and is no longer wanted goes. `known` are the incidents that the
        decision is based on: raises `ConflictError` when a person or another run has changed one since. `events` are
        all that runs have to tell of `incidents`; `moved` says which incident a deleted one went into, and what
        people did goes along.
        """
        told = {one.id for one in incidents}
        with self._writing(project) as connection:
            if known is not None:
                incident_rows.refuse_stale(connection, known, {*told, *delete})
            incident_rows.save(connection, self._names, incidents, delete)
            event_rows.replace(
                connection, self._names, {*told, *delete}, events, kinds=event_rows.RUN_EVENTS, moved=moved or {}
            )
            acts.replace_notices(connection, self._names, project, interval, notices)
            retrain_rows.replace_retrain(connection, self._names, project, interval, retrain)

    def notices(
        self,
        project: str | None = None,
        *,
        state: NoticeState | None = None,
        incident: str | None = None,
        interval: Interval | None = None,
    ) -> list[Notice]:
        """Notices, oldest first."""
        with self._database.reading() as connection:
            return acts.read_notices(
                connection, self._names, project, state=state, incident=incident, interval=interval
            )

    def chart(self, key: SeriesKey, *, until: Interval | None = None, limit: int = 60) -> list[ChartPoint]:
        """What a chart of a series shows over the newest `limit` intervals (up to `until`), oldest first."""
        with self._database.reading() as connection:
            return chart_rows.read(
                connection, self._names, key, until=None if until is None else epoch(until), limit=limit
            )

    # What becomes of notices

    def told(self, project: str, incidents: Sequence[str]) -> list[Told]:
        """What was decided about the incidents with these ids, oldest interval first; one query for many."""
        with self._database.reading() as connection:
            return acts.read_told(connection, self._names, project, incidents)

    def mark_notice(
        self,
        notice: str,
        state: NoticeState,
        *,
        receipt: str = "",
        error: str = "",
        delivered_at: datetime | None = None,
        next_try: datetime | None = None,
        post: Post | None = None,
        missing_ok: bool = False,
    ) -> None:
        """Record one attempt to send the notice with this id; adds one to its `attempts`. Writes `post` with it.

        With `missing_ok` a notice that a later run withdrew is no error, and `post` is written all the same.
        """
        with self._writing(*([post.project] if post else [])) as connection:
            found = delivery_rows.mark_notice(
                connection, notice, state, receipt=receipt, error=error, delivered_at=delivered_at, next_try=next_try
            )
            if not found and not missing_ok:
                raise StoreError(f"the store has no notice {notice!r}; it was withdrawn by a later run")
            if post is not None:
                delivery_rows.save_post(connection, self._names, post)

    def due_deliveries(
        self, project: str, *, incident: str | None = None, quiet: Sequence[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """By destination, the incidents of which there is something to send, or a message to bring up to date.

        `quiet` are reasons for which a notice was not sent and may yet be told in the thread of its message.
        """
        with self._database.reading() as connection:
            return delivery_rows.due(connection, project, incident=incident, quiet=quiet)

    def standing(self, incident: str) -> dict[str, Any] | None:
        """What people have made of an incident by now, in words, and its `version`; None when it is gone."""
        with self._database.reading() as connection:
            return delivery_rows.standing(connection, incident)

    def went_into(self, incident: str) -> str:
        """The incident that a deleted `incident` went into by now, "" when its findings are no more."""
        with self._database.reading() as connection:
            return event_rows.went_into(connection, incident)

    def retry_failed(self, project: str | None = None) -> int:
        """Make failed notices pending again, and those that wait for their next try due; returns how many."""
        with self._writing() as connection:
            return delivery_rows.retry_failed(connection, project)

    def posts(self, project: str | None = None, *, incident: str | None = None, ts: str | None = None) -> list[Post]:
        """The messages that are kept up to date in channels, oldest first. `ts` is what Slack calls one."""
        with self._database.reading() as connection:
            return delivery_rows.read_posts(connection, self._names, project, incident=incident, ts=ts)

    def save_post(self, post: Post) -> None:
        """Remember `post` as it is now."""
        with self._writing(post.project) as connection:
            delivery_rows.save_post(connection, self._names, post)

    def take_lease(self, destination: str, owner: str, *, now: datetime, until: datetime) -> bool:
        """Whether `owner` is now the only one who delivers to `destination`, at most until `until`."""
        with self._writing() as connection:
            return delivery_rows.take_lease(connection, destination, owner, now=now, until=until)

    def release(self, destination: str, owner: str, *, ready: datetime | None = None) -> None:
        """End the lease of `owner`. Nobody is to send to `destination` before `ready`."""
        with self._writing() as connection:
            delivery_rows.release(connection, destination, owner, ready=ready)

    def destinations(self, names: Sequence[str]) -> dict[str, tuple[datetime | None, datetime | None]]:
        """For each destination that was ever delivered to: leased until, and ready from; None for now."""
        with self._database.reading() as connection:
            return delivery_rows.read_destinations(connection, names)

    # Retraining

    def add_notices(self, notices: Sequence[Notice]) -> None:
        """Write notices that no run has decided on; one that is there already stays as it is."""
        with self._writing(*{one.project for one in notices}) as connection:
            acts.add_notices(connection, self._names, notices)

    def retrain_requests(self, project: str | None = None) -> list[RetrainRequest]:
        """Retrain requests, oldest first."""
        with self._database.reading() as connection:
            return retrain_rows.read_retrain(connection, self._names, project)

    def retrain_request(self, request: str) -> RetrainRequest:
        """The retrain request with this id; `StoreError` when there is none."""
        with self._database.reading() as connection:
            found = retrain_rows.read_retrain(connection, self._names, None, request)
        if not found:
            raise StoreError(f"there is no retrain request {request!r}; `lupus retrain` lists them")
        return found[0]

    def add_retrain(self, request: RetrainRequest) -> None:
        """Write a request that a person has made."""
        with self._writing(request.project) as connection:
            retrain_rows.add_retrain(connection, self._names, request)

    def mark_retrain(
        self,
        request: str,
        state: RetrainState,
        note: str = "",
        *,
        by: str = "",
        executed_at: datetime | None = None,
        only_from: tuple[RetrainState, ...] = (),
    ) -> bool:
        """Record what became of the request with this id; False when it stands in none of `only_from`."""
        with self._writing() as connection:
            done = retrain_rows.mark_retrain(connection, request, state, note, by, executed_at, only_from)
            touch(connection, retrain_rows.owners(connection, request))
            return done

    # Models

    def replace_comparisons(self, project: str, interval: Interval, comparisons: Sequence[Comparison]) -> None:
        """Make `comparisons` all that the run of `interval` made."""
        with self._writing(project) as connection:
            comparison_rows.replace_comparisons(connection, self._names, project, interval, comparisons)

    def comparisons(self, project: str | None = None, *, kind: ComparisonKind | None = None) -> list[Comparison]:
        """Comparisons of models, oldest first."""
        with self._database.reading() as connection:
            return comparison_rows.read_comparisons(connection, self._names, project, kind)

    def replace_versions(self, project: str, interval: Interval, versions: Sequence[VersionShare]) -> None:
        """Make `versions`, the one with most rows first, all that made predictions at `interval`."""
        with self._writing(project) as connection:
            comparison_rows.replace_versions(connection, self._names, project, interval, versions)

    def model_versions(self, project: str) -> dict[Interval, list[VersionShare]]:
        """The versions that made predictions, by interval, oldest first; the one with most rows first."""
        with self._database.reading() as connection:
            return comparison_rows.read_versions(connection, self._names, project)

    def model_changes(self, project: str) -> list[ModelChange]:
        """Where a model version was new, or began to make most predictions; oldest first. For markers on charts."""
        return comparison_rows.changes_of(project, self.model_versions(project))

    def _incident(self, connection: Connection, incident: str) -> Incident:
        found = incident_rows.read(connection, self._names, None, ids=[incident])
        if not found:
            raise StoreError(f"there is no incident {incident!r}; `lupus incidents` lists them")
        return found[0]
