"""One deliverer's turn at one destination: nobody else delivers there meanwhile, and not too fast."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from lupus.store import Store

LEASE: Final = timedelta(seconds=45)
"""Longer than any one call to a service takes: three steps of an upload, ten seconds each."""

PACE: Final = timedelta(seconds=1)
"""Slack takes about one message a second in a channel."""


class OutOfPatienceError(Exception):
    """The rest has to wait until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Patience:
    """How long a deliverer may sleep in all; `clock` and `sleep` are the tests' to replace."""

    left_seconds: float
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep

    def until(self, moment: datetime) -> None:
        """Sleep until `moment`; raises `OutOfPatienceError` instead when that is longer than what is left."""
        seconds = (moment - self.clock()).total_seconds()
        if seconds <= 0:
            return
        if seconds > self.left_seconds:
            raise OutOfPatienceError(moment)
        self.left_seconds -= seconds
        self.sleep(seconds)


@dataclass(slots=True)
class Turn:
    """A lease on a destination. Use it as a context; `taken` says whether it was to be had."""

    store: Store
    destination: str
    patience: Patience
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    taken: bool = False
    ready: datetime | None = None
    busy_until: datetime = field(init=False)
    _leased_until: datetime | None = None

    def __enter__(self) -> Turn:
        now = self.patience.clock()
        self.taken = self._lease(now)
        other, self.ready = self.store.destinations([self.destination]).get(self.destination, (None, None))
        # Whoever has it will most likely be done long before the lease ends.
        self.busy_until = min(other or now, now + PACE)
        if self.busy_until <= now:
            self.busy_until = now + PACE / 10
        return self

    def __exit__(self, *_: object) -> None:
        if self.taken:
            self.store.release(self.destination, self.owner, ready=self.ready)

    def call(self, *, writes: bool = True) -> None:
        """Call this before every call to the service: keeps the pace and the lease.

        Raises `OutOfPatienceError` when the service, or a deliverer who thought this one dead, has to be waited for.
        """
        if writes and self.ready is not None:
            self.patience.until(self.ready)
        now = self.patience.clock()
        if self._leased_until is None or self._leased_until - now < LEASE * 0.8:
            self.taken = self._lease(now)
            if not self.taken:
                raise OutOfPatienceError(now + LEASE)
        if writes:
            self.ready = now + PACE

    def not_before(self, moment: datetime) -> None:
        """The service wants no message before `moment`."""
        self.ready = max(moment, self.ready or moment)

    def _lease(self, now: datetime) -> bool:
        self._leased_until = now + LEASE
        return self.store.take_lease(self.destination, self.owner, now=now, until=self._leased_until)
