"""Killed writers and writers at the same time leave whole sets of rows."""

from __future__ import annotations

import multiprocessing
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

from lupus.model import Cadence, CadenceKind, MetricPoint, Series, SeriesKey, Status, Verdict
from lupus.store import open_store

DAY = Cadence(CadenceKind.DAILY).parse("2013-03-07")
COUNT = 3_000

# Each generation replaces all points, verdicts and incidents by others of other names and values.
WRITER = textwrap.dedent("""
    import sys
    from lupus.model import *
    from lupus.store import open_store
    url, writer, count, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    day = Cadence(CadenceKind.DAILY).parse("2013-03-07")
    store = open_store(url)
    print("ready", flush=True)
    for generation in range(rounds):
        mark = writer * 1_000_000 + generation
        names = [f"m{index + (generation % 3) * 100 + writer * 50}" for index in range(count)]
        keys = [SeriesKey("flights", "data", "delay", name) for name in names]
        points = [MetricPoint(Series(key, "input"), day, float(mark), mark) for key in keys]
        states = [StoredState("flights", "data", name, "", "moments", day, {"mark": mark}) for name in names[:200]]
        store.replace_points("flights", day, points, scope="table:data", states=states)
        verdicts = [Verdict(key, day, "limit", Status.ANOMALY, float(mark), str(mark), Severity.LOW) for key in keys]
        try:
            store.replace_verdicts("flights", [day], verdicts)
        except StoreError:  # the other writer's points may stand by now
            continue
        findings = tuple(Finding(day, verdict) for verdict in verdicts[:500])
        incident = Incident("i", "flights", IncidentState.OPEN, Severity.LOW, day, day, findings, str(mark))
        notice = Notice(f"n{mark}", "flights", "i", day, "outbox", Reason.FIRST, NoticeState.PENDING, {"mark": mark})
        store.commit_act("flights", day, incidents=[incident], notices=[notice])
    print("done", flush=True)
""")


def start_writer(url: str, writer: int, rounds: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, url, str(writer), str(COUNT), str(rounds)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def assert_whole(url: str) -> None:
    """Every table holds the rows of one generation of one writer, all of them."""
    with open_store(url) as store:
        points = store.points("flights")
        marks = {point.value for point in points}
        assert (len(points), len(marks)) in ((0, 0), (COUNT, 1))
        assert {float(point.n) for point in points} == marks
        assert {float(state.payload["mark"]) for state in store.states("flights", "data")} == marks
        verdicts = store.verdicts("flights")
        assert len({verdict.value for verdict in verdicts}) <= 1
        assert {verdict.sentence for verdict in verdicts} == {
            str(int(v.value)) for v in verdicts if v.value is not None
        }
        for incident in store.incidents():
            assert len(incident.findings) == 500
            assert {finding.verdict.sentence for finding in incident.findings} == {incident.title}
            (notice,) = store.notices()
            assert str(notice.message["mark"]) == incident.title
        history = store.history("flights", [DAY])
        assert len(history.series) == len(points)


def test_a_writer_killed_at_any_moment_leaves_whole_sets(url: str) -> None:
    open_store(url).close()
    moments = random.Random(2013)
    for _ in range(6):
        process = start_writer(url, 1, 1_000_000)
        time.sleep(moments.uniform(0.02, 1.2))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert_whole(url)
    process = start_writer(url, 1, 2)  # and the store can be written as before
    assert process.communicate(timeout=120) == ("done\n", None)
    assert_whole(url)
    with open_store(url) as store:
        assert {point.n for point in store.points("flights")} == {1_000_001}


def test_writers_of_the_same_interval_at_once_leave_one_clean_set(url: str) -> None:
    open_store(url).close()
    writers = [start_writer(url, number, 6) for number in (1, 2, 3)]
    assert [writer.communicate(timeout=240)[0] for writer in writers] == ["done\n"] * 3
    assert_whole(url)
    with open_store(url) as store:
        assert {point.n % 1_000_000 for point in store.points("flights")} == {5}


def test_threads_may_share_a_store(url: str) -> None:
    problems: list[BaseException] = []
    with open_store(url) as store:

        def work(number: int) -> None:
            try:
                for turn in range(8):
                    key = SeriesKey("flights", "data", f"column{number}", f"m{turn}")
                    store.replace_points(
                        "flights", DAY, [MetricPoint(Series(key, "input"), DAY, 1.0, 1)], scope=f"table:{number}"
                    )
                    store.history("flights", [DAY])
                    store.points("flights")
                    store.replace_verdicts(
                        "flights", [DAY], [Verdict(key, DAY, "r", Status.OK, 1.0, "")], scopes=[f"table:{number}"]
                    )
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert [point.series.key.metric for point in store.points("flights")] == ["m7"] * 4
        assert len(store.verdicts("flights")) == 4
        assert store.history("flights", [DAY]).values.tolist() == [[1.0]] * 4


def _read_in_child(store, queue) -> None:
    queue.put(len(store.points("flights")))


def test_a_forked_child_reads_the_store_after_closing_what_it_inherited(tmp_path) -> None:
    """Airflow forks its tasks; a store that the parent has opened on SQLite stays usable in both."""
    with open_store(f"sqlite:///{tmp_path}/lupus.db") as store:
        point = MetricPoint(Series(SeriesKey("flights", "data", "delay", "mean"), "input"), DAY, 1.0, 1)
        store.upsert_points([point], scope="pushed")
        store.close()
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=_read_in_child, args=(store, queue))
        child.start()
        assert queue.get(timeout=60) == 1
        child.join(30)
        assert store.points("flights") == [point]
