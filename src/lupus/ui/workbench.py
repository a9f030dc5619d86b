"""The rule workbench's answers: at once for one series, as a stream of progress for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from lupus.model import LupusError
from lupus.ui.answers import to_json
from lupus.ui.spans import axis, code, severity_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from lupus.model import Verdict
    from lupus.stages.workbench import Replay, Trial
    from lupus.store.views.rows import ProjectStand
    from lupus.ui.service import Service

_FLAGS: Final = 200


class _StoppedError(Exception):
    """Whoever asked has gone."""


def answer(service: Service, stand: ProjectStand, trial: Trial, *, single: bool) -> dict[str, Any]:
    """A `BacktestOut` as plain values."""
    incidents = {
        (finding.verdict.series, finding.verdict.interval): one
        for one in service.store.incidents(stand.name)
        for finding in one.findings
    }

    def flag(one: Verdict) -> dict[str, Any]:
        held = incidents.get((one.series, one.interval))
        return {
            "id": one.series.slug,
            "key": one.interval.key,
            "subject": one.series.subject,
            "metric": one.series.metric,
            "status": code(one.status),
            "severity": severity_code(one.severity),
            "score": one.score,
            "sentence": one.sentence,
            "incident": held.id if held else "",
            "outcome": str(held.outcome) if held and held.outcome else "",
        }

    starts = [int(one.start.timestamp()) for one in trial.intervals]
    worst = (
        sorted(trial.gained, key=lambda one: -(one.score or 0.0)),
        sorted(trial.lost, key=lambda one: -(one.score or 0.0)),
    )
    return {
        "project": stand.name,
        "rule": trial.proposal.rule.name,
        "parameters": {name: _plain(value) for name, value in trial.proposal.rule.parameters.items()},
        "axis": axis(stand, starts, [one.key for one in trial.intervals]),
        "y": list(trial.values),
        "today": _side(trial, trial.today) if single else None,
        "proposal": _side(trial, trial.proposal) if single else None,
        "today_tally": _tally(trial.today),
        "proposal_tally": _tally(trial.proposal),
        "gained": [flag(one) for one in worst[0][:_FLAGS]],
        "lost": [flag(one) for one in worst[1][:_FLAGS]],
        "gained_total": len(trial.gained),
        "lost_total": len(trial.lost),
        "diff": trial.diff,
    }


def _side(trial: Trial, side: Replay) -> dict[str, Any]:
    place = {interval: number for number, interval in enumerate(trial.intervals)}
    size = len(trial.intervals)
    found: dict[str, list[Any]] = {"v": [-1] * size}
    found |= {name: [None] * size for name in ("expected", "lo", "hi", "sc")}
    for one in side.verdicts:
        at = place[one.interval]
        found["v"][at] = code(one.status)
        for name, value in (("expected", one.expected), ("lo", one.lower), ("hi", one.upper), ("sc", one.score)):
            found[name][at] = value
    return found


def _tally(side: Replay) -> dict[str, Any]:
    agreed = side.agreement
    return {
        "findings": len(side.findings),
        "incidents": side.incidents,
        "per_month": side.per_month,
        "confirmed": agreed.confirmed,
        "caught": agreed.caught,
        "refused": agreed.refused,
        "cried": agreed.cried,
    }


def stream(work: Callable[[Callable[[int, int], None]], dict[str, Any]]) -> Iterator[bytes]:
    """Server-sent events of `Progress` while `work` goes on in a thread; it stops when nobody listens any more.

    A stream needs no place to keep jobs in: it works with any number of API servers, and ends with the tab.
    """
    told: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    stopped = Event()

    def progress(done: int, of: int) -> None:
        if stopped.is_set():
            raise _StoppedError
        told.put({"done": done, "of": of, "result": None, "problem": ""})

    def run() -> None:
        try:
            result = work(progress)
            told.put({"done": 1, "of": 1, "result": result, "problem": ""})
        except _StoppedError:
            pass
        except LupusError as error:
            told.put({"done": 0, "of": 0, "result": None, "problem": str(error)})
        except Exception:
            told.put({"done": 0, "of": 0, "result": None, "problem": "Lupus failed; see the API server's log"})
            raise
        finally:
            told.put(None)

    Thread(target=run, name="lupus-backtest", daemon=True).start()
    try:
        while (line := told.get()) is not None:
            yield b"data: " + to_json(line) + b"\n\n"
    finally:
        stopped.set()


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
