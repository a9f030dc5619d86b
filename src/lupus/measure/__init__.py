"""Snapshots to States to Metrics: one query per table, through Ibis on DuckDB."""

from lupus.measure.engine import Engine
from lupus.measure.table import TableMeasures, absent_points, measure_table

__all__ = ["Engine", "TableMeasures", "absent_points", "measure_table"]
