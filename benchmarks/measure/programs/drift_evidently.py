"""Evidently's DataDriftPreset of one table against another. ``drift_evidently.py REFERENCE TABLE``."""

import json
import sys

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main(reference: str, table: str) -> None:
    frames = [pd.read_parquet(path) for path in (reference, table)]
    texts = [name for name in frames[0] if name.startswith("text")]
    definition = DataDefinition(
        numerical_columns=[name for name in frames[0] if name not in texts], categorical_columns=texts
    )
    first, second = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
    found = Report([DataDriftPreset()]).run(second, first).dict()
    columns = sum(metric["metric_name"].startswith("ValueDrift") for metric in found["metrics"])
    print(json.dumps({"rows": len(frames[1]), "columns": columns}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
