"""Where the demo keeps things, and the environment that makes Lupus and Airflow agree on it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The repository."""

_OURS: Final = ("AIRFLOW", "LUPUS_", "_AIRFLOW")


@dataclass(frozen=True, slots=True)
class Layout:
    """All files of one demo, below `folder`."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.db"

    @property
    def lupus(self) -> Path:
        return self.folder / "lupus"

    @property
    def airflow(self) -> Path:
        return self.folder / "airflow"

    @property
    def airflow_log(self) -> Path:
        return self.folder / "airflow.log"

    @property
    def passwords(self) -> Path:
        return self.airflow / "passwords.json"

    @property
    def done(self) -> Path:
        """There once every December run has succeeded: the next ``make demo`` begins at the end."""
        return self.folder / "done"

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """`inherited` without settings that belong to another Airflow or Lupus, and with the demo's connections."""
        environment = {
            name: value
            for name, value in inherited.items()
            if not name.startswith(_OURS) and name != "PYTHONDONTWRITEBYTECODE"
        }
        paths = [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
        return environment | {
            "PATH": os.pathsep.join(paths),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "dags"), str(ROOT / "examples")]),
            "GX_ANALYTICS_ENABLED": "false",
            # Everything here talks to this machine only, whatever proxy it has.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "LUPUS_HOME": str(self.lupus),
            "LUPUS_PROJECTS": str(ROOT / "dags" / "projects"),
            "LUPUS_EXPECTATIONS": str(ROOT / "expectations"),
            # The same warehouse, once for `lupus` and once for Airflow's tasks.
            "LUPUS_CONN_WAREHOUSE": f"sqlite:///{self.warehouse}",
            "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(self.warehouse)}),
        }

    def airflow_environment(self, inherited: Mapping[str, str], *, ports: tuple[int, int, int]) -> dict[str, str]:
        """`environment` with an Airflow of its own; `ports` are the UI's and those of two log servers."""
        web, worker_logs, trigger_logs = ports
        environment = self.environment(inherited)
        return environment | {
            "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(Path(__file__).parent / "settings")]),
            "AIRFLOW_HOME": str(self.airflow),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(web),
            # Tasks find the API server through it: with the wrong port every one of them fails.
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{web}",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_logs),
            # A run has half a dozen short tasks, one after the other: waiting between them is most of its time.
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            # A task's supervisor that misses the moment in which its process ends waits for so long (5 by default).
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }
