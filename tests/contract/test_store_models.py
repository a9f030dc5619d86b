"""What the store keeps of models: who decided on a retraining, comparisons, and which versions made predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lupus.model import (
    Better,
    Cadence,
    CadenceKind,
    Comparison,
    ComparisonKind,
    ComparisonVerdict,
    ModelChange,
    RetrainRequest,
    RetrainState,
    Sample,
    SeriesKey,
    StoreError,
    VersionShare,
    comparison_id,
    retrain_id,
)
from lupus.store import Store, open_store

DAILY = Cadence(CadenceKind.DAILY, "America/New_York")
DAYS = list(DAILY.between(DAILY.parse("2013-03-07"), DAILY.parse("2013-03-14")))
LOSS = SeriesKey("flights", "prediction", "p_late", "log_loss", "")


def request_of(day: int, state: RetrainState = RetrainState.AWAITING_APPROVAL) -> RetrainRequest:
    name = retrain_id("flights", DAYS[day])
    conf = {"request_id": name}
    return RetrainRequest(name, "flights", DAYS[day], "fit", state, ("worse",), conf, series=LOSS, better=Better.LOWER)


def comparison(day: int, kind: ComparisonKind = ComparisonKind.WINDOW, **more: object) -> Comparison:
    made = Comparison(
        id=comparison_id("flights", kind, "v1 > v2", LOSS, DAYS[day]),
        project="flights",
        interval=DAYS[day],
        kind=kind,
        subject="v1 > v2",
        series=LOSS,
        better=Better.LOWER,
        verdict=ComparisonVerdict.IMPROVED,
        before=Sample("v1", 7, DAYS[0].key, DAYS[day].key, 0.61),
        after=Sample("v2", 7, DAYS[0].key, DAYS[day].key, 0.52),
        shift=-0.09,
        low=-0.12,
        high=-0.05,
        effect=0.8,
        p_value=0.01,
        sentence="☃ v2 is better",
    )
    return replace(made, **more)  # type: ignore[arg-type]


def shares(**rows: int) -> list[VersionShare]:
    whole = sum(rows.values())
    made = [VersionShare(version, count, count / whole) for version, count in rows.items()]
    return sorted(made, key=lambda one: -one.rows)


def test_a_request_is_decided_once(store: Store) -> None:
    store.add_retrain(request_of(1))
    awaiting = (RetrainState.AWAITING_APPROVAL,)
    assert store.mark_retrain(request_of(1).id, RetrainState.APPROVED, by="vera", only_from=awaiting)
    assert not store.mark_retrain(request_of(1).id, RetrainState.REFUSED, by="max", only_from=awaiting)
    found = store.retrain_request(request_of(1).id)
    assert found == replace(request_of(1), state=RetrainState.APPROVED, by="vera")
    with pytest.raises(StoreError, match="no retrain request"):
        store.mark_retrain("nothing", RetrainState.APPROVED, only_from=awaiting)
    with pytest.raises(StoreError, match="lupus retrain"):
        store.retrain_request("nothing")


def test_a_request_by_a_person_names_no_metric(store: Store) -> None:
    asked = replace(request_of(2), series=None, by="vera")
    store.add_retrain(asked)
    assert store.retrain_requests("flights") == [asked]


def test_comparisons_of_a_run_replace_those_of_its_last_time(store: Store) -> None:
    first = [comparison(1), comparison(1, ComparisonKind.INTERVAL)]
    store.replace_comparisons("flights", DAYS[1], first)
    store.replace_comparisons("flights", DAYS[2], [comparison(2)])
    before = store.dump()
    store.replace_comparisons("flights", DAYS[1], first[::-1])
    assert store.dump() == before
    assert store.comparisons("flights", kind=ComparisonKind.WINDOW) == [comparison(1), comparison(2)]
    nothing = comparison(1, verdict=ComparisonVerdict.NOT_ENOUGH_DATA, shift=None, low=None, high=None, p_value=None)
    store.replace_comparisons("flights", DAYS[1], [nothing])
    assert store.comparisons() == [nothing, comparison(2)]
    with pytest.raises(StoreError, match="not flights at 2013-03-07"):
        store.replace_comparisons("flights", DAYS[0], [nothing])


def test_versions_of_an_interval_are_replaced(store: Store) -> None:
    store.replace_versions("flights", DAYS[1], shares(v1=90, v2=10, v3=1))
    store.replace_versions("flights", DAYS[0], shares(v1=5))
    store.replace_versions("flights", DAYS[1], shares(v1=90, v2=10))
    assert store.model_versions("flights") == {DAYS[0]: shares(v1=5), DAYS[1]: shares(v1=90, v2=10)}
    store.replace_versions("flights", DAYS[1], [])
    assert store.model_versions("flights") == {DAYS[0]: shares(v1=5)}
    assert store.model_versions("other") == {}


def test_changes_are_new_versions_and_new_leaders_in_whatever_order_they_were_written(store: Store) -> None:
    days = [shares(v1=9), shares(v1=9, v2=1), shares(v1=9, v2=1), shares(v2=9, v1=1), shares(v2=5), shares(v1=5)]
    for number in (3, 0, 5, 1, 4, 2):
        store.replace_versions("flights", DAYS[number], days[number])
    assert store.model_changes("flights") == [
        ModelChange("flights", DAYS[1], "v2", 0.1, leads=False, before="v1"),
        ModelChange("flights", DAYS[3], "v2", 0.9, leads=True, before="v1"),
        ModelChange("flights", DAYS[5], "v1", 1.0, leads=True, before="v2"),
    ]


def test_what_is_copied_has_its_models_too(store: Store, tmp_path: Path) -> None:
    store.replace_versions("flights", DAYS[1], shares(v1=90))
    store.replace_comparisons("flights", DAYS[1], [comparison(1)])
    store.add_retrain(request_of(1))
    with open_store(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        store.copy_project("flights", copy, since=DAYS[0])
        assert copy.model_versions("flights") == store.model_versions("flights")
        assert copy.comparisons() == [comparison(1)]
        assert copy.retrain_requests() == [request_of(1)]
