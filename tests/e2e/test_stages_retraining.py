"""Retraining from the first bad day to the verdict, and versions side by side; Airflow's part is played by the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.installation import Installation

import loop
from lupus.act import read_outbox
from lupus.model import (
    Comparison,
    ComparisonKind,
    ComparisonVerdict,
    ConflictError,
    EventKind,
    LupusError,
    NoticeState,
    Reason,
    RetrainRequest,
    RetrainState,
)
from lupus.stages import answer_retrain, ask_retrain, mark_retrain, pending_retrain, time_out_retrain

BAD = {8: 0.92, 9: 0.95}
BEFORE = {number: 0.55 + 0.02 * (number % 3) for number in range(8)} | BAD


def run(made: Installation, *days: int) -> None:
    made.run(*(loop.day(number) for number in days), name="loop")


def requests(made: Installation) -> list[RetrainRequest]:
    with made.workspace() as opened:
        return opened.store.retrain_requests("loop")


def comparisons(made: Installation, kind: ComparisonKind = ComparisonKind.RETRAINING) -> list[Comparison]:
    with made.workspace() as opened:
        return opened.store.comparisons("loop", kind=kind)


def execute(made: Installation, state: RetrainState = RetrainState.SUCCEEDED) -> RetrainRequest:
    """What Airflow does with the one request there is."""
    (request,) = requests(made)
    with made.workspace() as opened:
        project = made.project("loop")
        assert pending_retrain(opened, project, request.interval) == request
        mark_retrain(opened, request.id, RetrainState.TRIGGERED, "run_1")
        mark_retrain(opened, request.id, state, "run_1: ended")
        if state is RetrainState.SUCCEEDED:
            assert pending_retrain(opened, project, request.interval) is None
    return request


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Eight fair days and two bad ones have run: retraining is asked for. Tests copy it."""
    made = loop.install(tmp_path_factory.mktemp("asked") / "loop")
    loop.fill(made, BEFORE)
    run(made, *BEFORE)
    return made


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ((0.20, 0.22, 0.24, 0.21, 0.23), ComparisonVerdict.IMPROVED),
        ((0.56, 0.95, 0.55, 0.93, 0.58), ComparisonVerdict.NO_CHANGE),
        ((1.20, 1.22, 1.24, 1.21, 1.23), ComparisonVerdict.WORSE),
    ],
)
def test_whether_it_helped(
    asked: Installation, tmp_path: Path, after: tuple[float, ...], verdict: ComparisonVerdict
) -> None:
    made = asked.copied(tmp_path / "loop")
    request = execute(made)
    assert (str(request.series), str(request.better)) == ("prediction.p log_loss", "lower")
    assert request.conf["data"]["intervals"] == 10
    loop.fill(made, dict(enumerate(after, start=10)), model="v2")
    run(made, 10, 11, 12, 13)
    assert comparisons(made) == []
    run(made, 14)
    (found,) = comparisons(made)
    assert (found.verdict, found.subject, found.interval.key) == (verdict, request.id, loop.day(14))
    assert (found.before.intervals, found.before.first, found.before.last) == (5, loop.day(5), loop.day(9))
    assert (found.after.intervals, found.after.first, found.after.last) == (5, loop.day(10), loop.day(14))
    told = [one for one in read_outbox(made.settings.outbox) if one.reason == "retrain"]
    assert len(told) == 1
    assert found.sentence in str(told[0].message["text"])
    before = made.dump()
    run(made, 14)
    assert made.dump() == before
    assert len([one for one in read_outbox(made.settings.outbox) if one.reason == "retrain"]) == 1
    loop.fill(made, {15: 0.3}, model="v2")
    run(made, 15)
    assert comparisons(made) == [found], "it is told once"


def test_a_model_that_lasted_for_two_days_only_cannot_be_compared(asked: Installation, tmp_path: Path) -> None:
    made = asked.copied(tmp_path / "loop")
    execute(made)
    loop.fill(made, {10: 0.3, 11: 0.3}, model="v2")
    loop.fill(made, {12: 0.3}, model="v3")
    run(made, 10, 11)
    assert comparisons(made) == []
    run(made, 12)
    (found,) = comparisons(made)
    assert found.verdict is ComparisonVerdict.NOT_ENOUGH_DATA
    assert found.sentence == "log_loss: not enough data: 2 matured intervals after the retraining; 4 are needed"


def test_what_failed_is_not_compared(asked: Installation, tmp_path: Path) -> None:
    made = asked.copied(tmp_path / "loop")
    execute(made, RetrainState.FAILED)
    loop.fill(made, dict.fromkeys(range(10, 15), 0.2), model="v2")
    run(made, *range(10, 15))
    assert comparisons(made) == []


