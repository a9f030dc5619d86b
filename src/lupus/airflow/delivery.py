"""DeliverOperator: sends what act has decided, and waits for a service without a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.sdk import Context

from lupus.airflow.intervals import run_interval
from lupus.airflow.operators import ProjectOperator, is_last_try, workspace
from lupus.model import Interval, LupusError

PATIENCE_SECONDS: Final = 60.0
"""So long a delivery may sleep in a worker; what has to wait longer waits in the triggerer."""

_SHORTEST_WAIT: Final = timedelta(seconds=5)
_LONGEST: Final = timedelta(hours=12)


class DeliverOperator(ProjectOperator):
    """Send the project's notices. It never makes a run red: what cannot be sent is recorded, and tried again.

    Where a service asks for more than a minute, or does not answer, the task defers. It gives up, green, after half of
    an interval (12 hours at most): by then the next run is near, and sends what is left.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        return self.deliver(context, began=datetime.now(UTC))

    def resume(self, context: Context, event: Any = None, began: str = "") -> dict[str, Any]:
        """Go on after a wait (`event` only says that it is over)."""
        del event
        return self.deliver(context, began=datetime.fromisoformat(began))

    def deliver(self, context: Context, *, began: datetime) -> dict[str, Any]:
        from lupus import stages

        interval = run_interval(context, self.project)
        try:
            with workspace() as opened:
                report = stages.deliver(opened, self.project.name, patience=stages.Patience(PATIENCE_SECONDS))
        except LupusError as error:  # the store
            if not is_last_try(context):
                raise
            self.log.error("Nothing can be delivered now, the next run will try: %s", error)
            return {"interval": interval.key, "told": 0, "waiting": True}
        for sentence in report.undelivered:
            self.log.warning("%s", sentence)
        if report.again_at is not None and report.again_at < give_up_at(interval, began):
            self._wait(report.again_at, began)
        return {"interval": interval.key, "told": report.told, "waiting": report.again_at is not None}

    def _wait(self, moment: datetime, began: datetime) -> None:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        self.log.info("Waiting until %s for the next try", moment.isoformat(timespec="seconds"))
        self.defer(
            trigger=DateTimeTrigger(moment=max(moment, datetime.now(UTC) + _SHORTEST_WAIT)),
            method_name="resume",
            kwargs={"began": began.isoformat()},
        )


def give_up_at(interval: Interval, began: datetime) -> datetime:
    """Until when a delivery that began at `began` may go on.

    >>> day = Interval(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC), "2026-01-01T00")
    >>> give_up_at(day, datetime(2026, 1, 1, 2, tzinfo=UTC)).isoformat()
    '2026-01-01T02:30:00+00:00'
    """
    return began + min((interval.end - interval.start) / 2, _LONGEST)
