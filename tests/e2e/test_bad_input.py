"""Bad input, through the real command: what is said, how the command ends, and that everything else goes on."""

from __future__ import annotations

import csv
import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import tiny
from installation import Installation

DAY = tiny.day(33)
CLOSED = tiny.day(31)
"""The newest day whose labels are all there after the run of `DAY`."""
PASSWORD = "pa55-w0rd%that/nobody@sees"


@dataclass(frozen=True)
class Case:
    """What is done to the warehouse before the run of `DAY`, and what must be said of it."""

    sql: str
    says: str
    verdict: tuple[str, str, str, str]
    """(table, column, metric, status), at `about`."""
    code: int = 0
    about: str = DAY
    others: tuple[str, ...] = ("data", "prediction", "ground_truth")
    """Tables that must be measured as usual."""


CASES = {
    "a missing table": Case(
        "DROP TABLE loans",
        "loans/data 2026-02-03: unknown table 'loans'",
        ("data", "", "rows", "no_data"),
        code=3,
        others=("prediction", "ground_truth"),
    ),
    "a missing time column": Case(
        "ALTER TABLE scores RENAME COLUMN day TO date",
        "unknown time column of scores 'day'",
        ("prediction", "", "rows", "no_data"),
        code=3,
        others=("data", "ground_truth"),
    ),
    "a missing score column": Case(
        "ALTER TABLE scores RENAME COLUMN p_default TO p",
        "the score column 'p_default' is not in the slice",
        ("prediction", "p_default", "null_ratio", "error"),
    ),
    "a missing label column": Case(
        "ALTER TABLE outcomes RENAME COLUMN defaulted TO bad",
        "the label column 'defaulted' is not in the slice",
        ("ground_truth", "defaulted", "null_ratio", "error"),
    ),
    "a feature that was lost overnight": Case(
        "ALTER TABLE loans DROP COLUMN amount",
        "column 'amount', which was there before, is not in the slice",
        ("data", "amount", "null_ratio", "error"),
    ),
    "an empty day": Case(
        f"DELETE FROM scores WHERE day = '{DAY}'",
        f"prediction has no rows for {DAY}",
        ("prediction", "", "rows", "no_data"),
        others=("data", "ground_truth"),
    ),
    "duplicate keys in the data": Case(
        f"INSERT INTO loans SELECT * FROM loans WHERE day = '{DAY}'",
        "duplicate_key_ratio 50 % is above",
        ("data", "", "duplicate_key_ratio", "anomaly"),
    ),
    "duplicate keys in the predictions": Case(
        f"INSERT INTO scores SELECT * FROM scores WHERE day = '{DAY}'",
        "duplicate_key_ratio 50 % is above",
        ("prediction", "", "duplicate_key_ratio", "anomaly"),
    ),
    "labels outside of the task's domain": Case(
        f"UPDATE outcomes SET defaulted = 7 WHERE loan_id % 2 = 0 AND known_on >= '{tiny.day(32)}'",
        "invalid_label_ratio",
        ("prediction", "p_default", "invalid_label_ratio", "anomaly"),
        about=CLOSED,
    ),
    "infinite scores": Case(
        f"UPDATE scores SET p_default = 9e999 WHERE loan_id % 2 = 0 AND day = '{DAY}'",
        "inf_ratio 50 % is above",
        ("prediction", "p_default", "inf_ratio", "anomaly"),
    ),
    "text among the scores": Case(
        f"UPDATE scores SET p_default = 'n/a' WHERE loan_id % 2 = 0 AND day = '{DAY}'",
        "the score column 'p_default' holds text, not numbers",
        ("prediction", "p_default", "mean", "error"),
    ),
    "text among a feature's numbers": Case(
        f"UPDATE loans SET income = 'n/a' WHERE loan_id % 2 = 0 AND day = '{DAY}'",
        "column 'income' held numbers and now holds text",
        ("data", "income", "mean", "error"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_wrong_with_one_thing_is_said_of_that_thing(lived: Installation, case: Case) -> None:
    lived.add_project("other", OTHER)
    with sqlite3.connect(lived.warehouse) as warehouse:
        warehouse.execute(case.sql)
    warehouse.close()
    answer = lived.lupus("run", "loans", "--day", DAY, "--json")
    assert answer.code == case.code, answer.text
    document = answer.json
    said = [
        one["sentence"]
        for one in document["verdicts"]
        if (one["table"], one["column"], one["metric"], one["status"]) == case.verdict
        and (one["interval"], one["segment"]) == (case.about, "")
    ]
    assert any(case.says in sentence for sentence in said), said
    if case.code:
        assert any(case.says in sentence for sentence in document["failed"])
    # Everything else was measured.
    rows = {one["table"]: one["value"] for one in document["points"] if one["metric"] == "rows" and not one["segment"]}
    assert set(rows) == {"data", "prediction", "ground_truth"}
    assert all(rows[table] for table in case.others), rows
    assert {one["table"] for one in document["snapshots"] if one["status"] == "ok"} == set(case.others)
    # People are told, once.
    # What broke on day 30 as well and has been over for a day comes back.
    [told] = [one["reason"] for one in document["notices"]]
    assert told in ("first", "reopened")
    assert [interval for _, interval, reason in lived.outbox()[-1:] if reason == told] == [DAY]
    # And another project that reads the same database does not mind.
    assert lived.lupus("run", "other", "--day", DAY).code == 0


OTHER = """\
project: other
owner: somebody-else
cadence: daily
timezone: America/New_York
start: 2026-01-01
tables:
  data: {source: {connection: warehouse, query: "select 1 as one, :interval as day"}}
"""


def test_with_fail_on_anomaly_the_command_ends_with_1_and_a_failed_stage_still_with_3(lived: Installation) -> None:
    with sqlite3.connect(lived.warehouse) as warehouse:
        warehouse.execute("DELETE FROM scores WHERE day = ?", (DAY,))
    warehouse.close()
    assert lived.lupus("run", "loans", "--day", DAY).code == 0
    assert lived.lupus("run", "loans", "--day", DAY, "--fail-on-anomaly").code == 1
    with sqlite3.connect(lived.warehouse) as warehouse:
        warehouse.execute("DROP TABLE scores")
    warehouse.close()
    assert lived.lupus("run", "loans", "--day", DAY, "--fail-on-anomaly").code == 3


def test_a_snapshot_that_rots_between_the_stages_fails_alone(lived: Installation) -> None:
    from lupus.stages import judge, measure, validate

    project = lived.project()
    interval = project.cadence.parse(DAY)
    [path] = (lived.settings.snapshots / "loans" / DAY).glob("prediction.*.parquet")
    path.write_bytes(b"x" * path.stat().st_size)
    with lived.workspace() as opened:
        validated = validate(opened, project, interval)
        measured = measure(opened, project, interval)
        judged = judge(opened, project, interval)
    assert [one.partition(":")[0] for one in validated.failed] == ["prediction"]
    assert [one.partition(":")[0] for one in measured.failed] == ["prediction", "evaluation", "estimates"]
    assert {point.series.key.table for point in measured.points if point.failure is None} >= {"data", "ground_truth"}
    [verdict] = [one for one in judged.verdicts if str(one.series) == "prediction rows"]
    assert verdict.status == "no_data"
    assert "DuckDB could not read the snapshot" in verdict.sentence
    # The next run extracts it again, and all is well.
    assert lived.lupus("run", "loans", "--day", DAY, "--fail-on-anomaly").code == 0


# Sources that cannot be reached


def everything_written(installation: Installation) -> str:
    """All that is on disk below home, and the whole store, as text."""
    files = b"\n".join(installation.files().values()).decode("utf-8", "replace")
    return files + json.dumps(installation.dump(wall_clock=True), default=str, ensure_ascii=False)


def assert_silent_about_the_password(installation: Installation, *texts: str) -> None:
    for text in (*texts, everything_written(installation)):
        assert PASSWORD not in text
        assert quote(PASSWORD, safe="") not in text


def test_an_unreachable_database(lived: Installation) -> None:
    url = sa.URL.create("postgresql+psycopg", "vera", PASSWORD, "127.0.0.1", 9, "sales")
    broken = lived.with_environ(LUPUS_CONN_WAREHOUSE=url.render_as_string(hide_password=False))
    answer = broken.lupus("run", "loans", "--day", DAY)
    assert answer.code == 3
    assert (
        "cannot connect to postgresql database 'sales' at 127.0.0.1:9 as vera (connection 'warehouse')" in answer.text
    )
    assert "check that the server runs" in answer.text
    doctor = broken.lupus("doctor")
    assert doctor.code == 3
    assert "cannot connect to postgresql database 'sales'" in doctor.text
    assert "Traceback" not in answer.err
    assert_silent_about_the_password(broken, answer.text, doctor.text, answer.out, answer.err, doctor.out)
    # The files of another project have nothing to do with it.
    broken.add_project("weather", csv_project(broken.folder / "weather"))
    write_csv(broken.folder / "weather" / f"{DAY}.csv", ["city", "degrees"], [["Rome", 15], ["Oslo", -3]])
    assert broken.lupus("run", "weather", "--day", DAY).code == 0
    with broken.workspace() as opened:
        runs = opened.store.runs("loans", intervals=[broken.project().cadence.parse(DAY)])
    assert {run.stage: run.status for run in runs}["extract"] == "partial"


@pytest.fixture
def locked_mariadb(mariadb_url: str) -> Iterator[sa.URL]:
    """A database with a user whose password is not `PASSWORD`; the URL has `PASSWORD`."""
    name = f"lupus_{uuid.uuid4().hex[:10]}"
    admin = sa.create_engine(mariadb_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE USER '{name}'@'%%' IDENTIFIED BY 'the right one'")
    try:
        yield sa.make_url(mariadb_url).set(username=name, password=PASSWORD)
    finally:
        with admin.connect() as connection, suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql(f"DROP USER '{name}'@'%%'")
        admin.dispose()


@pytest.mark.services
def test_a_wrong_password(lived: Installation, locked_mariadb: sa.URL) -> None:
    broken = lived.with_environ(LUPUS_CONN_WAREHOUSE=locked_mariadb.render_as_string(hide_password=False))
    answer = broken.shell("run", "loans", "--day", DAY)
    assert answer.code == 3
    assert "Access denied" in answer.text
    assert "check that the server runs and that host, user and password of the connection are right" in answer.text
    doctor = broken.shell("doctor")
    assert doctor.code == 3
    assert "Access denied" in doctor.text
    assert_silent_about_the_password(broken, answer.out, answer.err, doctor.out, doctor.err)


def test_a_store_with_a_wrong_password_or_no_server(lived: Installation) -> None:
    url = sa.URL.create("postgresql+psycopg", "vera", PASSWORD, "127.0.0.1", 9, "store")
    broken = lived.with_environ(LUPUS_STORE_URL=url.render_as_string(hide_password=False))
    for arguments in (("run", "loans", "--day", DAY), ("incidents",), ("doctor",), ("db", "upgrade")):
        answer = broken.lupus(*arguments)
        assert answer.code == 3, arguments
        assert "127.0.0.1" in answer.text
        assert PASSWORD not in answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "set LUPUS_CONN_WAREHOUSE, a SQLAlchemy URL"),
        ("warehouse.db", "LUPUS_CONN_WAREHOUSE must be a SQLAlchemy URL (with ://), token:<secret> or JSON"),
        ("oracel://user:pa55@host/x", "SQLAlchemy knows no database 'oracel'"),
        ("sqlite:////nowhere/at/all.db", "there is no file '/nowhere/at/all.db'"),
    ],
)
def test_a_connection_that_cannot_be_used_says_how_to_mend_it(lived: Installation, value: str, says: str) -> None:
    broken = lived.with_environ(LUPUS_CONN_WAREHOUSE=value)
    for arguments in (("run", "loans", "--day", DAY), ("doctor",)):
        answer = broken.lupus(*arguments)
        assert answer.code == 3
        assert says in answer.text
        assert "pa55" not in answer.text


# Files


def write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def csv_project(folder: Path, *, suffix: str = "csv", name: str = "weather", more: str = "") -> str:
    return f"""\
project: {name}
owner: ml-weather
cadence: daily
start: 2026-01-01
tables:
  data: {{source: {{files: "{folder}/{{interval}}.{suffix}"}}}}
{more}"""


def test_mixed_types_in_a_csv_column(tmp_path: Path) -> None:
    files = tmp_path / "files"
    installation = Installation.empty(tmp_path / "lupus")
    installation.add_project("weather", csv_project(files))
    for number in range(1, 5):
        rows = [["Rome", 15 + number / 10, 60], ["Oslo", -3, 80], ["Bern", 4.5, 70]] * 20
        if number == 4:
            rows[0][1] = "warm"
        write_csv(files / f"2026-01-0{number}.csv", ["city", "degrees", "humidity"], rows)
        answer = installation.lupus("run", "weather", "--day", f"2026-01-0{number}", "--json")
        assert answer.code == 0, answer.text
    findings = [one for one in answer.json["verdicts"] if one["status"] in ("error", "anomaly", "no_data")]
    assert {(one["column"], one["status"], one["sentence"]) for one in findings} == {
        ("degrees", "error", "mean: wrong type, column 'degrees' held numbers and now holds text"),
        ("", "anomaly", "retyped_columns 1 columns is above 0 columns, the most that the last 28 days allow"),
    }
    assert {one["column"] for one in answer.json["points"] if one["metric"] == "mean" and one["value"] is not None} == {
        "humidity"
    }


def test_nan_scores_in_parquet(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    installation = Installation.empty(tmp_path / "lupus")
    table = f'  prediction: {{source: {{files: "{files}/{{interval}}.parquet"}}, key: id, score: p}}\n'
    installation.add_project(
        "scores",
        csv_project(files, suffix="parquet", name="scores", more="task: regression\n").replace(
            f'  data: {{source: {{files: "{files}/{{interval}}.parquet"}}}}\n', table
        ),
    )
    scores = [0.1, float("nan"), float("inf"), -float("inf"), 0.5, None, 0.3, 0.4]
    pq.write_table(pa.table({"id": range(8), "p": scores}), files / "2026-01-01.parquet")
    answer = installation.lupus("run", "scores", "--day", "2026-01-01", "--json")
    assert answer.code == 0, answer.text
    value = {one["metric"]: one["value"] for one in answer.json["points"] if one["column"] == "p"}
    assert (value["nan_ratio"], value["inf_ratio"], value["null_ratio"]) == (1 / 8, 2 / 8, 1 / 8)
    assert value["mean"] == pytest.approx((0.1 + 0.5 + 0.3 + 0.4) / 4)


def test_a_corrupt_parquet_file_and_a_good_one(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    installation = Installation.empty(tmp_path / "lupus")
    more = f'  extra: {{source: {{files: "{files}/extra.parquet"}}, time: day}}\n'
    installation.add_project("shop", csv_project(files, suffix="parquet", name="shop", more=more))
    day = pa.array(["2026-01-01"] * 3)
    pq.write_table(pa.table({"price": [1.0, 2.0, 3.0], "day": day}), files / "2026-01-01.parquet")
    (files / "extra.parquet").write_bytes((files / "2026-01-01.parquet").read_bytes()[:-20])
    answer = installation.lupus("run", "shop", "--day", "2026-01-01", "--notify", "--json")
    assert answer.code == 3
    [sentence] = answer.json["failed"]
    assert sentence.startswith("extra: ")
    assert "extra.parquet" in sentence
    assert {one["table"]: one["status"] for one in answer.json["snapshots"]} == {"data": "ok", "extra": "failed"}
    assert any(one["metric"] == "mean" and one["value"] == 2.0 for one in answer.json["points"])
    assert [one["status"] for one in answer.json["verdicts"] if one["table"] == "extra"] == ["no_data"]
    assert [one["reason"] for one in answer.json["notices"]] == ["first"]


def test_a_file_that_has_not_come(tmp_path: Path) -> None:
    installation = Installation.empty(tmp_path / "lupus")
    installation.add_project("weather", csv_project(tmp_path / "files"))
    answer = installation.lupus("run", "weather", "--day", "2026-01-01", "--fail-on-anomaly")
    assert answer.code == 1
    assert "no_data" in answer.text


# Days of 23 and 25 hours


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-07", 24), ("2026-03-08", 23), ("2026-03-09", 24), ("2026-11-01", 25), ("2026-11-02", 24)],
)
@pytest.mark.parametrize("kind", ["TIMESTAMP", "date"])
def test_days_on_which_the_clocks_change_hold_their_own_hours(tmp_path: Path, day: str, hours: int, kind: str) -> None:
    installation = Installation.empty(
        tmp_path / "lupus", LUPUS_CONN_WAREHOUSE=f"sqlite:///{tmp_path / 'lupus' / 'warehouse.db'}"
    )
    text = tiny.PROJECT.partition("tables:")[0].replace("project: loans", "project: clicks")
    installation.add_project(
        "clicks",
        text + "tables:\n  data: {source: {connection: warehouse, table: clicks}, time: at, timezone: UTC, key: id}\n",
    )
    with sqlite3.connect(installation.warehouse) as warehouse:
        warehouse.execute(f"CREATE TABLE clicks (at {kind}, id INTEGER)")
        # One click in the middle of every hour of the year, in UTC; with dates one per business date.
        start = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
        hours_of_year = [start + timedelta(hours=number) for number in range(24 * 365)]
        rows = [(at.strftime("%Y-%m-%d %H:%M:%S"), number) for number, at in enumerate(hours_of_year)]
        if kind == "date":
            rows = [((start + timedelta(days=number)).date().isoformat(), number) for number in range(365)]
        warehouse.executemany("INSERT INTO clicks VALUES (?, ?)", rows)
    warehouse.close()
    answer = installation.lupus("run", "clicks", "--day", day, "--json")
    assert answer.code == 0, answer.text
    document = answer.json
    assert document["interval"] == day
    length = datetime.fromisoformat(document["end"]) - datetime.fromisoformat(document["start"])
    assert length == timedelta(hours=hours)
    [snapshot] = document["snapshots"]
    assert snapshot["rows"] == (1 if kind == "date" else hours)


def test_hours_are_hours_when_the_clocks_change(tmp_path: Path) -> None:
    files = tmp_path / "files"
    installation = Installation.empty(tmp_path / "lupus")
    installation.add_project(
        "clicks", csv_project(files, name="clicks").replace("daily", "hourly\ntimezone: Europe/Rome")
    )
    # In Rome 25 October 2026 has 25 hours: from 22 to 23 o'clock UTC.
    for number in range(25):
        at = datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(hours=number)
        write_csv(files / f"{at:%Y-%m-%dT%HZ}.csv", ["n"], [[number]])
    answer = installation.lupus("run", "clicks", "--day", "2026-10-24T22Z", "--to", "2026-10-25T22Z", "--json")
    assert answer.code == 0, answer.text
    reports = answer.lines
    assert len(reports) == 25
    assert len({one["interval"] for one in reports}) == 25
    assert [one["snapshots"][0]["rows"] for one in reports] == [1] * 25
    means = [point["value"] for one in reports for point in one["points"] if point["metric"] == "mean"]
    assert means == list(range(25))


# Project files


def test_a_project_file_that_is_not_yaml_breaks_only_itself(lived: Installation) -> None:
    lived.add_project("broken", "project: broken\n  tables: [\n")
    check = lived.shell("check")
    assert check.code == 2
    assert f"{lived.project_file('broken')}:2:" in check.text
    assert "loans.yaml" not in check.text
    [problem] = lived.lupus("check", "broken", "--json").json
    assert problem["line"] == 2
    assert lived.lupus("check", "loans").code == 0
    assert lived.lupus("run", "loans", "--day", DAY).code == 0
    answer = lived.lupus("run", "broken", "--day", DAY)
    assert answer.code == 2
    assert "broken.yaml:2:" in answer.text
    doctor = lived.lupus("doctor", "--json")
    assert doctor.code == 3
    health = {one["subject"]: one["health"] for one in doctor.json}
    assert health["project broken"] == "broken"
    assert health["project loans"] == "fine"
    assert health["connection warehouse"] == "fine"


def test_two_files_with_one_project_name(lived: Installation) -> None:
    lived.add_project("loans_too", tiny.PROJECT)
    lived.add_project("other", OTHER)
    check = lived.lupus("check")
    assert check.code == 2
    assert "loans_too.yaml" in check.text
    assert "loans.yaml" in check.text
    answer = lived.lupus("run", "loans", "--day", DAY)
    before = lived.dump()
    # Nobody can say which of the two is meant, so none is run.
    assert answer.code == 2, answer.text
    assert lived.dump() == before
    assert lived.lupus("run", "other", "--day", DAY).code == 0


def test_an_unknown_key_is_found_with_its_line_and_a_suggestion(lived: Installation) -> None:
    lived.add_project("typo", tiny.PROJECT.replace("project: loans", "project: typo").replace("score:", "scroe:"))
    answer = lived.lupus("check", "typo")
    assert answer.code == 2
    assert "typo.yaml:16:5" in answer.text
    assert "did you mean 'score'?" in answer.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "laons", "--day", DAY), "no project is called 'laons'; did you mean 'loans'?"),
        (("run", "loans", "--day", "tomorrow"), "'tomorrow' names no daily interval"),
        (("run", "loans", "--day", DAY, "--to", tiny.day(3)), "is before"),
        (("run", "loans"), "Missing option '--day'"),
        (("check", "nothing"), "no project is called nothing"),
        (("log", "loans", "auc", "--day", DAY), "'auc' is not of the form name=number"),
        (("log", "loans", "auc=high", "--day", DAY), "'auc=high' is not of the form name=number"),
        (("log", "loans", "=1", "--day", DAY), "'=1' is not of the form name=number"),
    ],
)
def test_arguments_that_make_no_sense_end_with_2(lived: Installation, arguments: tuple[str, ...], says: str) -> None:
    answer = lived.lupus(*arguments)
    assert answer.code == 2
    assert says in _unframed(answer.text)


