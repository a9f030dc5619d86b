"""Writes the OpenAPI document, from which the front end's types are made: ``python -m lupus.ui.openapi FILE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lupus.ui.app import create_app, document

if __name__ == "__main__":
    # To a file: Airflow logs to the standard output.
    Path(sys.argv[1]).write_text(json.dumps(document(create_app()), indent=2, sort_keys=True) + "\n", encoding="utf-8")
