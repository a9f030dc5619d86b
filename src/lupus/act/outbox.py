"""The outbox: a file that keeps the messages which have nowhere else to go."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lupus.act.slack_message import channel_message, note
from lupus.act.story import story_of
from lupus.model import DeliveryError

if TYPE_CHECKING:
    from lupus.act.sinks import Delivery


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One delivered notice as the outbox keeps it. `interval` is a key, `destination` what the notice said."""

    id: str
    project: str
    incident: str
    interval: str
    destination: str
    reason: str
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OutboxSink:
    """Appends one line of JSON per notice to `path`.

    A notice whose id is there already is not written again, whoever else is writing. A line that a killed
    writer left unfinished is removed by the next one.
    """

    path: Path

    def deliver(self, delivery: Delivery) -> str:
        """Appends the notice and returns ``outbox:<id>``; raises `DeliveryError` when the file cannot be written."""
        notice = delivery.notice
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path) as file:
                size = _complete_size(file)
                if not _holds(file, size, _start(notice.id)):
                    _append(file, size, _line(delivery))
        except OSError as error:
            raise DeliveryError(
                f"cannot write the outbox {self.path}: {error.strerror or error}; make the file writable, or free space"
            ) from error
        return f"outbox:{notice.id}"


def read_outbox(path: Path) -> tuple[OutboxMessage, ...]:
    """All messages in the outbox at `path`, oldest first; none when there is no such file.

    An unfinished last line is not read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    complete = content[: content.rfind(b"\n") + 1]
    return tuple(OutboxMessage(**json.loads(line)) for line in complete.splitlines())


def _start(notice_id: str) -> bytes:
    """How the line of a notice begins. The id comes first so that looking for it needs no parsing."""
    return b'{"id": ' + json.dumps(notice_id).encode() + b", "


def _line(delivery: Delivery) -> bytes:
    notice = delivery.notice
    story = story_of(notice.message)
    fields = {
        "id": notice.id,
        "project": notice.project,
        "incident": notice.incident,
        "interval": notice.interval.key,
        "destination": notice.destination,
        "reason": notice.reason.value,
        "message": channel_message(story, delivery.standing) if story else note(str(notice.message["text"])),
    }
    return json.dumps(fields, default=dict).encode() + b"\n"


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    # Messages name tables and columns, so the file is for its owner and group only.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # closing the file releases it, and so does being killed
        yield file
    finally:
        os.close(file)


def _complete_size(file: int) -> int:
    """The size of the file up to the end of its last complete line; what follows was left by a killed writer."""
    size = os.fstat(file).st_size
    if size == 0 or os.pread(file, 1, size - 1) == b"\n":
        return size
    with mmap.mmap(file, size, prot=mmap.PROT_READ) as view:
        complete = view.rfind(b"\n") + 1
    os.ftruncate(file, complete)
    return complete


def _holds(file: int, size: int, start: bytes) -> bool:
    if size == 0:
        return False
    with mmap.mmap(file, size, prot=mmap.PROT_READ) as view:
        return view[: len(start)] == start or view.find(b"\n" + start) >= 0


def _append(file: int, size: int, line: bytes) -> None:
    try:
        written = os.write(file, line)
        if written != len(line):
            raise OSError(None, f"only {written} of {len(line)} bytes were written")
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise
