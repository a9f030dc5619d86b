"""The Airflow room: one Dag per project file, thin operators, and Airflow's Connections as ours.

A Dag file needs two lines: ``from lupus.airflow import build_dags`` and ``globals().update(build_dags(folder))``.
Nothing heavy is imported when it is parsed: the stages are loaded inside the running task.
"""

from lupus.airflow.connections import AirflowConnections, store_url
from lupus.airflow.dags import DAG_PREFIX, build_dags
from lupus.airflow.intervals import run_interval

__all__ = ["DAG_PREFIX", "AirflowConnections", "build_dags", "run_interval", "store_url"]
