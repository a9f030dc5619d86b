"""Incidents upstream: what they cause, what they hold, and how the chain is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from act_cases import House, day, project, verdict
from lupus.act import is_held, is_open_at, upstream_causes, with_upstream
from lupus.act.upstream import held_reason
from lupus.model import Incident, IncidentState, Reason, Resolution


def incident(name: str, first: int, last: int, *, clean: int = 0, resolved: bool = False) -> Incident:
    """An incident of the project `name`; when `resolved`, after `clean` clean runs."""
    house = House(project(name=name))
    house.run(first, verdict(first))
    made = house.incidents[0]
    return replace(
        made,
        id=f"{name}{first}",
        project=name,
        title=f"Rows of {name}",
        last=day(last),
        clean=clean,
        state=IncidentState.RESOLVED if resolved else IncidentState.OPEN,
        resolution=Resolution.CLEAN if resolved else None,
    )


@pytest.mark.parametrize(
    ("upstream", "causes"),
    [
        (incident("weather", 5, 5), True),  # together
        (incident("weather", 1, 5), True),  # it lasts
        (incident("weather", 6, 6), False),  # after it
        (incident("weather", 1, 2, clean=2, resolved=True), False),  # over long ago
        (incident("weather", 1, 4, clean=2, resolved=True), True),  # not over when it began
        (incident("weather", 1, 3, clean=2, resolved=True), False),  # resolved in that very run
    ],
)
def test_what_lasts_when_it_begins_is_a_cause(upstream: Incident, causes: bool) -> None:
    assert with_upstream(incident("flights", 5, 7), [upstream]).upstream == ((upstream.id,) if causes else ())


def test_a_cause_that_a_rerun_does_not_find_again_goes() -> None:
    mine = with_upstream(incident("flights", 5, 7), [incident("weather", 5, 5)])
    assert mine.upstream
    assert with_upstream(mine, []).upstream == ()


def test_held_until_the_cause_is_over() -> None:
    cause = incident("weather", 5, 7, clean=2, resolved=True)
    mine = with_upstream(incident("flights", 5, 9), [cause])
    assert [is_held(mine, [cause], day(number)) for number in range(5, 11)] == [
        *(True,) * 4,
        *(False,) * 2,
    ]
    still = replace(cause, state=IncidentState.OPEN, resolution=None)
    assert is_held(mine, [still], day(300))


def test_what_a_person_closed_holds_nothing_from_then_on() -> None:
    closed = replace(incident("weather", 5, 7, resolved=True), resolution=Resolution.PERSON)
    assert not is_open_at(closed, day(8).start)


_SENT = [reason for reason in Reason if reason.sends]


@pytest.mark.parametrize("reason", _SENT)
def test_while_it_is_held_only_the_end_of_what_was_told_is_told(reason: Reason) -> None:
    expected = Reason.RESOLVED if reason is Reason.RESOLVED else Reason.UPSTREAM
    assert held_reason(reason, held=True, untold=False, news=True) is expected
    assert held_reason(reason, held=True, untold=True, news=True) is Reason.UPSTREAM


@pytest.mark.parametrize("reason", [one for one in Reason if not one.sends])
def test_a_silence_with_a_reason_of_its_own_keeps_it(reason: Reason) -> None:
    assert held_reason(reason, held=True, untold=True, news=True) is reason
    assert held_reason(None, held=True, untold=True, news=True) is None


@pytest.mark.parametrize(
    ("reason", "news", "told"),
    [
        (Reason.REPEAT, True, Reason.FIRST),
        (Reason.GREW, True, Reason.FIRST),
        (Reason.REPEAT, False, Reason.REPEAT),
        (Reason.RESOLVED, False, Reason.UPSTREAM),
        (Reason.MUTED, True, Reason.MUTED),
    ],
)
def test_what_was_never_told_is_told_when_it_still_stands(reason: Reason, news: bool, told: Reason) -> None:
    assert held_reason(reason, held=False, untold=True, news=news) is told
    assert held_reason(reason, held=False, untold=False, news=news) is reason


def test_the_chain_goes_as_far_as_there_are_incidents() -> None:
    far, middle = incident("weather", 4, 4), replace(incident("features", 5, 5), upstream=("weather4",))
    mine = replace(incident("flights", 5, 5), upstream=("features5", "gone"))
    known = {one.id: one for one in (far, middle)}
    (cause,) = upstream_causes(mine, known)
    assert cause.chain == ("weather", "features", "flights")
    assert (
        cause.sentence
        == f"Probably caused by weather, since {day(4).key}: Rows of weather (weather <- features <- flights)"
    )
    (near,) = upstream_causes(mine, {"features5": middle})
    assert near.sentence == f"Probably caused by features, since {day(5).key}: Rows of features"


def test_incidents_that_name_each_other_end() -> None:
    one = replace(incident("a", 5, 5), upstream=("b5",))
    other = replace(incident("b", 5, 5), upstream=("a5",))
    (cause,) = upstream_causes(one, {"a5": one, "b5": other})
    assert cause.project == "b"
