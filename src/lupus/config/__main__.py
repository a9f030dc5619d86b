"""``python -m lupus.config docs/project.schema.json`` writes the JSON Schema anew; without a path it prints it."""

from __future__ import annotations

import sys
from pathlib import Path

from lupus.config.schema import schema_text


def main(arguments: list[str]) -> int:
    """Write the schema to the path given, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(schema_text(), encoding="utf-8")
    else:
        sys.stdout.write(schema_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
