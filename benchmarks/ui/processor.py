"""Processor time of those who answer: the API server's process, and the database's that work for it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import psutil
import sqlalchemy as sa


def processor_of(address: str, url: str) -> Callable[[], float]:
    """Tells the seconds that the server at `address` and the database at `url`, if it runs here, have used so far."""
    port, name = urlsplit(address).port, sa.make_url(url).database or ""
    serving = [one for one in _mine() if _listens(one, port)]

    def used() -> float:
        working = [*serving, *(child for one in serving for child in one.children(recursive=True))]
        working += [one for one in psutil.process_iter() if _works_for(one, name)]
        return sum(map(_seconds, set(working)))

    return used


def _mine() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _listens(process: psutil.Process, port: int | None) -> bool:
    try:
        return any(one.status == "LISTEN" and one.laddr.port == port for one in process.net_connections("tcp"))
    except psutil.Error:
        return False


def _works_for(process: psutil.Process, name: str) -> bool:
    try:
        words = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return words.startswith("postgres:") and f" {name} " in words


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
