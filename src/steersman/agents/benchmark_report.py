"""What the benchmark agent answers, and the sentences that it says it in: made by code from figures."""

from __future__ import annotations

from typing import Literal

from steersman.agents.writing import Written
from steersman.domain.fact import Fact
from steersman.domain.finding import Investigation
from steersman.domain.load import LoadProfile
from steersman.domain.load_result import Limit, LoadVerdict
from steersman.knowledge.language import language_of
from steersman.planning.load_reasons import verdict_reason
from steersman.planning.load_request import LoadRequest


class BenchmarkReport(Fact):
    """The answer."""

    text: str
    """A few sentences in the language of the question, made by code from the figures."""
    written: Written | None = None
    """A model's reading of them, where there is one; every number in it is one of the report's."""
    request: LoadRequest
    profile: LoadProfile
    run: str = ""
    """Name of the kept run."""
    verdict: LoadVerdict | None = None
    limit: Limit | None = None
    requests: int = 0
    rate: float = 0.0
    error_ratio: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    investigation: Investigation | None = None
    """Of the same window, when the goals were not held."""

    @property
    def result(self) -> Literal["pass", "fail", "inconclusive"]:
        """pass: the goals are held (or a rate was found that holds them)."""
        if self.verdict is not None:
            return self.verdict.result
        return "pass" if self.limit is not None and self.limit.holds is not None else "fail"


RESULTS = {
    "en": {"pass": "It holds", "fail": "It does not hold", "inconclusive": "It cannot be told"},
    "ko": {"pass": "지킵니다", "fail": "지키지 못합니다", "inconclusive": "판단할 수 없습니다"},
}
LATENCIES = "p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms."
FIGURES = {
    "en": "{requests:,} requests at {rate:.1f}/s, {errors:.2%} failed; " + LATENCIES,
    "ko": "초당 {rate:.1f}건으로 {requests:,}건, 실패 {errors:.2%}; " + LATENCIES,
}
CAUSE = {
    "en": "Bottleneck: {service} {version} ({kind}, {score:.0%}): {why}",
    "ko": "병목: {service} {version} ({kind}, {score:.0%}): {why}",
}
NO_CAUSE = {
    "en": "No cause stands out in the same window.",
    "ko": "같은 구간에서 뚜렷한 원인이 보이지 않습니다.",
}
SPENT = {
    "en": "Nothing has changed meanwhile; {share:.0%} of a request's time is spent in {service} itself ({ms:.0f} ms).",
    "ko": "같은 구간에서 바뀐 것은 없고, 요청 시간의 {share:.0%}를 {service} 자신이 씁니다 ({ms:.0f} ms).",
}
LIMITS = {
    "en": (
        "It holds up to {holds:g}/s.",
        "It holds up to {holds:g}/s and no longer at {breaks:g}/s.",
        "It does not even hold {breaks:g}/s.",
    ),
    "ko": (
        "초당 {holds:g}건까지 지킵니다.",
        "초당 {holds:g}건까지 지키고 {breaks:g}건에서는 지키지 못합니다.",
        "초당 {breaks:g}건도 지키지 못합니다.",
    ),
}


def sentences(report: BenchmarkReport) -> str:
    """The report in the language of the question."""
    lang = language_of(report.request.text)
    if report.limit is not None:
        holds, breaks = report.limit.holds, report.limit.breaks
        which = 2 if holds is None else 1 if breaks is not None else 0
        return LIMITS[lang][which].format(holds=holds, breaks=breaks)
    assert report.verdict is not None
    figures = FIGURES[lang].format(
        requests=report.requests,
        rate=report.rate,
        errors=report.error_ratio,
        p50=report.p50_ms,
        p95=report.p95_ms,
        p99=report.p99_ms,
    )
    parts = [f"{RESULTS[lang][report.verdict.result]}: {verdict_reason(report.verdict, lang)}.", figures]
    if report.investigation is not None:
        parts.append(_bottleneck(report.investigation, lang))
    return " ".join(parts)


def _bottleneck(found: Investigation, lang: Literal["en", "ko"]) -> str:
    """What has changed for the worse; where nothing has, who spends the time."""
    if found.root_causes:
        cause = found.root_causes[0]
        return CAUSE[lang].format(
            service=cause.service,
            version=cause.version or cause.instance,
            kind=cause.kind,
            score=cause.score,
            why=cause.explanation,
        )
    if found.time_spent:
        most = found.time_spent[0]
        return SPENT[lang].format(service=most.service, share=most.share, ms=most.own_ms)
    return NO_CAUSE[lang]
