"""Slack messages against golden files, and text that must never format, link or ping.

`LUPUS_UPDATE_GOLDEN=1` writes the golden files anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from act_cases import LINKS, House, day, policy, project, series_of, verdict
from lupus.act import (
    Addressee,
    Links,
    Occasion,
    Standing,
    Story,
    channel_message,
    decide_notices,
    is_mention,
    note,
    story_of,
    tell,
    thread_message,
    update_incidents,
)
from lupus.act.text import escape, link, mention, plain, shorten, units
from lupus.model import IncidentState, Notice, Reason, Route, Severity, Status, Verdict
from slack_server import validate_blocks

GOLDEN = Path(__file__).parents[1] / "golden"


def _storm(number: int) -> list[Verdict]:
    """A day as on 8 February 2013: half of the flights cancelled, in every airport and carrier."""
    high, medium = Severity.HIGH, Severity.MEDIUM
    said = "null_ratio 51.2 % is above 1 %–4 %, expected from the last 28 days; the highest in 60 days"
    return [
        verdict(number, severity=high, score=9.1, sentence=said),
        *(verdict(number, segment=f"carrier={code}", severity=medium, sentence=said) for code in ("9E", "B6", "UA")),
        verdict(number, metric="mean", value=1312.4, lower=1330.0, upper=1360.0, sentence="mean 1,312 is below 1,330"),
        verdict(number, "dep_delay", "mean", value=39.1, lower=None, upper=25.0, sentence="mean 39.1 is above 25",
                why="mostly carrier=EV: 62 % of the change"),
        verdict(number, "", "rows", value=930, lower=960.0, upper=None, score=1.2, sentence="rows 930 is below 960"),
        verdict(number - 3, "p_late", "roc_auc", table="predictions", value=0.571, lower=0.62, upper=0.68,
                severity=high, sentence="roc_auc 0.571 is below 0.62–0.68, expected from the last 28 days"),
        verdict(number, "", "success_ratio", value=0.8, sentence="2 of 10 expectations were not met"),
        verdict(number, "air_time", "unexpected_ratio:air_time_not_null", value=0.5,
                sentence="50 % of the rows break expect_column_values_to_not_be_null"),
    ]  # fmt: skip


def _first() -> tuple[Notice, ...]:
    return House(project(mention="<!subteam^S012AB3CD>")).run(10, *_storm(10))


def _worse() -> tuple[Notice, ...]:
    house = House(project(mention="@here"))
    house.run(9, verdict(9))
    return house.run(10, *_storm(10))


def _grew() -> tuple[Notice, ...]:
    house = House()
    house.run(8, *_storm(8))
    return house.run(9, *(verdict(9, f"column_{number}", segment="origin=JFK") for number in range(9)))


def _no_data() -> tuple[Notice, ...]:
    gone = {"status": Status.NO_DATA, "severity": Severity.CRITICAL, "value": None, "score": None, "expected": None}
    sentence = "the slice had 0 rows at the deadline 09:00"
    return House().run(3, verdict(3, "", "rows", sentence=sentence, lower=None, upper=None, **gone))


def _error() -> tuple[Notice, ...]:
    broken = {"status": Status.ERROR, "severity": Severity.HIGH, "value": None, "score": None}
    return House().run(3, verdict(3, sentence="the column dep_time is not in the table", **broken))


def _resolved() -> tuple[Notice, ...]:
    house = House()
    for number, verdicts in enumerate((_storm(0), [verdict(1)], [], [])):
        notices = house.run(number, *verdicts)
    return notices


def _resolved_after_one() -> tuple[Notice, ...]:
    house = House(project(resolve_after=1, name="hourly <fares> & more"))
    house.run(0, verdict(0))
    return house.run(1)


def _not_back() -> tuple[Notice, ...]:
    house = House()
    found = [*_storm(0), verdict(0, "taxi_out", "mean", value=40.0, lower=20.0, upper=25.0, score=3.0)]
    newest = {one.series: 0.02 for one in found} | {found[0].series: 0.5, found[-1].series: 40.4}
    house.occasion = Occasion(levels=newest)
    for number, verdicts in enumerate((found, [verdict(1, value=0.5)], [], [])):
        notices = house.run(number, *verdicts)
    return notices


def _repeat() -> tuple[Notice, ...]:
    house = House()
    house.run(0, verdict(0))
    return house.run(1, verdict(1))


def _muted() -> tuple[Notice, ...]:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "mute", until="2013-04-01")
    return house.run(1, *_storm(1))


def _hostile() -> tuple[Notice, ...]:
    name = "<!channel> & <@U012AB3CD> <http://evil.example|pay here>\n*bold*\u202e @here"
    bad = verdict(
        0, name, f"null_ratio:{name}", segment=f"{name}=1", sentence=name, table=name, severity=Severity.HIGH, why=name
    )
    return House(project(mention="<!channel> <script>")).run(0, bad)


def _story(notice: Notice) -> Story:
    story = story_of(notice.message)
    assert story is not None
    # What is stored is JSON, and comes back as it was.
    assert story_of(json.loads(json.dumps(notice.message))) == story
    return story


def _message(notice: Notice, standing: Standing | None = None, **more: Any) -> dict[str, Any]:
    return channel_message(_story(notice), standing or Standing(), **more)


@pytest.mark.parametrize(
    "make",
    [_first, _worse, _grew, _no_data, _error, _resolved, _resolved_after_one, _not_back, _repeat, _muted, _hostile],
    ids=lambda make: make.__name__.strip("_"),
)
def test_golden(make: Callable[[], tuple[Notice, ...]]) -> None:
    (notice,) = make()
    message = _message(notice)
    reply = thread_message(_story(notice))
    assert validate_blocks(message) == []
    assert reply is None or validate_blocks(reply) == []
    shown = {"reason": notice.reason.value, "state": notice.state.value, **message, "thread": reply}
    text = json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
    path = GOLDEN / f"slack_{make.__name__.strip('_')}.json"
    if os.environ.get("LUPUS_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()


def test_what_is_back_in_its_band_is_back() -> None:
    one = verdict(0, value=0.5)
    made, series = project(), series_of([one])
    incidents = update_incidents(made, day(0), [one], series, [], newest=day(2)).incidents
    for level, back in ((one.lower, True), (one.upper, True), (0.5, False)):
        assert level is not None
        story = tell(
            made, incidents[0], day(2), Reason.RESOLVED, series=series, links=Links(), levels={one.series: level}
        )
        assert any(fact.startswith("not back") for fact in story.facts) is not back


def test_without_links_there_are_none() -> None:
    made = project(owner="")
    one = verdict(0)
    (incident,) = update_incidents(made, day(0), [one], series_of([one]), []).incidents
    story = tell(made, incident, day(0), Reason.FIRST, series=series_of([one]), links=Links())
    message = channel_message(story, Standing())
    assert message["blocks"][-1]["elements"] == [
        {"type": "mrkdwn", "text": f"Incident {incident.id}", "verbatim": True}
    ]
    assert "actions" not in {block["type"] for block in message["blocks"]}
    assert "http" not in json.dumps(message)


def test_series_that_are_no_longer_known_are_shown_without_unit() -> None:
    one = verdict(0)
    changes = update_incidents(project(), day(0), [one], {}, [])
    to = [Addressee("outbox", (Route(("outbox",)),))]
    (notice,) = decide_notices(
        project(), day(0), [], changes.incidents, to=to, links=LINKS, series={}, occasion=Occasion()
    )
    assert "0.512, expected 0.01 – 0.04" in json.dumps(_message(notice), ensure_ascii=False)


def test_ten_thousand_series_fit() -> None:
    many = [
        verdict(0, f"column {number % 500}", segment=f"s={number}", table=f"table {number % 50}", sentence="s" * 5000)
        for number in range(10_000)
    ]
    (notice,) = House().run(0, *many)
    message, reply = _message(notice, signature="0" * 24, chart="F1"), thread_message(_story(notice))
    assert validate_blocks(message) == [] == validate_blocks(reply or {})
    assert "10,000 series in 50 tables" in message["blocks"][1]["text"]["text"]
    assert "more series" in json.dumps(reply)
    assert len(message["blocks"]) < 20
    assert len(json.dumps(notice.message)) < 40_000, "what is stored is bounded, too"


def test_mentions_come_only_when_it_is_new_or_worse() -> None:
    house = House(project(mention="@here"))
    called = []
    for number, verdicts in enumerate(
        ([verdict(0)], [verdict(1)], [verdict(2, "other")], [verdict(3, severity=Severity.HIGH)])
    ):
        (notice,) = house.run(number, *verdicts)
        told = _message(notice) if not called else thread_message(_story(notice))
        called.append("<!here>" in json.dumps(told))
    assert called == [True, False, False, True]


@pytest.mark.parametrize(
    ("standing", "said", "labels"),
    [
        (Standing(), "", ["Acknowledge", "Mute", "Expected", "False alarm", "Retrain"]),
        (Standing("acknowledged", by="Vera"), "👀 Acknowledged by Vera",
         ["Mute", "Expected", "False alarm", "Retrain"]),
        (Standing("muted", by="Vera", until="2013-04-01"), "🔕 Muted until 2013-04-01 by Vera",
         ["Acknowledge", "Mute", "Expected", "False alarm", "Retrain"]),
        (Standing("resolved", by="Emmy", outcome="false_alarm", judged_by="Vera", comment="<!channel> the feed"),
         "Judged *false alarm* by Vera\n“&lt;!channel&gt; the feed”", []),
        (Standing("resolved"), "", ["Expected", "False alarm"]),
        (Standing("withdrawn"), "this is no longer found", []),
    ],
    ids=lambda value: value.state if isinstance(value, Standing) else "",
)  # fmt: skip
@pytest.mark.parametrize("signature", [None, "0" * 24])
def test_what_people_made_of_it(standing: Standing, said: str, labels: list[str], signature: str | None) -> None:
    (notice,) = House(project(retrain=policy())).run(0, verdict(0))
    message = _message(notice, standing, signature=signature)
    assert validate_blocks(message) == []
    assert said in message["blocks"][1]["text"]["text"]
    (elements,) = [block["elements"] for block in message["blocks"] if block["type"] == "actions"] or [[]]
    assert [element.get("text", element.get("placeholder"))["text"] for element in elements] == labels
    assert all(("url" in element) == (signature is None) for element in elements)
    assert message["text"][0] == ("✅" if standing.state == "resolved" else "⚪" if labels == [] else "🟠")


def test_a_project_without_a_policy_has_no_button_to_retrain() -> None:
    (notice,) = House().run(0, verdict(0))
    assert "retrain" not in json.dumps(_message(notice, signature="0" * 24))


def test_a_chart_is_shown_with_what_it_shows_in_words() -> None:
    (notice,) = House().run(0, verdict(0, "<!channel>"))
    (image,) = [block for block in _message(notice, chart="F012")["blocks"] if block["type"] == "image"]
    assert image["slack_file"] == {"id": "F012"}
    assert "&lt;!channel&gt;: the last 60 intervals" in image["alt_text"]


def test_an_emoji_is_a_name_like_any_other() -> None:
    (notice,) = House(project(name="🐺🚀")).run(0, verdict(0))
    message = _message(notice, signature="0" * 24)
    assert validate_blocks(message) == []
    assert message["blocks"][0]["text"]["text"].startswith("🟠 🐺🚀: Null ratio")


def test_a_likely_cause_elsewhere_is_told() -> None:
    one = verdict(0)
    (incident,) = update_incidents(project(), day(0), [one], {}, []).incidents
    said = "Probably caused by <weather>, since 2013-03-07"
    story = tell(project(), incident, day(0), Reason.FIRST, series={}, links=LINKS, because=said)
    assert "↑ Probably caused by &lt;weather&gt;" in json.dumps(channel_message(story, Standing()), ensure_ascii=False)


def test_a_bare_text_is_no_story() -> None:
    assert story_of({"text": "a <b>"}) is None
    assert note("a <b>")["text"] == "a &lt;b&gt;"
    digest = note("flights: 2 incidents\n• high: <a>\n\n• low: b")
    assert digest["blocks"][0]["text"]["text"] == "flights: 2 incidents\n• high: &lt;a&gt;\n \n• low: b"
    for text in ("x" * 10_000, "\n".join(["<" * 5000] * 500), "a\n\n"):
        assert validate_blocks(note(text)) == []


@pytest.mark.parametrize(
    ("text", "shown", "accepted"),
    [
        ("<@U012AB3CD>", "<@U012AB3CD>", True),
        (" <@W012AB3CD> ", "<@W012AB3CD>", True),
        ("<!subteam^S012AB3CD>", "<!subteam^S012AB3CD>", True),
        ("<!here>", "<!here>", True),
        ("@here", "<!here>", True),
        ("@channel", "<!channel>", True),
        ("@ada.l", "@ada.l", True),
        ("here", "<!here>", False),
        ("<!here> <!channel>", "&lt;!here&gt; &lt;!channel&gt;", False),
        ("<@U012AB3CD|x> & co", "&lt;@U012AB3CD|x&gt; &amp; co", False),
        ("<http://evil.example|x>", "&lt;http://evil.example|x&gt;", False),
    ],
)
def test_mention(text: str, shown: str, accepted: bool) -> None:
    assert mention(text) == shown
    assert is_mention(text) is accepted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?a=1&b=%20", "<https://a.example/x?a=1&amp;b=%20|it>"),
        ("http://a.example/a b|c>d", "<http://a.example/a%20b%7Cc%3Ed|it>"),
        ("javascript:alert(1)", ""),
        ("a.example", ""),
        ("http://[", ""),
        ("http://a.example/\ud800", ""),
        ("http://a.example/" + "x" * 3000, ""),
        ("", ""),
    ],
)
def test_link(url: str, shown: str) -> None:
    assert link(url, "it") == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a&b", 7, "a&amp;b"),
        ("a&b&", 8, "a&amp;b…"),
        ("a&b", 6, "a…"),
        ("a&b", 5, "a…"),
        ("😀😀", 4, "😀😀"),
        ("😀😀", 3, "😀…"),
        ("a\tb\n c\x00\u2028d\ud800", 50, "a b c d"),
        ("👩‍🚀", 50, "👩‍🚀"),
        ("x" * 1000, 10, "xxxxxxxxx…"),
        ("\n" * 1000, 10, "…"),
    ],
)
def test_escape(text: str, limit: int, shown: str) -> None:
    assert escape(text, limit) == shown
    assert units(escape(text, limit)) <= limit


def test_plain_turns_no_text_around() -> None:
    assert plain("user\u202egnp.exe\u200b") == "user gnp.exe"


def test_replacing_the_incident_does_not_matter_to_the_story() -> None:
    """What people do to an incident is theirs; the story is about what was found."""
    one = verdict(0)
    (incident,) = update_incidents(project(), day(0), [one], {}, []).incidents
    handled = replace(incident, state=IncidentState.ACKNOWLEDGED, by="<!channel>", comment="<!channel>")
    told = [tell(project(), it, day(0), Reason.FIRST, series={}, links=LINKS) for it in (incident, handled)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("text", "limit", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("a\n" * 9, 4, "a a…"), ("\u202e" * 99, 5, "…")]
)
def test_shorten(text: str, limit: int, shown: str) -> None:
    assert shorten(text, limit) == shown