def _unframed(text: str) -> str:
    """`text` without the box that usage errors stand in."""
    return text.replace("│ ", "").replace(" │", "")


def test_days_outside_of_the_project_are_refused(lived: Installation) -> None:
    before = lived.dump()
    lived.add_project("loans", tiny.PROJECT.replace("start: 2026-01-01", "start: 2026-01-05\nend: 2026-01-31"))
    for arguments in (("2026-01-04",), ("2026-02-01",), ("2026-01-30", "--to", "2026-02-02")):
        answer = lived.lupus("run", "loans", "--day", *arguments)
        assert answer.code == 2
        assert "it starts on 2026-01-05 and ends before 2026-02-01" in _unframed(answer.text), answer.text
    assert lived.dump() == before


def test_values_that_are_no_numbers_are_not_logged(lived: Installation) -> None:
    before = lived.dump()
    answer = lived.lupus("log", "loans", "ndcg=0.4", "auc=nan", "--day", DAY)
    assert answer.code == 2
    assert "auc=nan is not a finite number" in _unframed(answer.text), answer.text
    assert lived.dump() == before


def test_a_missing_suite_is_named_and_the_rest_is_measured(lived: Installation) -> None:
    (lived.settings.expectations / "loans" / "data.json").unlink()
    answer = lived.lupus("run", "loans", "--day", DAY, "--json")
    assert answer.code == 3
    assert any("loans/data.json" in sentence for sentence in answer.json["failed"])
    assert [one["table"] for one in answer.json["validations"]] == ["prediction"]
    assert any(one["table"] == "data" and one["metric"] == "mean" and one["value"] for one in answer.json["points"])
    doctor = lived.lupus("doctor", "--json")
    assert {"subject": "suite loans/data", "health": "broken"}.items() <= next(
        one.items() for one in doctor.json if one["subject"] == "suite loans/data"
    )
