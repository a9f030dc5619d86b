"""Who is told what: routes, quiet hours, reminders, old intervals, and the reason for every silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from act_cases import House, day, project, verdict
from lupus.act import Addressee, Occasion, addressees, decide_digests, routes_of
from lupus.model import (
    Connection,
    ConnectionNotUsableError,
    Notice,
    NoticeState,
    QuietHours,
    Reason,
    Route,
    Routing,
    Selector,
    Severity,
)

TEAM = Route(("slack:slack:#team",))
FIRE = Route(("slack:slack:#fire",), severity=Severity.CRITICAL, mention="@oncall")
MODEL = Route(("email:smtp:m@b.c",), where=Selector(group=("evaluation",)), severity=Severity.HIGH)
ALL = tuple(Addressee(route.to[0], (route,)) for route in (TEAM, FIRE, MODEL))


def _house(*, to: tuple[Addressee, ...] = ALL, **alerts: Any) -> House:
    made = project()
    house = House(replace(made, alerts=replace(made.alerts, **alerts)))
    house.to = to
    return house


def _told(notices: tuple[Notice, ...]) -> dict[str, str]:
    return {one.destination.partition(":")[2].partition(":")[2]: one.reason.value for one in notices}


def test_every_destination_is_told_what_its_route_is_about() -> None:
    house = _house()
    story: list[tuple[list[Any], Mapping[str, str]]] = [
        ([verdict(0)], {"#team": "first", "#fire": "below_severity"}),
        ([verdict(1, "p", "log_loss")], {"#team": "grew", "#fire": "below_severity", "m@b.c": "below_severity"}),
        (
            [verdict(2, "p", "log_loss", severity=Severity.HIGH)],
            {"#team": "worse", "#fire": "below_severity", "m@b.c": "first"},
        ),
        ([verdict(3)], {"#team": "repeat", "#fire": "below_severity"}),
        ([verdict(4, severity=Severity.CRITICAL)], {"#team": "worse", "#fire": "first"}),
        ([], {}),
        ([], {"#team": "resolved", "#fire": "resolved", "m@b.c": "resolved"}),
    ]
    for number, (verdicts, expected) in enumerate(story):
        notices = house.run(number, *verdicts)
        assert _told(notices) == expected, number
        assert all((one.state is NoticeState.PENDING) is one.reason.sends for one in notices)


def test_who_was_never_told_is_not_told_that_it_is_over() -> None:
    house = _house(to=(ALL[1],))
    house.run(0, verdict(0))
    house.run(1)
    assert _told(house.run(2)) == {"#fire": "below_severity"}


def test_the_mention_of_the_highest_route_that_is_told_calls() -> None:
    both = (Addressee("slack:slack:#team", (replace(TEAM, mention="@here"), FIRE)),)
    house = _house(to=both)
    (notice,) = house.run(0, verdict(0))
    assert notice.message["mention"] == "@here"
    (notice,) = house.run(1, verdict(1, severity=Severity.CRITICAL))
    assert (notice.reason, notice.message["mention"]) == (Reason.WORSE, "@oncall")


def test_old_intervals_tell_nobody_and_the_next_new_one_tells_all() -> None:
    house = _house(to=ALL[:1])
    house.occasion = Occasion(old=True)
    assert _told(house.run(0, verdict(0))) == {"#team": "backfill"}
    assert _told(house.run(1, verdict(1))) == {"#team": "backfill"}
    assert _told(house.run(2, verdict(2, severity=Severity.HIGH))) == {"#team": "backfill"}
    house.occasion = Occasion()
    assert _told(house.run(3, verdict(3))) == {"#team": "first"}
    house.occasion = Occasion(old=True)
    assert _told(house.run(3, verdict(3))) == {"#team": "first"}, "it was told when it was news"
    assert _told(house.run(1, verdict(1))) == {"#team": "backfill"}


def test_an_old_incident_ends_in_silence() -> None:
    house = _house(to=ALL[:1])
    house.occasion = Occasion(old=True)
    house.run(0, verdict(0))
    house.run(1)
    house.occasion = Occasion()
    assert _told(house.run(2)) == {"#team": "backfill"}


def test_reminders_of_what_nobody_has_in_hand() -> None:
    house = _house(to=ALL[:1], remind_after=3)
    told = [_told(house.run(number, verdict(number)))["#team"] for number in range(8)]
    assert told == ["first", "repeat", "repeat", "reminder", "repeat", "repeat", "reminder", "repeat"]
    assert [_told(house.run(number, verdict(number)))["#team"] for number in range(8)] == told
    house.change(0, "acknowledge")
    assert [_told(house.run(number, verdict(number)))["#team"] for number in (8, 9, 10)] == ["acknowledged"] * 3


def test_a_silence_that_has_ended_is_followed_by_a_reminder() -> None:
    house = _house(to=ALL[:1])
    house.run(0, verdict(0))
    house.change(0, "mute", until=day(2).key)
    told = [_told(house.run(number, verdict(number)))["#team"] for number in range(1, 5)]
    assert told == ["muted", "muted", "reminder", "repeat"]


def test_muted_until_the_score_doubles() -> None:
    house = _house(to=ALL[:1])
    house.run(0, verdict(0, score=2.0))
    house.change(0, "mute", until_doubles=True)
    assert house.incidents[0].muted_score == 4.0
    assert _told(house.run(1, verdict(1, score=3.9, severity=Severity.HIGH))) == {"#team": "muted"}
    assert house.incidents[0].state.value == "muted"
    assert _told(house.run(2, verdict(2, score=4.0, severity=Severity.CRITICAL))) == {"#team": "worse"}
    assert house.incidents[0].state.value == "open"


def test_escalation_with_duration() -> None:
    house = _house(to=ALL[:1], escalate_after=3)
    told = [_told(house.run(number, verdict(number)))["#team"] for number in range(8)]
    assert told == ["first", "repeat", "repeat", "worse", "repeat", "repeat", "worse", "repeat"]
    assert house.incidents[0].severity is Severity.CRITICAL
    house.run(0, verdict(0))
    assert house.incidents[0].severity is Severity.CRITICAL


def test_what_a_person_has_in_hand_pages_nobody_by_lasting() -> None:
    house = _house(to=ALL[:1], escalate_after=2)
    house.run(0, verdict(0))
    house.change(0, "acknowledge")
    told = [_told(house.run(number, verdict(number)))["#team"] for number in range(1, 5)]
    assert told == ["acknowledged"] * 4
    assert _told(house.run(5, verdict(5, severity=Severity.HIGH))) == {"#team": "worse"}


NIGHT = QuietHours(time(22), time(7), "UTC")
MORNING = datetime(2026, 1, 6, 7, tzinfo=UTC)


def test_quiet_hours_hold_back_and_the_digest_tells() -> None:
    house = _house(to=ALL[:1])
    house.occasion = Occasion(quiet=NIGHT, quiet_until=MORNING)
    held = house.run(0, verdict(0))
    assert _told(held) == {"#team": "quiet_hours"}
    assert held[0].next_try == MORNING
    assert held[0].state is NoticeState.NOT_SENT
    by_id = {one.id: one for one in house.incidents}
    (digest,) = decide_digests(house.project, day(0), held, (), by_id)
    assert (digest.reason, digest.state, digest.next_try, digest.incident) == (
        Reason.DIGEST, NoticeState.PENDING, MORNING, "",
    )  # fmt: skip
    assert digest.message["text"] == (
        "flights: 1 incident in the quiet hours\n• medium, open: Null ratio of data.dep_time (since 2013-03-08)"
    )
    # By day: the same run again changes nothing, the next one goes on from there.
    house.occasion = Occasion(quiet=NIGHT)
    assert _told(house.run(0, verdict(0))) == {"#team": "quiet_hours"}
    assert _told(house.run(1, verdict(1))) == {"#team": "repeat"}
    assert _told(house.run(2, verdict(2, "x"))) == {"#team": "grew"}


def test_a_later_run_of_the_same_night_adds_to_the_same_digest() -> None:
    house = _house(to=ALL[:1])
    house.occasion = Occasion(quiet=NIGHT, quiet_until=MORNING)
    first = house.run(0, verdict(0))
    by_id = {one.id: one for one in house.incidents}
    (one,) = decide_digests(house.project, day(0), first, list(house.told.values()), by_id)
    for number in (1, 2, 3):
        house.run(number)
    second = house.run(4, verdict(4, "other"))
    by_id = {one.id: one for one in house.incidents}
    (two,) = decide_digests(house.project, day(4), second, list(house.told.values()), by_id)
    assert one.id == two.id
    assert two.message["text"].splitlines()[0] == "flights: 2 incidents in the quiet hours"
    assert decide_digests(house.project, day(5), house.run(5, verdict(5, "other")), (), by_id) == ()


def test_what_is_bad_enough_wakes() -> None:
    house = _house(to=ALL[:1])
    house.occasion = Occasion(quiet=NIGHT, quiet_until=MORNING)
    assert _told(house.run(0, verdict(0, severity=Severity.HIGH))) == {"#team": "quiet_hours"}
    assert _told(house.run(1, verdict(1, severity=Severity.CRITICAL))) == {"#team": "worse"}


def test_what_is_held_upstream_is_told_when_it_is_free() -> None:
    house = _house(to=ALL[:1])
    house.run(9)
    house.run(0, verdict(0))
    house.told.clear()
    held = Occasion(held=[house.incidents[0].id])
    house.occasion = held
    assert _told(house.run(0, verdict(0))) == {"#team": "upstream"}
    assert _told(house.run(1, verdict(1, "x"))) == {"#team": "upstream"}
    house.occasion = Occasion()
    assert _told(house.run(2, verdict(2))) == {"#team": "first"}


class _Connections:
    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets

    def get(self, name: str) -> Connection:
        if name not in self.secrets:
            raise ConnectionNotUsableError(name)
        return Connection(name, secret=self.secrets[name])


def test_routes_of_the_project_and_of_the_installation() -> None:
    house = project()
    routing = Routing(
        routes=(
            replace(FIRE, owners=("ml-*",)),
            replace(TEAM, owners=("others",)),
            replace(MODEL, projects=("!flights",)),
        ),
        default=("webhook:hub",),
    )
    assert [route.to for route in routes_of(house, routing)] == [("slack:slack:#ml-flights",), FIRE.to]
    silent = replace(house, alerts=replace(house.alerts, slack=None))
    assert [route.to for route in routes_of(silent, routing)] == [("webhook:hub",), FIRE.to]
    assert [route.to for route in routes_of(silent, Routing())] == [("outbox",)]


def test_the_outbox_stands_in_once_for_all_that_cannot_be_reached() -> None:
    made = project()
    routes = (Route(("slack:slack:#ml-flights", "webhook:hub", "pager:x")), Route(("email:smtp:a@b.c",)))
    house = replace(made, alerts=replace(made.alerts, routes=routes))
    found = addressees(house, Routing(), _Connections(smtp="x", slack=""))
    assert [(one.destination, one.instead_of) for one in found] == [
        ("outbox", ("slack:slack:#ml-flights", "webhook:hub")),
        ("pager:x", ()),
        ("email:smtp:a@b.c", ()),
    ]
    assert len(found[0].routes) == 3


@pytest.mark.parametrize("hours", [timedelta(hours=1), timedelta(days=2)])
def test_a_digest_belongs_to_its_hour(hours: timedelta) -> None:
    house = _house(to=ALL[:1])
    house.occasion = Occasion(quiet=NIGHT, quiet_until=MORNING)
    first = decide_digests(house.project, day(0), house.run(0, verdict(0)), (), {})
    house.occasion = Occasion(quiet=NIGHT, quiet_until=MORNING + hours)
    second = decide_digests(house.project, day(0), house.run(1, verdict(1, "x")), (), {})
    assert first[0].id != second[0].id
