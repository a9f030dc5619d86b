"""A whylogs profile of the table, as its documentation shows: frame in, profile out. ``profile_whylogs.py FILE``."""

import json
import sys

import pandas as pd
import whylogs


def main(path: str) -> None:
    frame = pd.read_parquet(path)
    found = whylogs.log(frame).view().to_pandas()
    one = found.loc["float3"]
    check = {
        "rows": len(frame),
        "null_ratio": float(one["counts/null"] / one["counts/n"]),
        "mean": float(one["distribution/mean"]),
        "p50": float(one["distribution/median"]),
        "distinct": float(found.loc["text4", "cardinality/est"]),
    }
    print(json.dumps(check))


if __name__ == "__main__":
    main(sys.argv[1])
