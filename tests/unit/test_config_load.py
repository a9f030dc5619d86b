"""Project files that are right, and folders of them."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from lupus.config import LoadedProject, load_project, load_projects
from lupus.config.defaults import RULES
from lupus.config.rules import installed_kinds
from lupus.model import (
    CadenceKind,
    ConfigError,
    Distance,
    DriftPolicy,
    FileFormat,
    FileSource,
    PythonSource,
    Ready,
    Role,
    RuleSpec,
    Selector,
    Series,
    SeriesKey,
    Severity,
    SlackRoute,
    SqlSource,
    Task,
)

SMALL = "project: {name}\nstart: 2026-01-01\ntables:\n  data: {{source: {{connection: db, table: t}}, time: day}}\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def by_file(loaded: tuple[LoadedProject, ...]) -> dict[str, LoadedProject]:
    return {one.path.name: one for one in loaded}


def test_four_lines_are_a_project(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, "shop.yaml", SMALL.format(name="shop")), environ={})
    (table,) = project.tables
    assert (project.name, project.owner, project.cadence.kind) == ("shop", "unknown", CadenceKind.DAILY)
    assert (table.role, table.source, table.timezone) == (Role.DATA, SqlSource("db", table="t"), "UTC")
    assert project.start == datetime(2026, 1, 1, tzinfo=UTC)
    assert [rule.name for rule in project.rules] == [
        "recent_average",
        "recent_drift",
        "trend_change",
        "flatline",
        "new_category",
        "validity",
        "validation",
    ]
    assert project.rules[0].parameters["window"] == 28
    assert {"rows", "roc_auc"} <= set(project.metrics.segment_metrics)
    assert not {"f1", "precision", "recall", "accuracy"} & set(project.metrics.segment_metrics)
    assert project.retrain is None
    assert project.end is None


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = """
project: shop
owner: ml-shop
description: "What sells: an estimate"
cadence: hourly
timezone: America/New_York
start: 2026-03-08
end: 2026-11-01
tables:
  orders:
    role: data
    source: {files: "data/{interval:%Y/%m}/*.csv.gz", connection: lake}
    exclude: note
    ready: {min_rows: 10, by: 09:00}
  prediction: {source: {connection: db, query: "SELECT * FROM p WHERE t >= :start"}, key: [id, day], score: p}
  ground_truth:
    source: {python: "shop.sources:returns", arguments: {since: 2025-01-01, n: [1, x]}}
    time: day
    timezone: Asia/Tokyo
    key: [id, day]
    label: y
    arrives_within: 1d12h
    expectations: shop/truth.json
task: regression
segments: [country, [country, device]]
metrics:
  exclude: [p01]
  segment_states: true
  bins: 10
  threshold: 0.3
  drift: {metrics: ks, against: [weekday, country=JP], reference: {from: 2026-03-08, to: 2026-03-10}, columns: p_*}
rules:
  recent_average: {window: 14, min_history: 7}
  validation: false
  floor: {kind: threshold, min: 3, severity: high, where: {metric: rows, segment: ""}}