def test_versions_are_markers(asked: Installation, tmp_path: Path) -> None:
    made = asked.copied(tmp_path / "loop")
    loop.fill(made, {10: 0.2}, model="v2")
    run(made, 10)
    with made.workspace() as opened:
        (change,) = opened.store.model_changes("loop")
        assert [len(one) for one in opened.store.model_versions("loop").values()] == [1] * 11
    assert (change.interval.key, change.version, change.before, change.leads) == (loop.day(10), "v2", "v1", True)


# Approval


@pytest.fixture(scope="module")
def awaiting(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """As `asked`, but somebody has to agree."""
    made = loop.install(tmp_path_factory.mktemp("awaiting") / "loop", more="  approval: slack\n  approve_within: 1d\n")
    loop.fill(made, BEFORE)
    run(made, *BEFORE)
    return made


def test_a_request_waits_and_says_so_where_its_incident_was_told(awaiting: Installation) -> None:
    (request,) = requests(awaiting)
    assert request.state is RetrainState.AWAITING_APPROVAL
    with awaiting.workspace() as opened:
        assert pending_retrain(opened, awaiting.project("loop"), request.interval) is None
        (notice,) = [one for one in opened.store.notices("loop") if one.reason is Reason.RETRAIN]
    assert (notice.incident, notice.state) == (request.incident, NoticeState.SENT)
    assert f"lupus retrain approve {request.id}" in str(notice.message["text"])


@pytest.mark.parametrize(("word", "state"), [("approve", RetrainState.APPROVED), ("refuse", RetrainState.REFUSED)])
def test_the_first_answer_counts(awaiting: Installation, tmp_path: Path, word: str, state: RetrainState) -> None:
    made = awaiting.copied(tmp_path / "loop")
    (request,) = requests(made)
    answer = made.lupus("retrain", word, request.id, "--by", "vera")
    assert (answer.code, f"{state} by vera" in answer.text) == (0, True)
    assert made.lupus("retrain", word, request.id, "--by", "vera").code == 0, "the same answer again is no news"
    late = made.lupus("retrain", "refuse", request.id, "--by", "max")
    assert (late.code, f"is {state} by vera" in late.text) == (3, True)
    with made.workspace() as opened:
        assert time_out_retrain(opened, request.id).state is state
        pending = pending_retrain(opened, made.project("loop"), request.interval)
        assert (pending is not None) is (state is RetrainState.APPROVED)
        lines = [one.text for one in opened.store.incident_events(request.incident) if one.kind is EventKind.RETRAIN]
    assert lines == [f"retraining by retrain_loop: {state} by vera"]
    run(made, 9)
    assert [one.state for one in requests(made)] == [state], "a rerun takes no answer back"
    loop.fill(made, {10: 0.95})
    run(made, 10)
    assert len(requests(made)) == 1, "within the cooldown nobody is asked again"


def test_nobody_answers(awaiting: Installation, tmp_path: Path) -> None:
    made = awaiting.copied(tmp_path / "loop")
    (request,) = requests(made)
    with made.workspace() as opened:
        assert time_out_retrain(opened, request.id).state is RetrainState.TIMED_OUT
        with pytest.raises(ConflictError, match="is timed_out"):
            answer_retrain(opened, request.id, approve=True, by="vera")
        with pytest.raises(ValueError, match="say who"):
            answer_retrain(opened, request.id, approve=True, by=" ")


def test_asking_approves_what_waits(awaiting: Installation, tmp_path: Path) -> None:
    made = awaiting.copied(tmp_path / "loop")
    (request,) = requests(made)
    with made.workspace() as opened:
        asked = ask_retrain(opened, made.project("loop"), by="vera", incident=request.incident)
    assert (asked.id, asked.state, asked.by) == (request.id, RetrainState.APPROVED, "vera")


def test_a_person_asks_and_the_next_run_does_it(asked: Installation, tmp_path: Path) -> None:
    made = asked.copied(tmp_path / "loop")
    refused = made.lupus("retrain", "ask", "loop", "--by", "vera")
    assert (refused.code, "has a retraining that is requested" in refused.text) == (3, True)
    execute(made)
    answer = made.lupus("retrain", "ask", "loop", "--by", "vera", "--why", "a new feature")
    assert answer.code == 0
    loop.fill(made, {10: 0.5})
    run(made, 10)
    with made.workspace() as opened:
        project = made.project("loop")
        pending = pending_retrain(opened, project, project.cadence.parse(loop.day(10)))
        assert pending is not None
        assert pending.reasons == ("vera asked for it: a new feature",)
        mark_retrain(opened, pending.id, RetrainState.SUCCEEDED)
        assert pending_retrain(opened, project, project.cadence.parse(loop.day(10))) is None


def test_nothing_ran_nothing_to_ask(tmp_path: Path) -> None:
    made = loop.install(tmp_path / "loop")
    with made.workspace() as opened:
        opened.store.upgrade()
        with pytest.raises(LupusError, match="has not run yet"):
            ask_retrain(opened, made.project("loop"), by="vera")


# What speaks against it


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ("  min_matured: 11\n", "not retrained: 10 of at least 11 intervals have matured"),
        ("  min_matured_rows: 601\n", "not retrained: 600 of at least 601 labelled rows have matured"),
        ("upstream: [weather]\n", "not retrained: weather has an incident since 2026-01-10: "),
    ],
)
def test_blocked(tmp_path: Path, more: str, note: str) -> None:
    made = loop.install(tmp_path / "loop", more=more)
    loop.fill(made, BEFORE)
    made.add_project("weather", WEATHER)
    made.run(loop.day(9), name="weather")
    run(made, *BEFORE)
    (request,) = requests(made)
    assert request.state is RetrainState.BLOCKED
    assert request.note.startswith(note)
    assert "blocked" in made.lupus("retrain", "loop").text


