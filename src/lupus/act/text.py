"""Text that goes into Slack: nothing from data or YAML may format, link or ping, and everything fits."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MENTION: Final = re.compile(r"<@[UW][A-Z0-9]{2,20}>|<!subteam\^S[A-Z0-9]{2,20}>|<!(?:here|channel|everyone)>")
_PLAIN_MENTION: Final = re.compile(r"@[\w.\-]{1,80}")
_BROADCASTS: Final = ("here", "channel", "everyone")
_ZERO_WIDTH_JOINER: Final = "\u200d"
# What already is percent-encoded stays as it is; "|", "<", ">" and spaces would end the link.
_URL_SAFE: Final = "%/:?#[]@!$&'()*+,;=~-._"


def plain(text: str) -> str:
    """`text` in one line without control, direction-changing or half characters (names may hold anything)."""
    kept = (char if char.isprintable() or char == _ZERO_WIDTH_JOINER else " " for char in text)
    return " ".join("".join(kept).split())


def shorten(text: str, limit: int) -> str:
    r"""`text` made `plain`, in at most `limit` characters.

    >>> shorten("null\nratio", 50), shorten("abcdef", 4)
    ('null ratio', 'abc…')
    """
    # No more than `limit` characters can be shown, so the rest of a huge name is not even looked at.
    made = plain(text[: 4 * limit])
    if len(made) <= limit and len(text) <= 4 * limit:
        return made
    return made[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int = 3000) -> str:
    """`text` for Slack: `plain`, with ``&``, ``<`` and ``>`` escaped, in at most `limit` UTF-16 units.

    Slack reads ``<!channel>``, ``<@U123>`` and ``<http://...>`` only from unescaped angle brackets. What is too
    long ends in an ellipsis and never in half of an escape.

    >>> escape("a <!channel> & b"), escape("aaa<", 4), escape("aaaa<", 4)
    ('a &lt;!channel&gt; &amp; b', 'aaa…', 'aaa…')
    """
    # No more than `limit` characters can be shown, so the rest of a huge name is not even looked at.
    pieces = [_ESCAPES.get(char, char) for char in plain(text[: 4 * limit])]
    if len(text) <= 4 * limit and sum(map(units, pieces)) <= limit:
        return "".join(pieces)
    room = limit - 1
    kept = []
    for piece in pieces:
        room -= units(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…"


def units(text: str) -> int:
    """The length of `text` as Slack counts it: in UTF-16 units, so most emoji count as two."""
    return len(text) + sum(char > "\uffff" for char in text)


def mention(text: str) -> str:
    """A mention from the project file as Slack reads it, or, when it is not one, as escaped text.

    ``@here``, ``@channel`` and ``@everyone`` become their real form; other names stay text, because Slack knows
    people by id (``<@U012AB3CD>``) and groups as ``<!subteam^S012AB3CD>``.

    >>> mention("<@U012AB3CD>"), mention("@here"), mention("<script>")
    ('<@U012AB3CD>', '<!here>', '&lt;script&gt;')
    """
    cleaned = text.strip()
    if cleaned.removeprefix("@") in _BROADCASTS:
        return f"<!{cleaned.removeprefix('@')}>"
    return cleaned if _MENTION.fullmatch(cleaned) else escape(cleaned, 100)


def is_mention(text: str) -> bool:
    """Whether `text` is one of the forms that Lupus accepts as a mention."""
    return bool(_MENTION.fullmatch(text.strip()) or _PLAIN_MENTION.fullmatch(text.strip()))


def web_address(url: str) -> str:
    """`url` with all that could end or break a link percent-encoded; "" unless it is a plain web address."""
    try:
        if len(url) > 2000 or urlsplit(url).scheme not in ("http", "https"):
            return ""
        return quote(url, safe=_URL_SAFE)
    except ValueError:
        return ""


def link(url: str, label: str, limit: int = 100) -> str:
    """A Slack link, or "" unless `url` is a plain web address."""
    address = web_address(url)
    # Slack takes everything behind the first stroke for the label; a second one is only in the way.
    return f"<{address.replace('&', '&amp;')}|{escape(label.replace('|', '∣'), limit)}>" if address else ""
