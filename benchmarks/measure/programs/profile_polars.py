"""The statistics that Lupus gives, as polars expressions over a lazy scan. ``profile_polars.py FILE [list]``.

Each quantile is an expression of its own, as it must be up to polars 1.30, which sorts for each; with ``list``
one expression gives them all, which newer versions know and which sorts once.
"""

import json
import sys

import polars as pl

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def statistics(name: str, kind: pl.DataType, *, one_list: bool) -> list[pl.Expr]:
    column = pl.col(name)
    found = {"null_count": column.null_count()}
    if kind == pl.String:
        # One count gives the distinct values, the most frequent ones and the entropy.
        found["counts"] = column.value_counts(sort=True).implode()
        return [value.alias(f"{name}:{what}") for what, value in found.items()]
    if kind.is_float():
        found |= {"nan": column.is_nan().sum(), "inf": column.is_infinite().sum()}
    found |= {
        "zeros": (column == 0).sum(),
        "negatives": (column < 0).sum(),
        "mean": column.mean(),
        "std": column.std(),
        "skew": column.skew(),
        "min": column.min(),
        "max": column.max(),
        "histogram": column.hist(bin_count=20, include_category=False).implode(),
    }
    if one_list:
        found["quantiles"] = column.quantile(list(QUANTILES), "linear")
    else:
        found |= {f"p{level * 100:02.0f}": column.quantile(level, "linear") for level in QUANTILES}
    return [value.alias(f"{name}:{what}") for what, value in found.items()]


def of_counts(counts: list[dict[str, object]]) -> dict[str, object]:
    rows = pl.DataFrame(counts)["count"]
    return {"distinct": len(rows), "top": counts[:5], "entropy": (rows / rows.sum()).entropy()}


def main(path: str, *how: str) -> None:
    table, one_list = pl.scan_parquet(path), how == ("list",)
    schema = table.collect_schema()
    wanted = [one for name, kind in schema.items() for one in statistics(name, kind, one_list=one_list)]
    found = table.select(pl.len().alias("rows"), *wanted).collect().row(0, named=True)
    texts = {name: of_counts(found[f"{name}:counts"]) for name, kind in schema.items() if kind == pl.String}
    check = {
        "rows": found["rows"],
        "null_ratio": found["float3:null_count"] / found["rows"],
        "mean": found["float3:mean"],
        "p50": found["float3:quantiles"][3] if one_list else found["float3:p50"],
        "skew": found["float3:skew"],
        "distinct": texts["text4"]["distinct"],
    }
    print(json.dumps(check))


if __name__ == "__main__":
    main(*sys.argv[1:])
