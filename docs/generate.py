"""Writes the reference pages and the JSON Schema from the code: ``python docs/generate.py [--to FOLDER]``.

What a page says is read from the code itself: the schema of project files, the command line, the parameter classes
of the rules, the series that a tiny measured product really gets, docstrings. What only a person can say (the
meaning of a metric or a status) is in ``meanings.toml``, and must be complete.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from generator import http_api, metrics, names, project_files, use
from generator.text import IncompleteError

DOCS: Final = Path(__file__).parent
PAGES: Final[dict[str, Callable[[], str]]] = {
    "project.schema.json": project_files.schema_page,
    "reference/project-file.md": project_files.project_file,
    "reference/command-line.md": use.command_line,
    "reference/rules.md": project_files.rules,
    "reference/metrics.md": metrics.metrics,
    "reference/settings.md": use.settings,
    "reference/words.md": names.words,
    "reference/python.md": names.python,
    "reference/rooms.md": names.rooms,
    "reference/http-api.md": http_api.http_api,
}


def main() -> int:
    """Writes all pages; the exit status is 1 when a meaning is missing."""
    parser = argparse.ArgumentParser(description="Write the reference pages and the JSON Schema.")
    parser.add_argument("--to", type=Path, default=DOCS, help="the folder to write to")
    folder = parser.parse_args().to
    try:
        pages = {path: write() for path, write in PAGES.items()}
    except IncompleteError as error:
        sys.stderr.write(f"docs/meanings.toml: {error}\n")
        return 1
    for path, text in pages.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
