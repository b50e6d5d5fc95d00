"""A load test that is asked for in words, Korean or English, read by code: what, how hard, how long, what is good.

"결제 API 초당 200건에서 p99 300ms 지키는지" is 200 requests a second of the target that is called payments, with
the goal p99 < 300 ms. What was not said is named, never guessed, but for a duration, which is told as an assumption.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from steersman.domain.fact import Fact
from steersman.domain.load import ErrorGoal, FailureGoal, Goal, LatencyGoal, Model, Shape
from steersman.planning.goal_names import COMMON
from steersman.planning.load_preset import DURATIONS_S, SMOKE_LEVEL
from steersman.planning.load_words import quantile

Missing = Literal["target", "level", "goal"]
QUESTIONS: dict[Missing, tuple[str, str]] = {
    "target": ("what to ask: a URL, or one of {targets}", "무엇을 테스트할까요: URL 또는 {targets}"),
    "level": ("how hard: `200/s`, or `50 users`", "얼마나 세게: `초당 200건` 또는 `50명`"),
    "goal": ("what is good enough: `p99 300ms`, or `errors 1%`", "무엇을 지켜야 하나요: `p99 300ms` 또는 `오류 1%`"),
}
"""What to ask for each, in English and Korean."""

NUM = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(천|만|k)?"
TIMES = {"": 1, "k": 1_000, "천": 1_000, "만": 10_000}
ASKS = r"(?:건|개|회|번|요청|콜|트랜잭션|requests?|reqs?|calls?|hits?|transactions?)"
PER_S = r"(?:/\s*(?:s|sec|second|초)\b|\bper\s+second|\ba\s+second)"
UNIT = r"(ms|milliseconds?|밀리초|밀리세컨드|s|secs?|seconds?|초)"
NOT_MORE = r"(?:<=?|under|below|within|less than|at most|of)?"
BOUND = rf"(?:\s*(?:latency|지연(?:\s*시간)?|응답(?:\s*시간)?))?\s*(?:이|가|은|는|을|를)?\s*{NOT_MORE}\s*"
URL = re.compile(r"https?://[^\s\"'<>가-힣]+")
RATES = (
    (re.compile(rf"초당\s*(?:최대\s*)?{NUM}\s*{ASKS}?", re.IGNORECASE), 1.0),
    (re.compile(rf"분당\s*(?:최대\s*)?{NUM}\s*{ASKS}?", re.IGNORECASE), 1 / 60),
    (re.compile(rf"(?<![\w.]){NUM}\s*(?:rps|tps|qps)\b", re.IGNORECASE), 1.0),
    (re.compile(rf"(?<![\w.]){NUM}\s*{ASKS}?\s*{PER_S}", re.IGNORECASE), 1.0),
    (re.compile(rf"(?<![\w.]){NUM}\s*{ASKS}?\s*(?:/\s*min\b|\bper\s+minute|\ba\s+minute)", re.IGNORECASE), 1 / 60),
)
USERS = (
    re.compile(rf"(?:동시(?:에)?\s*)?(?:가상\s*)?(?:사용자|유저|접속자)\s*(?:수\s*)?{NUM}\s*명?"),
    re.compile(rf"(?<![\w.]){NUM}\s*명(?:이|의|으로)?"),
    re.compile(rf"(?<![\w.]){NUM}\s*(?:concurrent\s+|virtual\s+)?(?:users?|vus?|people|customers)\b", re.IGNORECASE),
)
LATENCIES = (
    re.compile(rf"\bp\s?(\d{{2}}(?:\.\d{{1,2}})?|\d{{3,4}}){BOUND}(\d+(?:\.\d+)?)\s*{UNIT}", re.IGNORECASE),
    re.compile(
        rf"(\d{{2}}(?:\.\d{{1,2}})?)\s*(?:th\s+)?(?:퍼센타일|백분위(?:수)?|percentile){BOUND}(\d+(?:\.\d+)?)\s*{UNIT}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(\d{{2}}(?:\.\d{{1,2}})?)\s*%\s*(?:of\s+(?:the\s+)?requests?|의\s*요청)[^\d]{{0,20}}?(\d+(?:\.\d+)?)\s*{UNIT}",
        re.IGNORECASE,
    ),
)
MEDIAN = re.compile(rf"(?:median|중앙값|중간값){BOUND}(\d+(?:\.\d+)?)\s*{UNIT}", re.IGNORECASE)
ERRORS = re.compile(
    r"(?:error(?:s|\s*rate)?|fail(?:ure)?s?(?:\s*rate)?|에러(?:율)?|오류(?:율)?|실패(?:율)?)"
    rf"\s*(?:이|가|은|는|를|을)?\s*{NOT_MORE}\s*(\d+(?:\.\d+)?)\s*(?:%|percent|퍼센트|프로)",
    re.IGNORECASE,
)
NO_ERRORS = re.compile(
    r"without\s+(?:an?\s+|any\s+)?(?:error|failure)s?|no\s+(?:error|failure)s?|(?:에러|오류|실패)\s*없이", re.IGNORECASE
)
DURATIONS = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)\s*(hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|시간|분|초)(?![A-Za-z당])",
    re.IGNORECASE,
)
SECONDS = {"h": 3_600.0, "m": 60.0, "s": 1.0, "시": 3_600.0, "분": 60.0, "초": 1.0}
SHAPES: tuple[tuple[Shape, re.Pattern[str]], ...] = (
    ("smoke", re.compile(r"smoke|sanity|스모크|가볍게|살짝", re.IGNORECASE)),
    ("spike", re.compile(r"spike|burst|스파이크|급증|몰릴", re.IGNORECASE)),
    ("stress", re.compile(r"stress|스트레스", re.IGNORECASE)),
    ("soak", re.compile(r"soak|endurance|soaking|내구|장시간", re.IGNORECASE)),
)
LIMIT = re.compile(
    r"break(?:ing)?\s*point|limit|maximum|how\s+(?:much|many|far)|capacity|한계|최대\s*(?:처리량|얼마)|얼마(?:까지|나)|몇\s*건까지|버티",
    re.IGNORECASE,
)


class LoadRequest(Fact):
    """What was understood."""

    text: str
    target: str = ""
    """A URL, or the name of a known target; empty: not said."""
    shape: Shape = "load"
    model: Model = "open"
    level: float | None = None
    duration_s: float | None = None
    goals: tuple[Goal, ...] = ()
    wants_limit: bool = False
    """Asked is how much it bears, not whether it bears something."""
    missing: tuple[Missing, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Text:
    """A text whose understood parts are taken out, so that nothing is read twice."""

    left: str

    def take(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        found = [*pattern.finditer(self.left)]
        for hit in found:
            self.left = self.left[: hit.start()] + " " * (hit.end() - hit.start()) + self.left[hit.end() :]
        yield from found


def read_request(text: str, targets: Collection[str] = ()) -> LoadRequest:
    """What the words say. targets: names that are known, besides URLs."""
    rest = _Text(text)
    url = next((hit[0].rstrip(".,;)") for hit in rest.take(URL)), "")
    goals = (*_latencies(rest), *_errors(rest))
    rate, users = _first(rest, [*RATES]), _first(rest, [(p, 1.0) for p in USERS])
    duration_s = next((float(hit[1]) * SECONDS[hit[2][0].lower()] for hit in rest.take(DURATIONS)), None)
    shape = next((name for name, pattern in SHAPES if pattern.search(text)), "load")
    request = LoadRequest(
        text=text,
        target=url or named_target(rest.left, targets),
        shape=shape,
        model="closed" if users is not None and rate is None else "open",
        level=rate if rate is not None else users,
        duration_s=duration_s,
        goals=goals,
        wants_limit=rate is None and users is None and bool(LIMIT.search(text)),
    )
    return completed(request)


HANGUL = re.compile("[가-힣]")
ASSUMED = {
    "en": {"level": "{:g} requests/s: a smoke test is no load", "duration": "{:g} s: nobody said how long"},
    "ko": {"level": "초당 {:g}건: 스모크 테스트는 부하가 아님", "duration": "{:g}초 동안: 지정되지 않음"},
}


def completed(request: LoadRequest) -> LoadRequest:
    """The same, with what is still missing, and with what is assumed."""
    missing: list[Missing] = []
    assumed: list[str] = []
    level, duration_s = request.level, request.duration_s
    words = ASSUMED["ko" if HANGUL.search(request.text) else "en"]
    if level is None and request.shape == "smoke":
        level = SMOKE_LEVEL
        assumed.append(words["level"].format(level))
    if duration_s is None and not request.wants_limit:
        duration_s = DURATIONS_S[request.shape] if request.shape != "load" else 60.0
        assumed.append(words["duration"].format(duration_s))
    if not request.target:
        missing.append("target")
    if level is None and not request.wants_limit:
        missing.append("level")
    if not request.goals:
        missing.append("goal")
    change = {"missing": tuple(missing), "assumed": tuple(assumed), "level": level, "duration_s": duration_s}
    return request.model_copy(update=change)


def answered(request: LoadRequest, answer: str, targets: Collection[str] = ()) -> LoadRequest:
    """The request with what an answer adds; what was said before stays."""
    more = read_request(answer, targets)
    asked_rate = request.model_copy(
        update={
            "target": request.target or more.target,
            "model": request.model if request.level is not None else more.model,
            "level": request.level if request.level is not None else more.level,
            "goals": request.goals or more.goals,
        }
    )
    return completed(asked_rate)


def named_target(text: str, targets: Collection[str]) -> str:
    """The only known target that the words name, by its own name or as people call it; empty for none or several."""
    found = {name for name in targets if _says(text, name)}
    if not found:
        found = {name for name in targets for word in COMMON.get(name.lower(), ()) if _says(text, word)}
    return next(iter(found)) if len(found) == 1 else ""


def _says(text: str, word: str) -> bool:
    if re.search("[가-힣]", word):
        return word in text
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", text, re.IGNORECASE) is not None


def _first(rest: _Text, patterns: list[tuple[re.Pattern[str], float]]) -> float | None:
    for pattern, factor in patterns:
        for hit in rest.take(pattern):
            return float(hit[1].replace(",", "")) * TIMES[(hit[2] or "").lower()] * factor
    return None


def _latencies(rest: _Text) -> Iterator[Goal]:
    for pattern in LATENCIES:
        for hit in rest.take(pattern):
            yield LatencyGoal(quantile=quantile(hit[1]), max_ms=_ms(hit[2], hit[3]))
    for hit in rest.take(MEDIAN):
        yield LatencyGoal(quantile=0.5, max_ms=_ms(hit[1], hit[2]))


def _ms(number: str, unit: str) -> float:
    plain = unit.lower()
    return float(number) * (1 if plain.startswith(("ms", "milli", "밀리")) else 1_000)


def _errors(rest: _Text) -> Iterator[Goal]:
    for hit in rest.take(ERRORS):
        share = float(hit[1]) / 100
        if share == 0:
            yield FailureGoal(max_count=0)
        elif share < 1:
            yield ErrorGoal(max_ratio=share)
    for _ in rest.take(NO_ERRORS):
        yield FailureGoal(max_count=0)


def question(request: LoadRequest, targets: Collection[str], *, korean: bool) -> str:
    """What to ask the person, in one line."""
    known = ", ".join(sorted(targets)) or ("없음" if korean else "none is known")
    return "; ".join(QUESTIONS[each][korean].format(targets=known) for each in request.missing)