alerts: {slack: {channel: "#shop", mention: "@here"}, min_severity: low, resolve_after: 1}
retrain: {dag: fit.shop, when: {group: evaluation, for: 2}, conf: {deep: {a: [1, null]}}}
schedule: {catchup: true, retries: 0, retry_delay: 90s, max_active_runs: 2}
tags: [a, b]
"""
    project = load_project(write(tmp_path, "shop.yaml", text), environ={})
    orders, prediction, truth = project.tables
    assert orders.source == FileSource(str(tmp_path / "data/{interval:%Y/%m}/*.csv.gz"), FileFormat.CSV, "lake")
    assert (orders.ready, orders.exclude) == (Ready(10, time(9)), ("note",))
    assert isinstance(prediction.source, SqlSource)
    assert truth.source == PythonSource("shop.sources:returns", {"since": date(2025, 1, 1), "n": [1, "x"]})
    assert (truth.timezone, prediction.timezone) == ("Asia/Tokyo", "America/New_York")
    assert truth.arrives_within == timedelta(hours=36)
    assert truth.expectations == "shop/truth.json"
    # The last day is included, and both days change their clocks: midnight is at 5 h and at 4 h, then 5 h UTC.
    assert project.start == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert project.end == datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert project.task is Task.REGRESSION
    assert project.segments == (("country",), ("country", "device"))
    assert project.segment_columns == ("country", "device")
    assert (project.metrics.bins, project.metrics.threshold, project.metrics.top) == (10, 0.3, 5)
    assert project.metrics.drift == DriftPolicy(
        metrics=(Distance.KS,),
        against=("weekday", "country=JP"),
        first=datetime(2026, 3, 8, 5, tzinfo=UTC),
        last=datetime(2026, 3, 11, 4, tzinfo=UTC),
        columns=("p_*",),
    )
    assert [rule.name for rule in project.rules] == [
        "recent_average",
        "recent_drift",
        "trend_change",
        "flatline",
        "new_category",
        "validity",
        "floor",
    ]
    assert (project.rules[0].parameters["window"], project.rules[0].parameters["sensitivity"]) == (14, 4.0)
    where = Selector(metric=("rows",), segment=("",))
    assert project.rules[-1] == RuleSpec("floor", "threshold", where, {"min": 3.0}, Severity.HIGH)
    assert project.alerts.slack == SlackRoute("slack", "#shop", "@here")
    assert project.retrain is not None
    assert (project.retrain.when.for_intervals, project.retrain.when.within) == (2, 2)
    assert (project.retrain.cooldown, project.retrain.conf) == (timedelta(days=7), {"deep": {"a": [1, None]}})
    assert project.schedule.retry_delay == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("metric", "segment", "group", "judged"),
    [
        *(
            (metric, "", "input", True)
            for metric in ("p50", "mean", "std", "null_ratio", "distinct", "rows", "share:p01")
        ),
        *((metric, "", "input", False) for metric in ("js", "js@trailing", "mmd")),
        *((metric, "", "input", False) for metric in ("min", "max", "p01", "p05", "p25", "p75", "p95", "p99")),
        ("log_loss", "origin=JFK", "evaluation", True),
        ("latency_p95", "", "software", True),
        ("p95", "origin=JFK", "prediction", False),
        ("success_ratio", "", "validation", True),
        ("unexpected_ratio:0123abcd", "", "validation", False),
    ],
)
def test_what_the_default_average_judges(metric: str, segment: str, group: str, judged: bool, tmp_path: Path) -> None:
    rule = load_project(write(tmp_path, "shop.yaml", SMALL.format(name="shop")), environ={}).rules[0]
    assert rule.name == "recent_average"
    assert rule.where.matches(Series(SeriesKey("shop", "data", "x", metric, segment), group)) is judged


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("js", ["recent_drift"]),
        ("wasserstein", ["recent_drift"]),
        ("js@trailing", ["recent_drift", "trend_change", "flatline"]),
        ("unseen_ratio", ["new_category"]),
    ],
)
def test_a_level_of_drift_from_the_reference_is_no_fault(metric: str, expected: list[str]) -> None:
    series = Series(SeriesKey("shop", "data", "x", metric), "input")
    assert [rule.name for rule in RULES if rule.where.matches(series)] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("recent_average: {window: 14}", RULES[0].where),
        ("validation: {kind: threshold, min: 0.9}", RULES[-1].where),
        ("recent_average: {window: 14, where: {}}", Selector()),
        ("recent_average: {where: {segment: ''}}", Selector(segment=("",))),
        ("average: {kind: recent_average}", Selector()),
    ],
)
def test_a_replaced_rule_stays_with_its_series_unless_it_says(written: str, expected: Selector, tmp_path: Path) -> None:
    text = SMALL.format(name="shop") + f"rules: {{{written}}}\n"
    rules = load_project(write(tmp_path, "shop.yaml", text), environ={}).rules
    (rule,) = (rule for rule in rules if rule.name == written.partition(":")[0])
    assert rule.where == expected


def test_a_selector_holds_one_pattern_or_several(tmp_path: Path) -> None:
    text = SMALL.format(name="shop") + (
        'rules: {x: {kind: threshold, max: 1, where: {metric: [rows, "share:*", "!share:a"], column: "!", '
        'segment: ["", "a=*"], table: data}}}\nretrain: {dag: fit, when: {group: [evaluation, target]}}\n'
    )
    project = load_project(write(tmp_path, "shop.yaml", text), environ={})
    assert project.rules[-1].where == Selector(
        metric=("rows", "share:*", "!share:a"), column=("!",), segment=("", "a=*"), table=("data",)
    )
    assert project.retrain is not None
    assert project.retrain.when.where == Selector(group=("evaluation", "target"))


@pytest.mark.parametrize(
    ("written", "kind", "cron"),
    [
        ("weekly", CadenceKind.WEEKLY, ""),
        ("0 6 * * 1-5", CadenceKind.CRON, "0 6 * * 1-5"),
        ('{cron: "*/30 * * * *"}', CadenceKind.CRON, "*/30 * * * *"),
        ("0 6 * * MON", CadenceKind.CRON, "0 6 * * MON"),
    ],
)
def test_cadences(written: str, kind: CadenceKind, cron: str, tmp_path: Path) -> None:
    text = SMALL.format(name="shop") + f"cadence: {written}\n"
    cadence = load_project(write(tmp_path, "shop.yaml", text), environ={}).cadence
    assert (cadence.kind, cadence.cron) == (kind, cron)
    assert cadence.containing(datetime(2026, 1, 5, 12, tzinfo=UTC)).start < datetime(2026, 1, 5, 13, tzinfo=UTC)


def test_a_time_of_start_is_local_unless_it_says(tmp_path: Path) -> None:
    text = SMALL.format(name="shop").replace("2026-01-01", "{}") + "timezone: Asia/Tokyo\n"
    for written, hour in (("2026-01-01T09:00", 0), ("2026-01-01 09:00:00Z", 9), ("'2026-01-01T09:00+01:00'", 8)):
        path = write(tmp_path, "shop.yaml", text.replace("{}", written))
        assert load_project(path, environ={}).start == datetime(2026, 1, 1, hour, tzinfo=UTC)


def test_variables_resolve_after_parsing(tmp_path: Path) -> None:
    text = SMALL.format(name="shop").replace("table: t", 'table: "${SCHEMA}.t", ') + (
        "owner: ${TEAM:-ml}\ndescription: $${TEAM} and ${TEAM:-}\nmetrics: {bins: '${BINS}'}\n"
    )
    environ = {"SCHEMA": "a: [}\n", "BINS": "7"}
    project = load_project(write(tmp_path, "shop.yaml", text), environ=environ)
    assert project.tables[0].source == SqlSource("db", table="a: [}\n.t")
    assert (project.owner, project.description, project.metrics.bins) == ("ml", "${TEAM} and ", 7)
    assert project.variables[("tables", "data", "source", "table")] == "${SCHEMA}.t"


def test_anchors_and_merges(tmp_path: Path) -> None:
    text = """
