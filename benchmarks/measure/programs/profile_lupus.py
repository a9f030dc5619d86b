"""One table measured by Lupus. ``profile_lupus.py FILE [REFERENCES]``.

Without references it is a first slice, which fixes the histogram edges and the categories as well; they are written
to REFERENCES when that file does not exist yet, and read from it, as on any later day, when it does.
"""

import json
import os
import sys
from pathlib import Path

from lupus_tables import DATA, PROFILED, keep, kept, snapshot

from lupus.measure import Engine, measure_table


def main(path: str, references: str = "") -> None:
    file = Path(references) if references else None
    known = kept(file) if file is not None and file.exists() else []
    with Engine(threads=int(os.environ["BENCH_THREADS"])) as engine:
        found = measure_table(PROFILED, DATA, snapshot("data", Path(path)), known, engine=engine)
    if file is not None and not file.exists():
        keep(found.references, file)
    values = {(point.series.key.column, point.series.key.metric): point.value for point in found.points}
    check = {"rows": values["", "rows"]}
    if ("float3", "mean") in values:
        check |= {metric: values["float3", metric] for metric in ("null_ratio", "mean", "skew", "p50")}
    if ("text4", "distinct") in values:
        check["distinct"] = values["text4", "distinct"]
    print(json.dumps(check | {"metrics": len(found.points)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
