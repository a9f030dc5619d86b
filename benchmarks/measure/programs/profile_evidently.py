"""Evidently's DataSummaryPreset over the table. ``profile_evidently.py FILE``."""

import json
import sys

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataSummaryPreset


def main(path: str) -> None:
    frame = pd.read_parquet(path)
    texts = [name for name in frame if name.startswith("text")]
    definition = DataDefinition(
        numerical_columns=[name for name in frame if name not in texts], categorical_columns=texts
    )
    found = Report([DataSummaryPreset()]).run(Dataset.from_pandas(frame, data_definition=definition)).dict()
    values = {metric["metric_name"]: metric["value"] for metric in found["metrics"]}
    check = {
        "rows": values["RowCount()"],
        "null_ratio": values["MissingValueCount(column=float3)"]["share"],
        "mean": values["MeanValue(column=float3)"],
        "p50": values["QuantileValue(column=float3,quantile=0.5)"],
    }
    print(json.dumps(check, default=float))


if __name__ == "__main__":
    main(sys.argv[1])
