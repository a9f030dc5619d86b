"""What runs look like: JSON for programs, tables for people. Every field of every noun, and hostile names."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lupus.extract import Waiting
from lupus.model import (
    Cadence,
    CadenceKind,
    ExpectationOutcome,
    ExpectationSeverity,
    Failure,
    FailureKind,
    Finding,
    Incident,
    IncidentState,
    MetricPoint,
    Notice,
    NoticeState,
    Outcome,
    Reason,
    RetrainRequest,
    RetrainState,
    RunReport,
    Series,
    SeriesKey,
    Severity,
    Snapshot,
    SnapshotStatus,
    Status,
    Validation,
    Verdict,
)
from lupus.stages import (
    ActReport,
    ExtractReport,
    JudgeReport,
    MeasureReport,
    ValidateReport,
    incident_json,
    incident_table,
    point_json,
    report_json,
    report_lines,
    verdict_json,
)

DAY = Cadence(CadenceKind.DAILY).parse("2026-03-10")
EVIL = "[red]DROP[/] \x1b[31m'\"<b>日本"
KEY = SeriesKey("loans", "prediction", EVIL, "brier", "region=[bold]north[/]")
SERIES = Series(KEY, "evaluation", "ratio")
POINT = MetricPoint(SERIES, DAY, 0.25, 100, maturity=0.95)
FAILED = MetricPoint(SERIES, DAY, None, 0, Failure(FailureKind.NO_LABELS, "no labels"), 0.0)
SNAPSHOT = Snapshot("loans", "data", DAY, SnapshotStatus.OK, Path("/x"), 1200, (("a", "int64"),), "ab" * 32)
MISSING = Snapshot("loans", "scores", DAY, SnapshotStatus.FAILED, None, 0, (), "", "cannot connect [bold]now[/]")
OUTCOME = ExpectationOutcome(
    "a.not_null", "expect_not_null", EVIL, ExpectationSeverity.CRITICAL, success=False, unexpected_ratio=0.5,
    reason="60 of 120 values (50 %) are unexpected", details={},
)  # fmt: skip
VALIDATION = Validation("loans", "data", DAY, "loans.data", (OUTCOME, replace(OUTCOME, id="b", success=True)))
VERDICT = Verdict(
    KEY,
    DAY,
    "recent_average",
    Status.ANOMALY,
    0.25,
    "brier 25 % is above 10 %–20 %",
    Severity.HIGH,
    0.15,
    0.1,
    0.2,
    2.0,
)
INCIDENT = Incident(
    "abc123", "loans", IncidentState.OPEN, Severity.HIGH, DAY, DAY, (Finding(DAY, VERDICT),), f"Brier of {EVIL}"
)
NOTICE = Notice("n1", "loans", "abc123", DAY, "outbox", Reason.FIRST, NoticeState.SENT, {"text": "Brier", "blocks": []})
REQUEST = RetrainRequest("r1", "loans", DAY, "retrain", RetrainState.REQUESTED, ("brier",), {"project": "loans"})
REPORT = RunReport(
    "loans", DAY, (SNAPSHOT, MISSING), (VALIDATION,), (POINT, FAILED), (VERDICT,), (INCIDENT,), (NOTICE,), REQUEST,
    ("scores: cannot connect",),
)  # fmt: skip


def test_the_document_of_a_run_survives_json_and_says_everything() -> None:
    document = report_json(REPORT)
    assert json.loads(json.dumps(document)) == document
    assert set(document) == {field.name for field in fields(RunReport)} | {"start", "end"}
    assert (document["interval"], document["start"], document["end"]) == (
        "2026-03-10",
        "2026-03-10T00:00:00+00:00",
        "2026-03-11T00:00:00+00:00",
    )
    assert [one["status"] for one in document["snapshots"]] == ["ok", "failed"]
    assert document["snapshots"][0]["schema"] == {"a": "int64"}
    assert document["validations"][0]["success_ratio"] == 0.5
    assert [one["success"] for one in document["validations"][0]["outcomes"]] == [False, True]
    assert document["retrain"] == {
        "id": "r1",
        "dag": "retrain",
        "state": "requested",
        "reasons": ["brier"],
        "conf": {"project": "loans"},
        "note": "",
        "series": None,
        "by": "",
    }
    assert document["failed"] == ["scores: cannot connect"]


def test_a_run_in_which_nothing_happened() -> None:
    document = report_json(RunReport("loans", DAY))
    assert document["retrain"] is None
    assert all(document[name] == [] for name in ("snapshots", "validations", "points", "verdicts", "incidents"))


def test_points_have_a_value_or_a_failure() -> None:
    good, bad = point_json(POINT), point_json(FAILED)
    assert (good["value"], good["failure"], good["maturity"], good["unit"]) == (0.25, None, 0.95, "ratio")
    assert (bad["value"], bad["failure"]) == (None, {"kind": "no_labels", "reason": "no labels"})
    assert (good["column"], good["segment"], good["group"]) == (EVIL, "region=[bold]north[/]", "evaluation")


def test_verdicts_carry_all_their_fields() -> None:
    document = verdict_json(VERDICT)
    plain = {field.name for field in fields(Verdict)} - {"series"}
    assert plain < set(document)
    assert (document["status"], document["severity"], document["score"]) == ("anomaly", "high", 2.0)
    assert verdict_json(replace(VERDICT, severity=None))["severity"] is None


def test_incidents_carry_findings_notices_and_what_people_said() -> None:
    judged = replace(INCIDENT, state=IncidentState.RESOLVED, outcome=Outcome.FIXED)
    document = incident_json(judged, [NOTICE])
    assert (document["state"], document["outcome"]) == ("resolved", "fixed")
    assert [one["found"] for one in document["findings"]] == ["2026-03-10"]
    assert document["notices"] == [
        {
            "id": "n1",
            "interval": "2026-03-10",
            "destination": "outbox",
            "reason": "first",
            "state": "sent",
            "error": "",
            "text": "Brier",
        }
    ]


REPORTS: dict[str, tuple[Any, list[str]]] = {
    "extract": (
        ExtractReport(
            "loans",
            DAY,
            (SNAPSHOT, MISSING),
            (Waiting("late", datetime(2026, 3, 11, 9, tzinfo=UTC), datetime(2026, 3, 11, 9, tzinfo=UTC), "no rows"),),
            ("scores: cannot connect",),
        ),
        [
            "1,200",
            "abababababab",
            "cannot connect [bold]now[/]",
            "waiting for late until 2026-03-11 09:00 UTC: no rows",
        ],
    ),
    "validate": (
        ValidateReport("loans", DAY, (VALIDATION,), ("data: no suite",)),
        ["1 of 2", "a.not_null", "50 %", "60 of 120 values", "FAILED data: no suite"],
    ),
    "measure": (
        MeasureReport("loans", DAY, (POINT, FAILED), ("data: DuckDB [red]could not[/]",)),
        ["prediction", "evaluation", "2026-03-10", "FAILED data: DuckDB [red]could not[/]"],
    ),
    "judge": (
        JudgeReport("loans", DAY, (DAY,), (VERDICT, replace(VERDICT, status=Status.OK, severity=None))),
        ["Verdicts: 1 anomaly, 1 ok", "high", "2.0", "brier 25 % is above 10 %–20 %", "[region=[bold]north[/]]"],
    ),
    "act": (
        ActReport("loans", DAY, (INCIDENT,), (NOTICE,), REQUEST, ("message to outbox not delivered: full",)),
        [
            "abc123",
            "notice first to outbox: sent",
            "retraining requested: retrain, because brier",
            "not delivered: full",
        ],
    ),
    "run": (REPORT, ["loans 2026-03-10", "abc123", "retraining requested", "FAILED scores: cannot connect"]),
}


@pytest.mark.parametrize(("report", "words"), REPORTS.values(), ids=REPORTS.keys())
def test_reports_are_read_by_people(report: object, words: list[str]) -> None:
    lines = report_lines(report, width=200)
    text = "\n".join(lines)
    for word in words:
        assert word in text
    assert all(len(line) <= 200 for line in lines)
    # Names from the data neither colour the terminal nor write to it.
    assert "\x1b" not in text


def test_a_long_day_shows_the_worst_and_counts_the_rest() -> None:
    many = tuple(
        replace(VERDICT, series=replace(KEY, column=f"c{number}"), score=float(number), sentence=f"s{number}.")
        for number in range(40)
    )
    text = "\n".join(report_lines(JudgeReport("loans", DAY, (DAY,), many), width=200))
    assert "s39." in text
    assert "s25." in text
    assert "s24." not in text
    assert "… and 25 more" in text


def test_nothing_found_is_said_in_a_line() -> None:
    text = "\n".join(report_lines(ActReport("loans", DAY, (), (), None, ())))
    assert text.strip() == "No incident."


def test_incidents_of_several_projects_name_them() -> None:
    def shown(*incidents: Incident) -> str:
        console = Console(width=200, no_color=True)
        with console.capture() as capture:
            console.print(incident_table(incidents))
        return capture.get()

    assert "project" not in shown(INCIDENT)
    both = shown(INCIDENT, replace(INCIDENT, id="def", project="other", outcome=Outcome.EXPECTED))
    assert "project" in both
    assert "other" in both
    assert "open, expected" in both
    assert "[red]DROP[/]" in both
