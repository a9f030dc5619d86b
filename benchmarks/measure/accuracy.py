"""The accuracy section: runs `programs/accuracy_lupus.py`, which measures against exact answers."""

from __future__ import annotations

from dataclasses import dataclass

from race import Contender, Options, Result, run, say

ROWS = 1_000_000
"""Fewer, and the noise of the sample outweighs the error."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far off an answer is, and how far it may be."""

    what: str
    error: float
    limit: float

    @property
    def holds(self) -> bool:
        return self.error <= self.limit


def accuracy(options: Options) -> tuple[list[Accuracy], str]:
    """What was found, and why there is nothing when it failed."""
    say("accuracy")
    result = Result()
    run(Contender("accuracy", "accuracy_lupus.py", (str(ROWS),)), result, options)
    return [Accuracy(**one) for one in result.answer.get("found", ())], result.failure
