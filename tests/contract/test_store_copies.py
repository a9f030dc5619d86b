"""What the store promises of copies, and of dumps."""

from __future__ import annotations

import numpy as np

from lupus.model import (
    Failure,
    FailureKind,
    MetricPoint,
    Reference,
)
from lupus.store import Store, open_store
from store_cases import (
    AUC,
    DAYS,
    MEAN,
    NASTY,
    STD,
    history_store,
    incident,
    notice,
    point,
    request,
    series,
    state,
    verdict,
)


def test_a_project_is_copied_with_all_that_is_known_of_it(filled: Store, tmp_path) -> None:
    filled.replace_verdicts("flights", [DAYS[2]], [verdict(AUC, DAYS[2])])
    filled.save_project(NASTY, owner=NASTY)
    filled.replace_points(NASTY, DAYS[0], [point(series(NASTY, project=NASTY), DAYS[0])], scope=NASTY)
    filled.save_references([Reference("flights", "data", "delay", 1, "2013-03-07", {"edges": [NASTY]})])
    filled.save_states([state(DAYS[2], a=NASTY)])
    filled.commit_act("flights", DAYS[2], incidents=[incident()], notices=[notice(DAYS[2])], retrain=request(DAYS[2]))
    with open_store(f"sqlite:///{tmp_path}/copy.db") as copy:
        filled.copy_project(NASTY, copy, since=DAYS[0])
        assert copy.points(NASTY) == filled.points(NASTY)
        filled.copy_project("flights", copy, since=DAYS[0])
        assert copy.dump(wall_clock=True) == filled.dump(wall_clock=True)
        filled.copy_project("flights", copy, since=DAYS[0])  # again: nothing doubles
        assert copy.dump(wall_clock=True) == filled.dump(wall_clock=True)
        before, after = filled.history("flights", DAYS), copy.history("flights", DAYS)
        np.testing.assert_array_equal(before.values, after.values)
    with open_store(f"sqlite:///{tmp_path}/late.db") as copy:
        filled.copy_project("flights", copy, since=DAYS[2])
        assert {one.interval for one in copy.points("flights")} == {*DAYS[2:4]}
        assert copy.incidents() == [incident()]


def test_equal_content_gives_equal_dumps_in_any_order_of_writing(url: str, store: Store, tmp_path) -> None:
    history_store(store)
    with open_store(f"sqlite:///{tmp_path}/other.db") as other:
        for index in (3, 1, 0, 2):
            day = DAYS[index]
            other.replace_points("flights", day, [point(AUC, day, 0.7, maturity=0.5)], scope="evaluation")
            failed = MetricPoint(STD, day, None, 3, Failure(FailureKind.NO_DATA, "late"))
            points = [failed, point(MEAN, day, float(index), n=index + 1)] if index != 2 else []
            other.replace_points("flights", day, points, scope="table:data")
        assert other.dump() == store.dump()
