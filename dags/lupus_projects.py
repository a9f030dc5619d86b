"""One Airflow Dag per project file in ``projects`` (or ``LUPUS_PROJECTS``). Nothing else belongs here."""

import os
from pathlib import Path

from lupus.airflow import build_dags

globals().update(build_dags(Path(os.environ.get("LUPUS_PROJECTS") or Path(__file__).parent / "projects")))
