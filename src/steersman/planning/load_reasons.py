"""Why a load test came out as it did, in the reader's language: made from a verdict's figures. Pure."""

from __future__ import annotations

from typing import Literal

from steersman.domain.load_result import GoalVerdict, LoadVerdict

Language = Literal["en", "ko"]
LATENCY = {
    "pass": "{what} {seen:.1f} ms: {bound:g} ms 안에 확실히 듭니다 (요청 {n:,}건)",
    "fail": "{what} {seen:.1f} ms: {bound:g} ms를 확실히 넘습니다 (요청 {n:,}건)",
    "inconclusive": "{what} {seen:.1f} ms: {bound:g} ms를 지키는지 가릴 수 없습니다 (요청 {n:,}건)",
}
CHANGE = {
    "pass": "{what} {seen:+.1%} ({low:+.1%} ~ {high:+.1%}): 느려지지 않았습니다",
    "fail": "{what} {seen:+.1%} ({low:+.1%} ~ {high:+.1%}): 느려졌습니다",
    "inconclusive": "{what} {seen:+.1%} ({low:+.1%} ~ {high:+.1%}): 느려졌는지 가릴 수 없습니다",
}
ERRORS = {
    "pass": "오류 {seen:.3%}: {bound:.3%}를 확실히 넘지 않습니다 (요청 {n:,}건)",
    "fail": "오류 {seen:.3%}: {bound:.3%}를 확실히 넘습니다 (요청 {n:,}건)",
    "inconclusive": "오류 {seen:.3%}: {bound:.3%}를 넘는지 가릴 수 없습니다 (요청 {n:,}건)",
}
FAILURES = "요청 {n:,}건 중 {seen:.0f}건 실패 (허용 {bound:.0f}건)"
TOO_FEW = "{what}: 요청이 모자라 가릴 수 없습니다"
NOT_TRUSTED = "측정을 믿을 수 없습니다: {flaw}"


def reason(part: GoalVerdict, lang: Language) -> str:
    """One goal or comparison in a sentence."""
    if lang == "en":
        return part.reason
    if part.measured is None or part.bound is None:
        return TOO_FEW.format(what="오류" if part.what == "errors" else part.what)
    if part.what == "failures":
        return FAILURES.format(n=part.requests, seen=part.measured, bound=part.bound)
    if part.what == "errors":
        return ERRORS[part.result].format(seen=part.measured, bound=part.bound, n=part.requests)
    if part.low is None or part.high is None:
        return LATENCY[part.result].format(what=part.what, seen=part.measured, bound=part.bound, n=part.requests)
    ratios = {"seen": part.measured - 1, "low": part.low - 1, "high": part.high - 1}
    return CHANGE[part.result].format(what=part.what, **ratios)


def verdict_reason(verdict: LoadVerdict, lang: Language) -> str:
    """What decided. What was wrong with the measurement itself, and how a run ended early, stays as it was noted."""
    if lang == "en":
        return verdict.reason
    if verdict.flaws:
        return NOT_TRUSTED.format(flaw=verdict.flaws[0])
    deciding = [reason(part, lang) for part in verdict.parts if part.result == verdict.result]
    ended_early = verdict.reason.startswith("ended early")
    return "; ".join(deciding) if deciding and not ended_early else verdict.reason
