"""Nine months of the flights product through all stages in one go, beside a script such as each team writes for itself.

Run with ``python benchmarks/history.py [days]``. Lupus runs as ``lupus run flights --day … --to …`` does: three tables,
suites, segments, late labels, rules, incidents, messages, everything stored. The script reads the same rows with
pandas, runs the same suites with Great Expectations, describes every column for the whole and for both segments,
scores the model with scikit-learn when the labels are there, and appends it all to SQLite; it judges and tells
nothing. The script is timed on the first days only, and compared per day.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIRST = date(2013, 3, 1)
BUDGET_SECONDS = 60.0
BACKTEST_SECONDS = 5.0
SCRIPT_DAYS = 30
LUPUS = """\
import resource, sys
from lupus.cli.main import main

if __name__ == "__main__":
    try:
        main()
    finally:
        used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(f"peak memory of a process: {used / 1024:.0f} MiB")
"""


def surroundings(folder: Path, warehouse: Path) -> dict[str, str]:
    """The environment of a `lupus` that keeps everything in `folder`."""
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "LUPUS_HOME": str(folder / "lupus"),
        "LUPUS_PROJECTS": str(ROOT / "dags" / "projects"),
        "LUPUS_EXPECTATIONS": str(ROOT / "expectations"),
        "LUPUS_CONN_WAREHOUSE": f"sqlite:///{warehouse}",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "dags")]),
    }


def with_lupus(folder: Path, environment: dict[str, str], days: int) -> float:
    """Seconds for `days` days."""
    program = folder / "run.py"
    program.write_text(LUPUS)
    last = FIRST + timedelta(days=days - 1)
    command = [sys.executable, str(program), "run", "flights", "--day", f"{FIRST}", "--to", f"{last}"]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    lines = done.stdout.splitlines()
    print(f"  {lines[0]}; {lines[-1]}")
    with sqlite3.connect(folder / "lupus" / "store.db") as store:
        for table in ("series", "points", "verdicts", "states"):
            print(f"  {store.execute(f'SELECT count(*) FROM {table}').fetchone()[0]:>9,} {table}")
    return seconds


def backtest(folder: Path, environment: dict[str, str]) -> None:
    """Print how long the whole stored history takes to be judged with a changed rule, start included."""
    command = [sys.executable, str(folder / "run.py"), "backtest", "flights"]
    command += ["--rule", "recent_average:sensitivity=6", "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    # What the program says of its memory stands behind the JSON.
    answer = json.JSONDecoder().raw_decode(done.stdout)[0]
    print(f"  backtest of a changed rule, {answer['first']} to {answer['last']}, all series: {seconds:.1f} s", end="; ")
    print(f"{len(answer['new'])} findings new, {len(answer['gone'])} gone, ", end="")
    print(f"{BACKTEST_SECONDS / seconds:.1f} times as fast as the budget of {BACKTEST_SECONDS:.0f} s")


def by_script(folder: Path, warehouse: Path, days: int) -> float:
    """Seconds for `days` days, without the imports."""
    import great_expectations as gx
    import pandas as pd
    from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, log_loss, roc_auc_score

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("frames")
    tables = {
        "data": ("flights", "date"),
        "prediction": ("predictions", "date"),
        "ground_truth": ("arrivals", "arrived_on"),
    }
    batches, suites = {}, {}
    for role in tables:
        batches[role] = source.add_dataframe_asset(role).add_batch_definition_whole_dataframe("all")
        suites[role] = gx.ExpectationSuite(
            **json.loads((ROOT / "expectations" / "flights" / f"{role}.json").read_text())
        )
    started = time.perf_counter()
    with sqlite3.connect(warehouse) as read, sqlite3.connect(folder / "script.db") as write:
        for number in range(days):
            day = FIRST + timedelta(days=number)
            rows = []
            for role, (table, column) in tables.items():
                frame = pd.read_sql(f"SELECT * FROM {table} WHERE {column} = ?", read, params=[f"{day}"])
                outcome = batches[role].get_batch({"dataframe": frame}).validate(suites[role])
                rows.append((f"{day}", role, "", "success", float(bool(outcome.success))))
                for by in (None, "origin", "carrier"):
                    if by is not None and by not in frame:
                        continue
                    for name, group in [("", frame)] if by is None else frame.groupby(by):
                        described = group.describe(include="all")
                        described.loc["null_ratio"] = group.isna().mean()
                        rows += [
                            (f"{day}", role, str(name), f"{c} {s}", str(v)) for (s, c), v in described.stack().items()
                        ]
            for back in range(4):  # labels come up to three days late: the last days are scored again
                scored = day - timedelta(days=back)
                query = "SELECT * FROM predictions JOIN arrivals USING (flight_id) WHERE date = ? AND arrived_on <= ?"
                joined = pd.read_sql(query, read, params=[f"{scored}", f"{day}"])
                for by in (None, "origin", "carrier"):
                    for name, group in [("", joined)] if by is None else joined.groupby(by):
                        truth, score = group["is_late"], group["p_late"]
                        if truth.nunique() < 2:
                            continue
                        values = [roc_auc_score(truth, score), log_loss(truth, score), brier_score_loss(truth, score)]
                        values += [accuracy_score(truth, score > 0.3), f1_score(truth, score > 0.3)]
                        rows += [(f"{scored}", "evaluation", str(name), str(k), v) for k, v in enumerate(values)]
            frame = pd.DataFrame(rows, columns=["day", "table", "segment", "metric", "value"])
            frame.astype(str).to_sql("metrics", write, if_exists="append", index=False)
    return time.perf_counter() - started


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 275
    sys.path.insert(0, str(ROOT / "dags"))
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    from flights_product.warehouse import build

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warehouse = folder / "warehouse.db"
        build(warehouse)
        environment = surroundings(folder, warehouse)
        ours = with_lupus(folder, environment, days)
        backtest(folder, environment)
        script_days = min(SCRIPT_DAYS, days)
        theirs = by_script(folder, warehouse, script_days)
    ratio = (theirs / script_days) / (ours / days)
    print(f"Lupus: {days} days in {ours:.1f} s, start included, {ours / days * 1000:.0f} ms a day; ", end="")
    print(f"{BUDGET_SECONDS / ours:.2f} times as fast as the budget of {BUDGET_SECONDS:.0f} s for 275 days")
    print(f"script: {script_days} days in {theirs:.1f} s, {theirs / script_days * 1000:.0f} ms a day; ", end="")
    print(f"Lupus is {ratio:.1f} times as fast")


if __name__ == "__main__":
    main()
