"""A story as Slack messages: the one in the channel, kept up to date, and what goes into its thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lupus.act.actions import ACTIONS, MUTES, Action
from lupus.act.story import NEWS, Item, Standing, Story
from lupus.act.text import escape, link, mention, units, web_address

# The lengths are chosen so that no message can come near Slack's limits (50 blocks, 3,000 characters a text,
# 150 a header, 10 elements a context, 25 in actions): at most 3 items of 2 blocks, and 8 blocks around them.
_ITEMS: Final = 3
_HEADER: Final = 150
_NAME: Final = 240
_SENTENCE: Final = 400
_SMALL: Final = 1500
_LINES: Final = 2800
_MOST_PARTS: Final = 20

_EMOJI: Final = {"low": "🟡", "medium": "🟠", "high": "🔴", "critical": "🚨"}
_OVER: Final = "✅"
_GONE: Final = "⚪"
_CALLED: Final = frozenset(("first", "worse", "reopened", "reminder"))
"""The reasons for which whoever is on call is called by name."""


def channel_message(
    story: Story, standing: Standing, *, chart: str = "", signature: str | None = None, buttons: bool = True
) -> dict[str, Any]:
    """The message in the channel: ``{"text": ..., "blocks": [...]}``. What it says depends on its arguments only.

    `chart` is the id of an uploaded file. With a `signature` the buttons work by themselves (a listener runs);
    without one they lead to the Web UI, if the story has links.
    """
    emoji = _emoji(story, standing)
    blocks = [_header(f"{emoji} {story.project}: {_news(story, standing)}{story.title}")]
    blocks.append(_section([_summary(story), *_state_lines(standing)]))
    if story.because and not story.clear:
        blocks.append(_context([f"↑ {escape(story.because, _SENTENCE)}"]))
    if standing.state != "withdrawn":
        for item in story.items[: 1 if story.clear else _ITEMS]:
            blocks.extend(_item_blocks(item, small=not story.clear))
        more = _more(story)
        if more and not story.clear:
            blocks.append(_context([more]))
        if story.checks and not story.clear:
            blocks.append(_section(_check_lines(story)))
        if chart and story.items:
            name = escape(f"{story.items[0].name}: the last 60 intervals, what was expected and what was found", 1900)
            blocks.append({"type": "image", "slack_file": {"id": chart}, "alt_text": name})
    elements = _buttons(story, standing, signature) if buttons else []
    if elements:
        blocks.append({"type": "actions", "block_id": "lupus", "elements": elements})
    blocks.append(_context(_footer(story)))
    return {"text": f"{emoji} {escape(story.text, 600)}", "blocks": blocks}


def thread_message(story: Story) -> dict[str, Any] | None:
    """What is said in the thread, which the message itself has no room for; None when there is nothing to add."""
    if story.reason == "first":
        hidden = story.items[_ITEMS:]
        if not hidden:
            return None
        lines = ["*All that was found*", *map(_line, story.items)]
    elif story.clear:
        lines = [f"{_OVER} *Resolved* at {escape(story.at, 40)}: {escape(', '.join(story.facts), _SENTENCE)}"]
        hidden = ()
    else:
        news = NEWS.get(story.reason, "").capitalize() or "News"
        lines = [f"*{news}* at {escape(story.at, 40)} · {escape(' · '.join(story.facts), _SENTENCE)}"]
        lines += map(_line, story.items[:_ITEMS])
        hidden = story.items[_ITEMS:]
        lines += [f"and {len(hidden)} more causes"] if hidden else []
    called = _mention(story)
    if called and story.reason != "first":
        lines[0] = f"{called} {lines[0]}"
    lines += [escape(story.rest, _SENTENCE)] if story.rest and not story.clear else []
    return {"text": escape(story.text, 600), "blocks": [_section(part) for part in _parts(lines)]}


def note(text: str) -> dict[str, Any]:
    """A plain text as a message, line by line."""
    lines = [escape(line, _LINES) for line in text.split("\n")]
    parts = _parts([line or " " for line in lines])
    return {"text": lines[0] or " ".join(lines), "blocks": [_section(part) for part in parts[:_MOST_PARTS]]}


def _emoji(story: Story, standing: Standing) -> str:
    if standing.state == "withdrawn":
        return _GONE
    return _OVER if story.clear or standing.state == "resolved" else _EMOJI.get(story.severity, _EMOJI["medium"])


def _news(story: Story, standing: Standing) -> str:
    if standing.state == "withdrawn":
        return "withdrawn: "
    return "resolved: " if story.clear or standing.state == "resolved" else ""


def _summary(story: Story) -> str:
    facts = [escape(fact, _SENTENCE) for fact in story.facts]
    if story.clear:
        line = f"Resolved at {escape(story.at, 40)} · {' · '.join(facts)}"
    else:
        when = f"new at {story.at}" if story.at == story.since else f"open since {story.since}, last at {story.at}"
        news = NEWS.get(story.reason, "") if story.reason in ("worse", "grew", "reopened") else ""
        parts = [f"*{escape(story.severity.capitalize(), 20)}*", *facts, *([news] if news else []), escape(when, 100)]
        line = " · ".join(parts)
    called = _mention(story)
    return f"{called} {line}" if called else line


def _mention(story: Story) -> str:
    return mention(story.mention) if story.mention and story.reason in _CALLED else ""


def _state_lines(standing: Standing) -> list[str]:
    by = f" by {escape(standing.by, 100)}" if standing.by else ""
    lines = []
    match standing.state:
        case "acknowledged":
            lines.append(f"👀 Acknowledged{by}")
        case "muted":
            until = f" until {escape(standing.until, 80)}" if standing.until else ""
            lines.append(f"🔕 Muted{until}{by}")
        case "withdrawn":
            if standing.into:
                lines.append(
                    f"It is a part of the incident `{escape(standing.into, 40)}` now: both share time and cause."
                )
            else:
                lines.append("The data were measured again, and this is no longer found.")
    if standing.outcome:
        judge = f" by {escape(standing.judged_by, 100)}" if standing.judged_by else ""
        lines.append(f"Judged *{escape(standing.outcome.replace('_', ' '), 40)}*{judge}")
    if standing.awaiting:
        lines.append("⏳ A retraining waits for approval")
    if standing.assignee:
        lines.append(f"With {escape(standing.assignee, 100)}")
    if standing.comment:
        lines.append(f"“{escape(standing.comment, _SENTENCE)}”")
    return lines


def _item_blocks(item: Item, *, small: bool) -> list[dict[str, Any]]:
    blocks = [_section([_line(item)])]
    said = " · ".join(escape(one, _SENTENCE) for one in item.small)
    if said and small:
        blocks.append(_context([said if units(said) <= _SMALL else escape(item.small[0], _SENTENCE)]))
    return blocks


def _line(item: Item) -> str:
    """`*Null ratio of data.dep_time*: 51.2 %, expected 1 % – 4 %`, the name a link to its chart."""
    plain = item.name.replace("*", "∗")  # a star inside would end the bold type
    # A link that takes half of a message's room is no help.
    name = link(item.url, plain, _NAME) if len(item.url) <= 500 else ""
    text = f"*{name or escape(plain, _NAME)}*"
    if item.value:
        text += f": {escape(item.value, 100)}"
    return f"{text}, expected {escape(item.expected, 250)}" if item.expected else text


def _more(story: Story) -> str:
    hidden = len(story.items) - _ITEMS
    if hidden > 0 and not story.rest:
        return f"and {hidden} more in the thread" if hidden > 1 else "and 1 more in the thread"
    if hidden > 0:
        return f"and {hidden} more in the thread, {escape(story.rest, _SENTENCE)}"
    return escape(story.rest, _SENTENCE)


def _check_lines(story: Story) -> list[str]:
    return ["*Data validation failed*", *(f"• {escape(line, 550)}" for line in story.checks[:6])]


def _buttons(story: Story, standing: Standing, signature: str | None) -> list[dict[str, Any]]:
    if standing.state == "withdrawn":
        return []
    over = story.clear or standing.state == "resolved"
    elements = []
    for action in ACTIONS:
        if (
            (over and not action.judges and action.name not in ("approve", "refuse"))
            or (action.judges and standing.outcome)
            or (action.name == "acknowledge" and standing.state == "acknowledged")
            or (action.name == "retrain" and (standing.awaiting or not story.retrain))
            or (action.name in ("approve", "refuse") and not standing.awaiting)
        ):
            continue
        if signature is not None:
            elements.append(_live(action, f"{story.incident}:{signature}"))
        elif address := web_address(story.incident_url):
            elements.append(_button(action, {"url": f"{address}?do={action.name}"}))
    return elements


def _live(action: Action, value: str) -> dict[str, Any]:
    if action.name == "mute":
        options = [
            {"text": {"type": "plain_text", "text": words}, "value": f"{name}:{value}"} for name, words in MUTES.items()
        ]
        return {
            "type": "static_select",
            "action_id": action.id,
            "placeholder": {"type": "plain_text", "text": action.label},
            "options": options,
        }
    return _button(action, {"value": value})


def _button(action: Action, more: dict[str, Any]) -> dict[str, Any]:
    button = {
        "type": "button",
        "action_id": action.id,
        "text": {"type": "plain_text", "text": action.label},
        **more,
    }
    if action.name == "acknowledge":
        button["style"] = "primary"
    if action.confirm and "value" in more:
        button["confirm"] = {
            "title": {"type": "plain_text", "text": f"{action.label}?"},
            "text": {"type": "plain_text", "text": action.confirm},
            "confirm": {"type": "plain_text", "text": action.label},
            "deny": {"type": "plain_text", "text": "Cancel"},
        }
    return button


def _footer(story: Story) -> list[str]:
    parts = [
        link(story.incident_url, "Open in Lupus"),
        link(story.run_url, "Airflow run"),
        f"Incident {escape(story.incident, 40)}",
        f"Owner {escape(story.owner, 120)}" if story.owner else "",
    ]
    return [part for part in parts if part]


def _parts(lines: Sequence[str]) -> list[list[str]]:
    """`lines` in as few sections as Slack's limit allows."""
    parts: list[list[str]] = [[]]
    room = _LINES
    for line in lines:
        size = units(line) + 1
        if size > room and parts[-1]:
            parts.append([])
            room = _LINES
        parts[-1].append(line)
        room -= size
    return parts


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": escape(text, _HEADER), "emoji": False}}


def _section(lines: Sequence[str]) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn("\n".join(lines))}


def _context(elements: Sequence[str]) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(element) for element in elements]}


def _mrkdwn(text: str) -> dict[str, Any]:
    # `verbatim` keeps Slack from linking or resolving names (`@channel`, `#general`) that it finds in plain words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
