"""Any text in any name gives a message that Slack takes, and that pings nobody."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from act_cases import LINKS, day, project, verdict
from lupus.act import (
    Addressee,
    Occasion,
    Standing,
    channel_message,
    decide_notices,
    routes_of,
    story_of,
    thread_message,
    update_incidents,
)
from lupus.act.text import escape, units
from lupus.model import Routing, Series, SeriesKey, Severity, Status, Verdict
from slack_server import validate_blocks

_TEXT = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from("<>&!@|# \n`*_~U0channelhere😀\u202e\ud800"), max_size=60),
    st.sampled_from(["<!channel>", "<@U012AB3CD>", "&lt;!here&gt;", "&" * 4000, "😀" * 4000, "<" * 4000, ""]),
)
_NUMBER = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@st.composite
def _verdicts(draw: st.DrawFn) -> Verdict:
    return verdict(
        day(draw(st.integers(0, 3))),
        draw(_TEXT),
        draw(_TEXT),
        table=draw(_TEXT),
        segment=draw(_TEXT),
        sentence=draw(_TEXT),
        rule=draw(st.sampled_from(["a", "b"])),
        status=draw(st.sampled_from([Status.ANOMALY, Status.NO_DATA, Status.ERROR])),
        severity=draw(st.sampled_from([None, *Severity])),
        value=draw(_NUMBER),
        score=draw(_NUMBER),
        expected=draw(_NUMBER),
        lower=draw(_NUMBER),
        upper=draw(_NUMBER),
    )


@given(
    runs=st.lists(st.lists(_verdicts(), max_size=8), min_size=1, max_size=4),
    texts=st.tuples(_TEXT, _TEXT, _TEXT, _TEXT),
    group=st.sampled_from(["validation", "input"]),
)
@settings(max_examples=150, deadline=None)
def test_every_message_is_valid_and_pings_nobody(
    runs: list[list[Verdict]], texts: tuple[str, str, str, str], group: str
) -> None:
    owner, unit, mention = texts[:3]
    name = texts[3].encode(errors="ignore").decode()  # ids are made of its UTF-8
    made = project(name=name, owner=owner, mention=mention if "<" in mention else "")
    incidents: tuple = ()
    series: dict[SeriesKey, Series] = {}
    for number, verdicts in enumerate([*runs, [], []]):
        series |= {one.series: Series(one.series, group, unit) for one in verdicts}
        before = incidents
        to = [Addressee("outbox", routes_of(made, Routing()))]
        incidents = update_incidents(made, day(number), verdicts, series, before).incidents
        for notice in decide_notices(
            made, day(number), before, incidents, to=to, links=LINKS, series=series, occasion=Occasion()
        ):
            story = story_of(notice.message)
            assert story is not None
            standing = Standing("acknowledged", by=owner, until=unit, comment=mention, assignee=owner)
            for message in (
                channel_message(story, standing, chart="F1", signature="0" * 24),
                channel_message(story, Standing()),
                thread_message(story),
            ):
                if message is None:
                    continue
                assert validate_blocks(message) == []
                text = json.dumps(message, ensure_ascii=False).encode().decode()
                pings = set(re.findall(r"<[!@#][^>]*>", text))
                assert pings <= {mention.strip()}


@given(text=_TEXT, limit=st.integers(1, 200))
def test_escape_fits_and_never_leaves_half_an_escape(text: str, limit: int) -> None:
    escaped = escape(text, limit)
    assert units(escaped) <= limit
    assert "<" not in escaped
    assert ">" not in escaped
    assert re.sub("&(amp|lt|gt);", "", escaped).count("&") == 0
