"""Delivery: what act has decided goes out, at least once, and once in effect; whatever happens in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lupus.model import ConnectionNotUsableError, DeliveryError, LupusError, Notice, NoticeState, SeriesKey
from lupus.stages.charts import series_chart
from lupus.stages.standing import standing_of
from lupus.stages.thread import QUIET, Thread, is_due
from lupus.stages.turn import OutOfPatienceError, Patience, Turn
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import Delivery, Sink, SlackChannel

MOST_ATTEMPTS: Final = 100
"""A notice that failed so often (over four days, by the waits between) is given up."""

_FIRST_WAIT: Final = timedelta(seconds=60)
_LONGEST_WAIT: Final = timedelta(hours=1)
_OUTBOX: Final = "outbox"


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """How many notices were told, one sentence for each that was not, and when there is more to do (None: never)."""

    project: str
    told: int = 0
    undelivered: tuple[str, ...] = ()
    again_at: datetime | None = None


def deliver(
    workspace: Workspace, project: str, *, incident: str | None = None, patience: Patience | None = None
) -> DeliveryReport:
    """Send every notice of `project` that is due, and bring its messages in channels up to date.

    With an `incident` only what is about that one. Sleeps as long as `patience` (a minute by default) allows where a
    service asks for it; what has to wait longer is left for a call at `again_at`. Nothing that goes wrong with a
    message raises; it is recorded at the notice. Two at once do no harm. Raises `StoreError`.
    """
    patience = patience or Patience(60.0)
    told, problems = 0, dict[str, str]()
    while True:
        found = workspace.store.due_deliveries(project, incident=incident, quiet=QUIET)
        rounds = [_Round(workspace, project, destination, patience) for destination in sorted(found)]
        for one in rounds:
            one.run(found[one.destination])
            told += one.told
            problems |= one.problems
        moments = [moment for one in rounds for moment in one.moments]
        if not moments:
            return DeliveryReport(project, told, tuple(problems.values()))
        try:
            patience.until(min(moments))
        except OutOfPatienceError as out:
            return DeliveryReport(project, told, tuple(problems.values()), out.until)


@dataclass(slots=True)
class _Round:
    """What is due at one destination now. `moments` says when what is left may go on."""

    workspace: Workspace
    project: str
    destination: str
    patience: Patience
    told: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    moments: list[datetime] = field(default_factory=list)

    def run(self, incidents: Sequence[str]) -> None:
        from lupus.act import SlackChannel, open_sink

        self._note_waiting(incidents)
        try:
            sink = open_sink(
                self.destination, connections=self.workspace.connections, outbox=self.workspace.settings.outbox
            )
        except (DeliveryError, ConnectionNotUsableError) as error:
            self._fail(self._due(incidents), error)
            return
        if self.destination == _OUTBOX:  # its file has a lock of its own, and knows what is in it
            self._send_all(sink, incidents, None)  # type: ignore[arg-type]
            return
        with Turn(self.workspace.store, self.destination, self.patience) as turn:
            if not turn.taken:
                self.moments.append(turn.busy_until)
                return
            try:
                if isinstance(sink, SlackChannel):
                    self._keep_threads(sink, incidents, turn)
                else:
                    self._send_all(sink, incidents, turn)
            except OutOfPatienceError as out:
                self.moments.append(out.until)

    def _keep_threads(self, channel: SlackChannel, incidents: Sequence[str], turn: Turn) -> None:
        for incident in incidents:
            thread = Thread(self.workspace, channel, self.project, self.destination, incident, turn)
            try:
                thread.keep()
            except DeliveryError as error:
                if self._stops(error, thread.current, incidents, turn):
                    return
            finally:
                self.told += thread.told

    def _send_all(self, sink: Sink, incidents: Sequence[str], turn: Turn | None) -> None:
        # Read now: whoever had the turn before may have sent some.
        for notice in self._due(incidents):
            try:
                if turn is not None:
                    turn.call()
                receipt = sink.deliver(self._delivery(notice))
            except (DeliveryError, ConnectionNotUsableError) as error:
                if self._stops(error, notice, incidents, turn):
                    return
            except (LupusError, OutOfPatienceError):
                raise
            except Exception as error:  # a sink of somebody else's: its faults are its own
                broken = DeliveryError(f"the sink broke: {type(error).__name__}: {error}; see its documentation")
                self._stops(broken, notice, incidents, turn)
            else:
                self.workspace.store.mark_notice(
                    notice.id,
                    NoticeState.SENT,
                    receipt=receipt,
                    delivered_at=self.patience.clock(),
                    missing_ok=True,
                )
                self.told += 1

    def _delivery(self, notice: Notice) -> Delivery:
        from lupus.act import Delivery, story_of

        story = story_of(notice.message)
        if story is None:
            return Delivery(notice, None)
        standing, _ = standing_of(self.workspace, self.project, notice.incident)

        def chart() -> bytes | None:
            if not story.items:
                return None
            item = story.items[0]
            key = SeriesKey(self.project, *item.series)
            return series_chart(self.workspace, key, until=notice.interval, title=item.name)

        return Delivery(notice, story, chart, standing)

    def _stops(self, error: LupusError, notice: Notice | None, incidents: Sequence[str], turn: Turn | None) -> bool:
        """Record a failure; whether nothing more is to be tried at this destination now."""
        now = self.patience.clock()
        for_all = getattr(error, "for_all", True)
        wait = getattr(error, "retry_after_seconds", None)
        if wait is not None:  # the service asks for patience: nobody's attempt has failed
            self._pause(now + timedelta(seconds=wait), turn)
            return True
        if getattr(error, "permanent", False) and for_all:
            self._fail(self._due(incidents), error)
            return True
        if notice is not None:
            self._fail([notice], error)
        else:
            self.problems[self.destination] = f"message at {self.destination} not brought up to date: {error}"
        if for_all:
            self._pause(now + _backoff(notice.attempts if notice else 0), turn)
        return bool(for_all)

    def _pause(self, moment: datetime, turn: Turn | None) -> None:
        if turn is not None:
            turn.not_before(moment)
        self.moments.append(moment)

    def _fail(self, notices: Sequence[Notice], error: LupusError) -> None:
        now = self.patience.clock()
        for notice in notices:
            hopeless = getattr(error, "permanent", False) or notice.attempts + 1 >= MOST_ATTEMPTS
            next_try = None if hopeless else now + _backoff(notice.attempts)
            self.workspace.store.mark_notice(
                notice.id,
                NoticeState.FAILED if hopeless else NoticeState.PENDING,
                error=str(error),
                delivered_at=now,
                next_try=next_try,
                missing_ok=True,
            )
            if next_try is not None:
                self.moments.append(next_try)
            self.problems[notice.id] = f"message to {notice.destination} not delivered: {error}"

    def _due(self, incidents: Sequence[str]) -> list[Notice]:
        now = self.patience.clock()
        return [notice for notice in self._pending(incidents) if is_due(notice, now)]

    def _pending(self, incidents: Sequence[str]) -> list[Notice]:
        chosen = set(incidents)
        found = self.workspace.store.notices(self.project, state=NoticeState.PENDING)
        return [one for one in found if one.destination == self.destination and one.incident in chosen]

    def _note_waiting(self, incidents: Sequence[str]) -> None:
        now = self.patience.clock()
        self.moments += [
            one.next_try for one in self._pending(incidents) if one.next_try is not None and one.next_try > now
        ]


def _backoff(attempts: int) -> timedelta:
    return min(_FIRST_WAIT * (1 << min(attempts, 10)), _LONGEST_WAIT)
