"""Conditions out of text: `CPU > 70% 또는 ErrorRate > 5% 발생 시 자동 롤백`. Certain, or left as text."""

from __future__ import annotations

import re
from typing import Literal

from steersman.domain.fact import Fact
from steersman.domain.plan import Comparison, Threshold
from steersman.domain.scenario import ConditionTemplate
from steersman.domain.signal import UNIT, Selector, SignalName
from steersman.knowledge.phrases.tokens import LONGEST_PHRASE, Token, cut
from steersman.knowledge.phrases.vocabulary import Kind

DEFAULT_WINDOW_S = 300.0
Reaction = Literal["rollback", "pause"]
_UNITS: dict[str, tuple[Kind, ...]] = {
    "ratio": ("percent",),
    "s": ("duration",),
    "bytes": ("bytes",),
    "count": ("number",),
    "1/s": ("rate", "number"),
}
_WORSE_LOW: frozenset[SignalName] = frozenset({"up", "request_rate"})
_COMPARES = re.compile(r"대비|보다|than|compared|versus|vs")
_OPS: dict[Kind, Literal[">", ">=", "<", "<="]] = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
_NEGATED: dict[str, Literal[">", ">=", "<", "<="]] = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


class ReadCondition(Fact):
    """What code made of one phrase."""

    text: str
    conditions: tuple[ConditionTemplate, ...] = ()
    """Each alone triggers the reaction; empty when the phrase stays text."""
    assumed: tuple[str, ...] = ()
    """What the phrase leaves open and a named default fills: `window`, `reaction`. Shown on the plan card."""
    why_text: str = ""
    """Why it stays text."""


class _NotCertainError(Exception):
    """The phrase does not say it with certainty."""


def read_condition(text: str) -> ReadCondition:
    """The typed conditions of a phrase; only when every word of it is understood."""
    if len(text) > LONGEST_PHRASE:
        return ReadCondition(text=text, why_text=f"longer than {LONGEST_PHRASE} characters")
    try:
        return _read(text, cut(text))
    except _NotCertainError as e:
        return ReadCondition(text=text, why_text=str(e))


def _read(text: str, tokens: list[Token]) -> ReadCondition:
    _refuse(tokens)
    reaction = _reaction(tokens)
    keep = any(token.kind == "keep" for token in tokens)
    if keep and reaction:
        raise _NotCertainError("says both what must hold and what to do when something happens")
    clauses = [_over_a_window(clause) for clause in _clauses(tokens)]
    windows = [window for window in map(_window, clauses) if window]
    shared = windows[0] if len(windows) == 1 else None
    found = [_condition(clause, keep=keep, shared_window=shared) for clause in clauses]
    assumed = [] if windows else ["window"]
    if reaction is None:
        assumed.append("reaction")
    finished = tuple(
        condition.model_copy(update={"text": text, "reaction": reaction or "rollback"})
        for condition in _distinct(found)
    )
    return ReadCondition(text=text, conditions=finished, assumed=tuple(assumed))


def _refuse(tokens: list[Token]) -> None:
    unknown = [token.text for token in tokens if token.kind == "unknown"]
    if unknown:
        raise _NotCertainError(f"does not know {' '.join(unknown)[:60]!r}")
    vague = next((token.text for token in tokens if token.kind == "vague"), None)
    if vague:
        raise _NotCertainError(f"{vague!r} names no signal: which percentile, rate or unit is open")
    if any(token.kind == "and" for token in tokens):
        raise _NotCertainError("joins with 'and': a condition watches one signal")
    if any(token.kind == "not" for token in tokens):
        raise _NotCertainError("holds a negation")


def _reaction(tokens: list[Token]) -> Reaction | None:
    found = {token.kind for token in tokens if token.kind in ("rollback", "pause")}
    if len(found) > 1:
        raise _NotCertainError("names two reactions")
    return "rollback" if "rollback" in found else "pause" if found else None


def _clauses(tokens: list[Token]) -> list[list[Token]]:
    clauses: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "or":
            clauses.append([])
        elif token.kind not in ("filler", "rollback", "pause", "keep"):
            clauses[-1].append(token)
    if any(not clause for clause in clauses):
        raise _NotCertainError("names no signal with a bound")
    return clauses


def _over_a_window(clause: list[Token]) -> list[Token]:
    """`> 1% over 5m`: after another comparison, `over` and a time mean the window."""
    if sum(token.kind in _OPS for token in clause) < 2:  # noqa: PLR2004  # two comparisons, one of them not meant
        return clause
    pairs = zip(clause, [*clause[1:], Token("filler", "")], strict=True)
    return [
        Token("for", token.text) if token.text == "over" and following.kind == "duration" else token
        for token, following in pairs
    ]


