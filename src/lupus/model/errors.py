"""Everything Lupus raises on purpose.

    LupusError
    ├── ConfigError          a project file is wrong; carries every problem found
    ├── ConnectionNotUsableError  a named connection is not defined, or not usable
    ├── ExtractError         a source could not be read
    ├── ValidationError      a GX suite could not be loaded
    ├── MeasureError         a snapshot could not be measured at all
    ├── StoreError           the metric store is absent, old, or refuses
    ├── ConflictError        somebody else changed it in between, or it cannot be changed so
    ├── DeliveryError        a sink refused a message (``retry_after_seconds`` when it says so)
    └── StageError           a stage of a run failed; names project, interval and stage

A broken column or metric is *not* an error: it is a `Failure` inside a `MetricPoint`.
"""

from __future__ import annotations

from dataclasses import dataclass


class LupusError(Exception):
    """The root of all errors that Lupus raises on purpose; its text is meant for users."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a project file.

    `line` and `column` count from 1; 0 means "the file as a whole".
    """

    path: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """`file:line:column: message. hint`.

        >>> print(Problem("flights.yaml", 14, 7, "unknown key 'scroe'", "did you mean 'score'?"))
        flights.yaml:14:7: unknown key 'scroe'; did you mean 'score'?
        """
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{where}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class ConfigError(LupusError):
    """A project file cannot be used. `problems` holds all of them, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ConnectionNotUsableError(LupusError):
    """A named connection is not defined, or lacks a field that its user needs."""


class ExtractError(LupusError):
    """A source could not be read; the text says which, why, and what to do next."""


class ValidationError(LupusError):
    """A Great Expectations suite could not be loaded."""


class MeasureError(LupusError):
    """A snapshot could not be measured at all (for one column, see `Failure`)."""


class StoreError(LupusError):
    """The metric store is absent, out of date, or refuses."""


class ConflictError(LupusError):
    """An incident (or what else people share) was changed by somebody else in between, or cannot be changed so now.

    The text says what it is now, and who made it so.
    """


class DeliveryError(LupusError):
    """A sink did not take a message.

    `retry_after_seconds` is the sink's own wish; `permanent` says that trying again is of no use; `for_all` says that
    no other message to the same destination would fare better now.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        permanent: bool = False,
        for_all: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.permanent = permanent
        self.for_all = for_all or retry_after_seconds is not None


class StageError(LupusError):
    """A stage of a run failed; the other stages' work is kept and the stage can be run again."""
