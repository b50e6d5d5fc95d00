"""Steps out of text: `probes 통과 대기(최대 5분)`, `Canary traffic 10% → 50% → 100% 전환`. Candidates, never orders."""

from __future__ import annotations

import re
from itertools import pairwise

from steersman.domain.fact import Fact
from steersman.domain.ids import OperationName
from steersman.domain.signal import SignalName
from steersman.knowledge.language import fold
from steersman.knowledge.phrases.candidates import CANDIDATES
from steersman.knowledge.phrases.tokens import LONGEST_PHRASE, seconds
from steersman.knowledge.phrases.vocabulary import (
    ACTIONS,
    CHAIN,
    DOUBT,
    MOST,
    PERCENT,
    REPLICAS,
    SECOND,
    SPAN,
    STEP_SIGNALS,
    TROUBLE,
    Action,
)

_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in ACTIONS)
_INSIDE: dict[Action, frozenset[Action]] = {
    "rollback": frozenset({"apply", "shift_traffic"}),
    "wait_ready": frozenset({"apply", "shift_traffic", "check_signals"}),
    "shift_traffic": frozenset({"apply"}),
    "watch": frozenset({"check_signals", "apply", "shift_traffic"}),
    "smoke_test": frozenset({"apply", "check_signals"}),
    "load_test": frozenset({"apply", "check_signals"}),
    "backup": frozenset({"apply"}),
    "migrate": frozenset({"apply"}),
    "scale": frozenset({"apply"}),
    "uncordon": frozenset({"cordon"}),
    "rotate": frozenset({"apply"}),
    "scan": frozenset({"apply", "build"}),
    "restart": frozenset({"apply"}),
    "approve": frozenset({"apply"}),
    "notify": frozenset({"apply"}),
}
"""What an action's own words also seem to name: a smoke test `after deploy` deploys nothing."""
_THEN = re.compile(r"\s(?:후|뒤)\s|하고\s")
_HUNDRED = 100


class ReadStep(Fact):
    """What code made of one step."""

    text: str
    action: Action | None = None
    """None: the step stays text, and a plan that needs it wants a model or a person."""
    candidates: tuple[OperationName, ...] = ()
    """Operations that may do it; the planner or a person picks."""
    weights: tuple[float, ...] = ()
    """Shares of traffic in percent, rising."""
    wait_s: float | None = None
    """How long it takes or watches."""
    max_s: float | None = None
    """How long it may take."""
    replicas: int | None = None
    signals: tuple[SignalName, ...] = ()
    open_signals: tuple[str, ...] = ()
    """Words such as `latency` that name no one signal: a named default fills them."""
    on_trouble: bool = False
    """Only when something went wrong: it belongs to the undo, not to the plan."""
    why_text: str = ""


def read_step(text: str) -> ReadStep:
    """The action of a step with its numbers, when the text names exactly one."""
    if len(text) > LONGEST_PHRASE:
        return ReadStep(text=text, why_text=f"longer than {LONGEST_PHRASE} characters")
    line = " ".join(fold(text).split())
    trouble = TROUBLE.search(line)
    rest = line[: trouble.start()] + line[trouble.end() :] if trouble else line
    found = [name for name, pattern in _COMPILED if pattern.search(rest)]
    actions = [name for name in found if not any(name in _INSIDE.get(other, ()) for other in found)]
    if "apply" in found and actions == ["wait_ready"] and _THEN.search(rest):
        actions.append("apply")
    if DOUBT.search(rest):
        return ReadStep(text=text, why_text="leaves it open whether or what is to be done")
    if SECOND.search(rest):
        return ReadStep(text=text, why_text="names two things to do: split it")
    if len(actions) != 1:
        why = f"names {', '.join(actions)}: split it" if actions else "names no action that code knows"
        return ReadStep(text=text, why_text=why)
    if trouble and actions[0] != "rollback":
        return ReadStep(text=text, why_text="depends on trouble, and is no rollback")
    return _filled(text, line, action=actions[0], on_trouble=bool(trouble))


def _filled(text: str, line: str, *, action: Action, on_trouble: bool) -> ReadStep:
    weights = _weights(line) if action == "shift_traffic" else ()
    if weights is None:
        return ReadStep(text=text, why_text="its shares of traffic do not rise to at most 100 %")
    most = MOST.search(line)
    span = SPAN.search(MOST.sub(" ", line))
    names = (
        tuple(name for name, pattern in STEP_SIGNALS if re.search(pattern, line)) if action == "check_signals" else ()
    )
    vague = re.search(r"latency|지연|응답\s*시간|레이턴시", line) and not {"latency_p99", "latency_p95"} & set(names)
    replicas = REPLICAS.search(line) if action == "scale" else None
    return ReadStep(
        text=text,
        action=action,
        candidates=CANDIDATES[action],
        weights=weights,
        wait_s=float(span[1]) * seconds(span[2]) if span else None,
        max_s=float(most[1]) * seconds(most[2]) if most else None,
        replicas=int(next(group for group in replicas.groups() if group)) if replicas else None,
        signals=names,
        open_signals=("latency",) if vague and action == "check_signals" else (),
        on_trouble=on_trouble,
    )


def _weights(line: str) -> tuple[float, ...] | None:
    """Shares named in the text; None when they are no rise to at most 100."""
    chain = CHAIN.search(line)
    named = PERCENT.findall(line)
    if chain and "%" in chain.group(0):
        listed = re.findall(r"\d+(?:\.\d+)?", chain.group(0))
        named = listed if set(named) <= set(listed) else named
    shares = tuple(float(share) for share in named)
    rising = all(low < high for low, high in pairwise(shares))
    return shares if rising and all(0 < share <= _HUNDRED for share in shares) else None
