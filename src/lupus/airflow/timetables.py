"""CadenceTimetable: a run per interval, due when the interval is over, with the interval's key as partition key.

Airflow's own ``CronPartitionTimetable`` reckons ticks on the wall clock. Where the clocks change at midnight
(Santiago, Cairo, the Azores, ...) it gives one day's key to two runs and leaves the day before it out. Here ticks
and keys are the Cadence's own, so the scheduler, backfills, the command line and the store cannot disagree.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pendulum
from airflow.timetables.trigger import CronPartitionTimetable

from lupus.model import Cadence, CadenceKind

_MOMENT = timedelta(microseconds=1)


class CadenceTimetable(CronPartitionTimetable):
    """The timetable of `cadence`. Scheduling, backfill and keys are Airflow's; only the ticks are the Cadence's."""

    def __init__(self, cadence: Cadence) -> None:
        super().__init__(
            cadence.expression, timezone=cadence.cron_timezone, run_offset=-1, key_format=cadence.key_format
        )
        self.cadence = cadence

    @property
    def summary(self) -> str:
        """What Airflow shows as the schedule."""
        return f"{self.cadence.kind}, {self.cadence.expression} {self.cadence.cron_timezone}"

    def serialize(self) -> dict[str, Any]:
        return {"kind": str(self.cadence.kind), "timezone": self.cadence.timezone, "cron": self.cadence.cron}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CadenceTimetable:
        return cls(Cadence(CadenceKind(data["kind"]), timezone=data["timezone"], cron=data["cron"]))

    def _get_next(self, current: datetime) -> pendulum.DateTime:
        return pendulum.instance(self.cadence.containing(current).end)

    def _get_prev(self, current: datetime) -> pendulum.DateTime:
        return pendulum.instance(self.cadence.containing(current - _MOMENT).start)

    def _align_to_next(self, current: datetime) -> pendulum.DateTime:
        here = self.cadence.containing(current)
        return pendulum.instance(here.start if here.start == current else here.end)

    def _align_to_prev(self, current: datetime) -> pendulum.DateTime:
        return pendulum.instance(self.cadence.containing(current).start)

    def _decode_partition_date(self, partition_key: str) -> datetime:
        # Airflow's own reading knows neither offsets nor days without a midnight.
        with suppress(ValueError, OverflowError):
            interval = self.cadence.parse(partition_key)
            if interval.key == partition_key:
                return pendulum.instance(interval.start)
        return super()._decode_partition_date(partition_key)

    def _format_key(self, partition_date: datetime) -> str:
        return self.cadence.containing(partition_date).key
