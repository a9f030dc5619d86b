"""The statistics that Lupus gives, with pandas, as one writes them by hand. ``profile_pandas.py FILE``."""

import json
import sys

import numpy as np
import pandas as pd

QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]


def numbers(values: pd.Series) -> dict[str, object]:
    plain = values.to_numpy()
    finite = plain[np.isfinite(plain)]
    return {
        "null_ratio": float(values.isna().mean()),
        "inf_ratio": float(np.isinf(plain).mean()),
        "zero_ratio": float((plain == 0).mean()),
        "negative_ratio": float((plain < 0).mean()),
        "mean": float(values.mean()),
        "std": float(values.std()),
        "skew": float(values.skew()),
        "min": float(values.min()),
        "max": float(values.max()),
        "quantiles": values.quantile(QUANTILES).tolist(),
        "histogram": np.histogram(finite, bins=20)[0].tolist(),
    }


def texts(values: pd.Series) -> dict[str, object]:
    counts = values.value_counts()
    shares = counts / counts.sum()
    return {
        "null_ratio": float(values.isna().mean()),
        "distinct": len(counts),
        "top": shares.head(5).to_dict(),
        "entropy": float(-(shares * np.log(shares)).sum()),
    }


def main(path: str) -> None:
    frame = pd.read_parquet(path)
    found = {
        name: numbers(values) if pd.api.types.is_numeric_dtype(values) else texts(values)
        for name, values in frame.items()
    }
    check = {
        "rows": len(frame),
        "null_ratio": found["float3"]["null_ratio"],
        "mean": found["float3"]["mean"],
        "skew": found["float3"]["skew"],
        "p50": found["float3"]["quantiles"][3],
        "distinct": found["text4"]["distinct"],
    }
    print(json.dumps(check))


if __name__ == "__main__":
    main(sys.argv[1])
