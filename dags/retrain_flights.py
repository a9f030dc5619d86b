"""The retraining Dag of the flights product: Lupus triggers it, or a person does."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import BaseHook, dag, task
from airflow.sdk.exceptions import AirflowFailException


@dag(
    dag_id="retrain_flights",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "ml-flights", "retries": 2, "retry_delay": timedelta(seconds=30)},
    tags=["flights", "retraining"],
    description="Refits the flights model on the last 60 days and scores the days that follow",
    doc_md="""
Fits the model to the 60 days up to `interval`, as far as their arrivals were known then, and replaces the predictions
of all later days. Running it again for the same interval gives the same model and the same predictions.

Trigger it with a conf such as `{"interval": "2013-12-11"}`. Lupus adds `project`, `reasons` and `request`.
The warehouse is the SQLite file in the host field of the connection `warehouse`.
""",
)
def retrain_flights() -> None:
    """Two tasks: a new model, then its predictions."""

    @task
    def refit(**context: Any) -> str:
        """Trains and stores a model; returns its version."""
        from flights_product.retraining import refit as refit_model

        conf = context["dag_run"].conf or {}
        for reason in conf.get("reasons", ()):
            print(f"asked for because: {reason}")
        version = refit_model(_warehouse(), _day(conf))
        print(f"stored model {version}")
        return version

    @task
    def score(version: str) -> int:
        """Scores all days after the training days; returns how many flights."""
        from flights_product.retraining import rescore

        rows = rescore(_warehouse(), version)
        print(f"model {version} has predicted {rows} flights")
        return rows

    score(refit())  # type: ignore[arg-type]  # a call of a task gives a promise of its result


def _day(conf: dict[str, Any]) -> date:
    """The last training day, which the trigger must name."""
    text = conf.get("interval")
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise AirflowFailException(
            f'the conf must name the last training day, such as {{"interval": "2013-12-11"}}; it says {text!r}'
        ) from None


def _warehouse() -> Path:
    """The SQLite file that the connection `warehouse` points at."""
    host = BaseHook.get_connection("warehouse").host
    if not host:
        raise AirflowFailException(
            "the connection `warehouse` names no file; put the path of the SQLite file in its host"
        )
    return Path(host)


retrain_flights()
