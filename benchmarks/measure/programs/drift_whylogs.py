"""whylogs' drift of one table against another. ``drift_whylogs.py REFERENCE TABLE``.

Tables are Parquet files, which are profiled first, or profiles (``.bin``) that ``drift_whylogs.py`` with ``keep``
and the files to write as further arguments has stored.
"""

import json
import sys

import pandas as pd
import whylogs
from whylogs.core.view.dataset_profile_view import DatasetProfileView
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores


def profile(path: str) -> DatasetProfileView:
    if path.endswith(".bin"):
        return DatasetProfileView.read(path)
    return whylogs.log(pd.read_parquet(path)).view()


def main(reference: str, table: str, *kept: str) -> None:
    first, second = profile(reference), profile(table)
    if kept[:1] == ("keep",):
        first.write(path=kept[1])
        second.write(path=kept[2])
    scores = calculate_drift_scores(target_view=second, reference_view=first, with_thresholds=True)
    rows = int(second.get_column("float3").get_metric("counts").n.value)
    print(json.dumps({"rows": rows, "columns": sum(score is not None for score in scores.values())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
