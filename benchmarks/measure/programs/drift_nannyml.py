"""NannyML's univariate drift of one table against another, in one chunk. ``drift_nannyml.py REFERENCE TABLE``.

The methods are those that Lupus has too, of those that NannyML has.
"""

import json
import sys
import warnings

import nannyml
import pandas as pd


def main(reference: str, table: str) -> None:
    warnings.filterwarnings("ignore", category=UserWarning)  # that one chunk gives no threshold
    first, second = pd.read_parquet(reference), pd.read_parquet(table)
    names = list(first.columns)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names,
        treat_as_categorical=[name for name in names if name.startswith("text")],
        continuous_methods=["jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein"],
        categorical_methods=["jensen_shannon", "hellinger", "chi2", "l_infinity"],
        chunk_number=1,
    )
    found = calculator.fit(first).calculate(second).filter(period="analysis").to_df()
    value = float(found[("float3", "jensen_shannon", "value")].iloc[0])
    print(json.dumps({"rows": len(second), "js": value}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