def _window(clause: list[Token]) -> float | None:
    """A duration beside a word like `for`; never the bound itself."""
    spans = _window_spans(clause)
    return clause[spans[0]].value if spans else None


def _window_spans(clause: list[Token]) -> list[int]:
    return [
        index
        for index, token in enumerate(clause)
        if token.kind == "duration"
        and (
            (index > 0 and clause[index - 1].kind == "for")
            or (index + 1 < len(clause) and clause[index + 1].kind == "lasting")
        )
    ]


def _condition(clause: list[Token], *, keep: bool, shared_window: float | None) -> ConditionTemplate:
    signal = _signal(clause)
    spans = _window_spans(clause)
    if len(spans) > 1:
        raise _NotCertainError("names two windows")
    window = clause[spans[0]].value if spans else shared_window
    rest = [
        token
        for index, token in enumerate(clause)
        if index not in spans and token.kind not in ("signal", "for", "lasting")
    ]
    names = [token.text for token in rest if token.kind == "name"]
    if len(names) > 1:
        raise _NotCertainError(f"names {' and '.join(names)}: of which is it measured")
    selector = Selector(
        service=names[0] if names else "{service}",
        pool="canary" if any(token.kind == "pool" for token in rest) else None,
    )
    body = [token for token in rest if token.kind not in ("name", "pool", "of")]
    test = _comparison(body) or _threshold(signal, body, keep=keep)
    return ConditionTemplate(
        id=signal.replace("_", "-"), signal=signal, selector=selector, test=test, window_s=window or DEFAULT_WINDOW_S
    )


def _signal(clause: list[Token]) -> SignalName:
    names = {token.text for token in clause if token.kind == "signal"}
    if len(names) != 1:
        raise _NotCertainError("names no signal" if not names else f"names {' and '.join(sorted(names))} in one clause")
    name = names.pop()
    return next(signal for signal in UNIT if signal == name)


def _comparison(body: list[Token]) -> Comparison | None:
    """`2x baseline`, `기준 대비 20% 초과`."""
    kinds = [token.kind for token in body]
    if "baseline" not in kinds:
        return None
    rest = [token for token in body if token.kind != "baseline"]
    amounts = [token for token in rest if token.kind in ("times", "percent")]
    if len(amounts) != 1 or any(token.kind not in ("times", "percent", "above", "at_least") for token in rest):
        raise _NotCertainError("compares with a baseline, but not by one factor")
    if amounts[0].kind == "percent" and not any(_COMPARES.search(token.text) for token in body):
        raise _NotCertainError("names a share and a version, but does not compare them")
    ratio = amounts[0].value if amounts[0].kind == "times" else 1 + amounts[0].value
    if ratio <= 1:
        raise _NotCertainError(f"a factor of {ratio:g} is no worsening")
    return Comparison(baseline=Selector(service="{service}", pool="stable"), worse="higher", ratio=ratio)


def _threshold(signal: SignalName, body: list[Token], *, keep: bool) -> Threshold:
    ops = [_OPS[token.kind] for token in body if token.kind in _OPS]
    bounds = [token for token in body if token.kind not in _OPS and token.kind != "stays"]
    if len(bounds) != 1 or len(ops) != 1:
        if keep and len(bounds) == 1 and not ops:
            ops = ["<="]
        else:
            raise _NotCertainError("wants exactly one comparison with one bound")
    value = _bound(signal, bounds[0])
    stays = any(token.kind == "stays" for token in body)
    op = _NEGATED[ops[0]] if keep or (stays and not _is_bad(signal, ops[0])) else ops[0]
    if not _is_bad(signal, op):
        raise _NotCertainError(f"{signal} {op} {value:g} is not a bad state by itself")
    return Threshold(op=op, value=value)


def _is_bad(signal: SignalName, op: str) -> bool:
    return (op in (">", ">=")) != (signal in _WORSE_LOW)


def _bound(signal: SignalName, bound: Token) -> float:
    unit = UNIT[signal]
    if bound.kind not in _UNITS[unit]:
        if unit == "ratio" and bound.kind == "number" and 0 < bound.value < 1:
            return bound.value
        raise _NotCertainError(f"{signal} is measured in {unit}, and {bound.text!r} is not")
    if unit == "ratio" and not 0 <= bound.value <= 1:
        raise _NotCertainError(f"{bound.text!r} is no share of one")
    return round(bound.value, 9)


def _distinct(found: list[ConditionTemplate]) -> list[ConditionTemplate]:
    """Ids made different where one signal is watched twice."""
    seen: dict[str, int] = {}
    out = []
    for condition in found:
        seen[condition.id] = seen.get(condition.id, 0) + 1
        count = seen[condition.id]
        out.append(condition if count == 1 else condition.model_copy(update={"id": f"{condition.id}-{count}"}))
    return out
