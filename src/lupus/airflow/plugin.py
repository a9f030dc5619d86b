"""What Airflow must know of Lupus to read its Dags: the timetable. Found by the entry point ``airflow.plugins``."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from lupus.airflow.timetables import CadenceTimetable


class LupusSchedulePlugin(AirflowPlugin):
    """Registers `CadenceTimetable` in every Airflow component in which the package is installed."""

    name = "lupus_schedule"
    timetables = [CadenceTimetable]  # noqa: RUF012 - Airflow's own way to declare it
