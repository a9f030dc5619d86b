"""Airflow imports this when it starts. The demo's scheduler loads once what each of its tasks would load again.

With the LocalExecutor every task is a fork of the scheduler, and finds these libraries there: half of a run's time
otherwise goes into importing them. Lupus itself is not among them, so that edits count without a restart.
"""

import importlib
import sys

__all__: list[str] = []

if sys.argv[1:2] == ["scheduler"]:
    for name in (
        "alembic.command",
        "duckdb",
        "great_expectations.execution_engine.pandas_execution_engine",
        "ibis.backends.duckdb",
        "pandas",
        "pyarrow.dataset",
        "pyarrow.parquet",
        "rich.table",
        "sqlalchemy.dialects.sqlite.pysqlite",
    ):
        importlib.import_module(name)
