"""What a YAML scalar means, and ``${VAR}`` in it.

Plain scalars follow the YAML 1.2 core schema (``09:00`` is text, not 540), and dates and times are dates and
times. What YAML 1.1 and 1.2 read differently (``no``, ``on``, ``0123``) is refused: the author has to say it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

Scalar = str | int | float | bool | date | datetime | None

_WORDS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_AMBIGUOUS_WORDS: Final = frozenset(
    form for word in ("yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())
)
_NUMBER_STARTS: Final = frozenset("0123456789+-.")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?: ?(?:Z|[-+][0-9]{2}:?[0-9]{2}))?"
)
_SPECIAL_FLOATS: Final = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}
_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{")


class ScalarError(ValueError):
    """A plain scalar that cannot be read; `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def plain_scalar(text: str) -> Scalar:
    """The value of the unquoted scalar `text`; raises `ScalarError` where it is ambiguous or impossible.

    >>> plain_scalar("09:00"), plain_scalar("1e3"), plain_scalar("2013-03-01")
    ('09:00', 1000.0, datetime.date(2013, 3, 1))
    """
    if text in _WORDS:
        return _WORDS[text]
    if text in _AMBIGUOUS_WORDS:
        truth = "true" if text.lower() in ("yes", "on") else "false"
        raise ScalarError(
            f"{text} without quotes is a truth value to some YAML readers and text to others",
            f'write "{text}" for the text, or {truth}',
        )
    return _number_or_date(text) if text[0] in _NUMBER_STARTS else text


def _number_or_date(text: str) -> Scalar:
    if _INT.fullmatch(text):
        digits = text.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0":
            raise ScalarError(
                f"{text} without quotes is octal to some YAML readers and decimal to others",
                f'write "{text}" for the text, or {digits.lstrip("0") or "0"} for the number',
            )
        if len(digits) > 100:
            raise ScalarError("the number has more than 100 digits", "put it in quotes if it is text")
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _DATE.fullmatch(text) or _DATETIME.fullmatch(text):
        return _date(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    lowered = text.lower()
    return float(_SPECIAL_FLOATS[lowered]) if lowered in _SPECIAL_FLOATS else text


def _date(text: str) -> date:
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        return datetime.fromisoformat(text.upper().replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except ValueError as error:
        raise ScalarError(f"{text} is no date ({error})", "put it in quotes if it is text") from None


@dataclass(frozen=True, slots=True)
class Expansion:
    """`text` with its variables replaced. `variables` says whether there were any.

    `faults` are (fragment, nth occurrence of it, message, hint) for those that could not be replaced.
    """

    text: str
    variables: bool
    faults: tuple[tuple[str, int, str, str], ...]


def expand(text: str, environ: Mapping[str, str]) -> Expansion:
    """Replace ``${VAR}`` and ``${VAR:-default}`` (unset or empty) from `environ`; ``$${`` stands for ``${``.

    >>> expand("${HOST:-localhost}/$${x}", {}).text
    'localhost/${x}'
    """
    pieces: list[str] = []
    faults: list[tuple[str, int, str, str]] = []
    variables = False
    end = 0
    for match in _VARIABLE.finditer(text):
        pieces.append(text[end : match.start()])
        end = match.end()
        fragment, name, default = match.group(), match["name"], match["default"]
        if fragment == "$${":
            pieces.append("${")
            continue
        nth = text.count(fragment, 0, match.start())
        if name is None:
            message, hint = "'${' begins no variable", "write ${NAME}, ${NAME:-default}, or $${ for the characters ${"
            faults.append((fragment, nth, message, hint))
            continue
        variables = True
        value = environ.get(name)
        if not value and default is not None:
            value = default
        if value is None:
            hint = f"set it, or give a default: ${{{name}:-...}}"
            faults.append((fragment, nth, f"the environment variable {name} is not set", hint))
        pieces.append(value or "")
    pieces.append(text[end:])
    return Expansion("".join(pieces), variables, tuple(faults))