project: shop
start: 2026-01-01
tables:
  data: &daily {source: {connection: db, table: t}, time: day, key: id}
  other_day: {<<: *daily, role: other, key: [a, b]}
"""
    tables = load_project(write(tmp_path, "shop.yaml", text), environ={}).tables
    assert (tables[1].time, tables[1].key, tables[1].source) == ("day", ("a", "b"), tables[0].source)


def test_paths_and_urls_of_files(tmp_path: Path) -> None:
    for written, expected in (
        ("a.csv", str(tmp_path / "a.csv")),
        ("../b/*.parquet", str(tmp_path.parent / "b" / "*.parquet")),
        ("/data/c.jsonl", "/data/c.jsonl"),
        ("s3://bucket/d.csv", "s3://bucket/d.csv"),
    ):
        text = SMALL.format(name="shop").replace("connection: db, table: t", f"files: {written}")
        source = load_project(write(tmp_path, "shop.yaml", text), environ={}).tables[0].source
        assert isinstance(source, FileSource)
        assert source.path == expected


def test_a_rule_kind_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "spectral-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: spectral\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[lupus.rules]\nspectral = spectral:Rule\n")
    text = SMALL.format(name="shop") + "rules: {wave: {kind: spectral, period: 7, deep: {a: 1}}}\n"
    path = write(tmp_path, "shop.yaml", text)
    monkeypatch.setattr(sys, "path", [*sys.path, str(package.parent)])
    installed_kinds.cache_clear()
    try:
        rule = load_project(path, environ={}).rules[-1]
        assert (rule.kind, rule.parameters) == ("spectral", {"period": 7, "deep": {"a": 1}})
    finally:
        installed_kinds.cache_clear()


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.format(name="shop").replace("\n", "\r\n").encode())
    assert load_project(path, environ={}).name == "shop"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"project: shop\nowner: \xff\n", "2:8: the file is not UTF-8 text; save it as UTF-8"),
        ("project: sh\u00f6p\n".encode("utf-16"), "1:1: the file is not UTF-8 text; save it as UTF-8"),
        (b"\x7fELF\x00\x01", "1:1: the file holds control characters; it is no text file; save it as UTF-8"),
        (b"#" * (1 << 21), " the file is larger than 1,048,576 bytes; a project file is a few kilobytes"),
        (
            b"".join(
                b"k%d: &k%d [%s]\n" % (i, i, b", ".join([b"*k%d" % (i - 1) if i else b"x"] * 9)) for i in range(30)
            ),
            "5:1: with its aliases followed, the file has more than 20,000 values or is nested too deep; "
            "an alias must not contain itself; write repeated values out",
        ),
    ],
    ids=["latin", "utf-16", "binary", "huge", "aliases"],
)
def test_files_that_are_no_project(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_project(path, environ={})
    assert str(caught.value) == f"{path}:{expected}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the file cannot be read: No such file"):
        load_project(tmp_path / "none.yaml", environ={})
    with pytest.raises(ConfigError, match="the folder cannot be read: No such file"):
        load_projects(tmp_path / "none", environ={})


def folder_of_trouble(folder: Path) -> None:
    write(folder, "good.yaml", SMALL.format(name="good"))
    write(folder, "also.yml", SMALL.format(name="also-good"))
    write(folder, "typo.yaml", SMALL.format(name="named") + "ownr: x\n")
    write(folder, "syntax.yaml", "project: guessed # yes\ntables: [\n")
    write(folder, "My File.yaml", "{")
    write(folder, "twin-a.yaml", SMALL.format(name="twin"))
    write(folder, "twin-b.yaml", SMALL.format(name="twin"))
    write(folder, "twin.yaml", "- broken\n")
    write(folder, "copy.yaml", SMALL.format(name="good") + "ownr: x\n")
    write(folder, ".hidden.yaml", "{")
    write(folder, "notes.txt", "{")
    (folder / "folder.yaml").mkdir()
    (folder / "lost.yaml").symlink_to(folder / "gone")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")


def test_a_folder_gives_every_file_and_unique_names(tmp_path: Path) -> None:
    folder_of_trouble(tmp_path)
    loaded = load_projects(tmp_path, environ={})
    assert [one.path for one in loaded] == sorted(one.path for one in loaded)
    files = by_file(loaded)
    assert {name: one.name for name, one in files.items()} == {
        "My File.yaml": "my_file",
        "also.yml": "also-good",
        "binary.yaml": "binary",
        "copy.yaml": "copy",
        "good.yaml": "good",
        "lost.yaml": "lost",
        "syntax.yaml": "guessed",
        "twin-a.yaml": "twin-a",
        "twin-b.yaml": "twin-b",
        "twin.yaml": "twin",
        "typo.yaml": "named",
    }
    assert {name for name, one in files.items() if one.project is not None} == {"good.yaml", "also.yml"}
    assert all((one.project is None) == bool(one.problems) for one in loaded)
    assert files["good.yaml"].text == SMALL.format(name="good")


def test_two_files_with_one_name(tmp_path: Path) -> None:
    folder_of_trouble(tmp_path)
    files = by_file(load_projects(tmp_path, environ={}))
    assert [str(problem) for problem in files["twin-a.yaml"].problems] == [
        f"{tmp_path / 'twin-a.yaml'}:1:10: the project name 'twin' is taken by twin-b.yaml too; "
        "give every file a name of its own"
    ]
    assert "twin-a.yaml" in str(files["twin-b.yaml"].problems[0])
    # A broken copy does not break the good original.
    assert [problem.line for problem in files["copy.yaml"].problems] == [1, 5]


def test_names_that_collide_after_all_are_numbered(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "{")
    write(tmp_path, "a.yml", "{")
    write(tmp_path, "b.yaml", SMALL.format(name="a"))
    loaded = by_file(load_projects(tmp_path, environ={}))
    assert [loaded[name].name for name in ("a.yaml", "a.yml", "b.yaml")] == ["a_2", "a_3", "a"]
    for one in loaded.values():
        assert load_projects(tmp_path, environ={}, only=one.name) == (one,)


def test_only_one_of_a_folder_is_the_same_as_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of_trouble(tmp_path)
    for one in load_projects(tmp_path, environ={}):
        assert load_projects(tmp_path, environ={}, only=one.name) == (one,)
    assert load_projects(tmp_path, environ={}, only="nothing") == ()
    parsed: list[str] = []
    import lupus.config.load as room

    real = room.read_document
    monkeypatch.setattr(room, "read_document", lambda path, *rest: parsed.append(Path(path).name) or real(path, *rest))
    load_projects(tmp_path, environ={}, only="named")
    assert parsed == ["typo.yaml"]


def test_a_hundred_files_of_one_name_say_so_in_finite_time(tmp_path: Path) -> None:
    for number in range(100):
        write(tmp_path, f"f{number}.yaml", SMALL.format(name="same"))
    loaded = load_projects(tmp_path, environ={})
    assert len({one.name for one in loaded}) == 100
    assert all(len(one.problems) == 1 for one in loaded)
