"""Rules as typed on the command line: ``NAME:parameter=value,...``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from lupus.model import RULE_PARAMETERS, LupusError, RuleSpec


def rule_from_text(text: str) -> RuleSpec:
    """The rule in ``KIND[:parameter=value,...]``.

    >>> rule_from_text("recent_average:sensitivity=5,direction=up").parameters["sensitivity"]
    5

    Raises `LupusError` for an unknown kind or parameter, and for values that do not fit.
    """
    from lupus.judge import rule_for

    kind, parameters = _parsed(text)
    spec = _checked(RuleSpec(kind, kind), parameters, text)
    rule_for(spec)
    return spec


def edited_rules(rules: Sequence[RuleSpec], texts: Iterable[str]) -> list[RuleSpec]:
    """The `rules` of a project with the changes in `texts`, each ``NAME:parameter=value,...`` or ``KIND[:...]``.

    What has the name of a rule changes that rule: the parameters named are replaced, and all else of it (where it
    applies, its severity, its other parameters) and the other rules stay in force. A kind that is no rule's name adds a
    rule of that kind over all series.

    >>> ceiling = RuleSpec("ceiling", "threshold", parameters={"min": 0.0, "max": 70.0})
    >>> edited_rules([ceiling], ["ceiling:max=80"])[0].parameters
    {'min': 0.0, 'max': 80}
    >>> [one.name for one in edited_rules([ceiling], ["flatline:window=30"])]
    ['ceiling', 'flatline']

    Raises `LupusError` for what is neither, an unknown parameter, and values that do not fit.
    """
    from lupus.judge import rule_for

    edited = {one.name: one for one in rules}
    for text in texts:
        name, parameters = _parsed(text)
        if name in edited:
            edited[name] = _checked(edited[name], parameters, text)
            rule_for(edited[name], list(edited.values()))
        else:
            edited[name] = _one_more(text, name, edited)
    return list(edited.values())


def _one_more(text: str, name: str, names: Iterable[str]) -> RuleSpec:
    try:
        return rule_from_text(text)
    except LupusError as error:
        close = get_close_matches(name, names, n=1)
        if name in RULE_PARAMETERS or not close:
            raise
        raise LupusError(f"rule {text!r}: the project has no such rule; did you mean {close[0]!r}?") from error


def _parsed(text: str) -> tuple[str, dict[str, Any]]:
    import yaml

    name, _, rest = text.strip().partition(":")
    parameters: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        parameter, equals, value = part.partition("=")
        if not equals or not parameter.strip():
            raise LupusError(f"rule {text!r}: {part!r} is not of the form parameter=value")
        try:
            parameters[parameter.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise LupusError(f"rule {text!r}: {value!r} is no value") from error
    return name, parameters


def _checked(spec: RuleSpec, parameters: Mapping[str, Any], text: str) -> RuleSpec:
    """`spec` with `parameters` in place of its own."""
    from lupus.config.rules import parameter_problem

    own = RULE_PARAMETERS.get(spec.kind)
    known = [one.name for one in fields(own)] if own is not None else []
    for name, value in parameters.items() if own is not None else ():
        if name not in known:
            raise LupusError(f"rule {text!r}: {spec.kind} has no parameter {name!r}; {_advice(name, known)}")
        if problem := parameter_problem(spec.kind, name, value):
            raise LupusError(f"rule {text!r}: {name} cannot be {value!r}: {problem}")
    return replace(spec, parameters={**spec.parameters, **parameters})


def _advice(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