WEATHER = """
project: weather
start: 2026-01-01
tables:
  data: {source: {files: "nothing/{interval}.csv"}}
"""


# Side by side


COMPARE = "compare: {champion: v1, challenger: v2, window: 10}\n"


@pytest.mark.parametrize("shadow", [True, False])
def test_a_challenger_beside_the_champion(tmp_path: Path, shadow: bool) -> None:
    project = loop.PROJECT
    if shadow:  # both models score the same rows
        project = project.replace("misleads", "nothing").replace("max: 0.7", "max: 9")
    made = loop.install(tmp_path / "loop", more=COMPARE, project=project)
    days = range(8)
    loop.fill(made, {number: 0.60 + 0.01 * number for number in days})
    if shadow:
        loop.fill(made, {number: 0.40 + 0.01 * number for number in days}, model="v2", shadow=True)
    else:
        canary(made, {number: 0.40 + 0.01 * number for number in days})
    run(made, *days)
    window = comparisons(made, ComparisonKind.WINDOW)
    assert [one.verdict for one in window] == [ComparisonVerdict.NOT_ENOUGH_DATA] * 5 + [ComparisonVerdict.IMPROVED] * 3
    last = window[-1]
    assert (last.subject, last.before.name, last.after.name, last.after.intervals) == ("v1 > v2", "v1", "v2", 8)
    assert last.shift == pytest.approx(-0.2, abs=0.02)
    single = comparisons(made, ComparisonKind.INTERVAL)
    assert {one.verdict for one in single} == {ComparisonVerdict.IMPROVED}
    answer = made.lupus("compare", "loop", "--json", "--limit", "3")
    assert [one["verdict"] for one in answer.json] == ["improved"] * 3
    assert "improved" in made.lupus("compare", "loop").text


def canary(made: Installation, losses: dict[int, float]) -> None:
    """Other rows of the same days are scored by the challenger."""
    import sqlite3

    loop.fill(made, {number + 500: loss for number, loss in losses.items()}, model="v2")
    with sqlite3.connect(made.warehouse) as database:
        for number in losses:
            for table in ("scores", "truth"):
                database.execute(
                    f"UPDATE {table} SET day = ? WHERE day = ?", (loop.day(number), loop.day(number + 500))
                )
    database.close()


# Upstream


def test_held_while_the_cause_lasts_and_told_when_it_still_stands(tmp_path: Path) -> None:
    made = loop.install(tmp_path / "loop", more="upstream: [weather]\n")
    made.add_project("weather", WEATHER + "alerts: {backfills: true}\n")
    losses = {0: 0.5, 1: 0.5, 2: 0.9, 3: 0.9, 4: 0.9, 5: 0.9, 6: 0.9}
    loop.fill(made, losses)
    (made.settings.projects / "nothing").mkdir()
    for number in losses:
        if number not in (2, 3):  # two days without weather
            (made.settings.projects / "nothing" / f"{loop.day(number)}.csv").write_text("a\n1\n")
    for number in losses:
        made.run(loop.day(number), name="weather")
        run(made, number)
    with made.workspace() as opened:
        (cause,) = opened.store.incidents("weather")
        mine = [one for one in opened.store.incidents("loop") if one.first.key == loop.day(2)]
        reasons = {
            (one.interval.key, str(one.reason)): one.message
            for one in opened.store.notices("loop")
            if one.incident == mine[0].id
        }
    assert [one.upstream for one in mine] == [(cause.id,)]
    assert [(day, reason) for day, reason in reasons if day <= loop.day(5)] == [
        (loop.day(2), "upstream"),
        *([(loop.day(3), "repeat")] if (loop.day(3), "repeat") in reasons else [(loop.day(3), "upstream")]),
        *([(loop.day(4), "repeat")] if (loop.day(4), "repeat") in reasons else [(loop.day(4), "upstream")]),
        (loop.day(5), "first"),
    ]
    assert str(reasons[loop.day(5), "first"]["because"]).startswith("Probably caused by weather, since 2026-01-03")
    told = [one.interval for one in read_outbox(made.settings.outbox) if one.incident == mine[0].id]
    assert told == [loop.day(5)]
    before = made.dump()
    run(made, *range(2, 7))
    assert made.dump() == before
