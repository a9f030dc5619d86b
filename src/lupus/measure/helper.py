"""Helpers: further processes that tally columns of a Parquet file.

NumPy's loops over short arrays let no other thread of their process run: two threads take as long as one. A helper is
a plain Python that is started for one slice, is asked over its standard input and answers over its standard output. It
ends with the process that started it, and one that cannot be started, or is killed, only leaves more to be done.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from lupus.measure.cells import Cells
from lupus.measure.tally import Columns, Wanted

_SERVE: Final = "from lupus.measure.helper import serve; serve()"


class HelperGoneError(Exception):
    """The helper has ended, or was never there."""


class Helper:
    """Another process that tallies columns of one file; to be asked from one thread at a time, and closed."""

    def __init__(self, path: Path) -> None:
        # Whatever made Lupus importable here makes it so there; and no folder that happens to be the current one.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-c", _SERVE, os.fspath(path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
        except OSError:
            return  # there is no memory for it, or no such Python: then this process does it all

    def cells(self, wanted: Wanted) -> Cells | None:
        """What `Columns.cells` would answer. Raises `HelperGoneError`."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise HelperGoneError
        try:
            pickle.dump(wanted, process.stdin)
            process.stdin.flush()
            found: Cells | None = pickle.load(process.stdout)  # noqa: S301 - from our own child
        except Exception as error:  # whatever it is, this process does without
            raise HelperGoneError from error
        return found

    def close(self) -> None:
        """Ends the process."""
        process = self._process
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)
        process.wait()


def serve() -> None:
    """What a helper does until nobody asks any more."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that a library prints may get among the answers
    with Columns(Path(sys.argv[1])) as columns:
        while True:
            try:
                wanted = pickle.load(asked)  # noqa: S301 - from our own parent
            except EOFError:
                return
            pickle.dump(columns.cells(wanted), answers)
            answers.flush()


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        return  # what was not yet written can no longer be
