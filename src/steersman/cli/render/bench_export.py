"""A load run for other tools: JSON, JUnit XML, Markdown, OpenMetrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from steersman.cli.render.report import cell
from steersman.cli.render.text import percent, untrusted, utc
from steersman.domain.errors import InputError
from steersman.domain.load_samples import exposition, load_samples

if TYPE_CHECKING:
    from pydantic import JsonValue

    from steersman.domain.fact import JsonObject
    from steersman.domain.load import LoadProfile
    from steersman.domain.load_result import LoadResult, LoadVerdict

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Told:
    """A run with what it was asked for and what it says."""

    profile: LoadProfile
    result: LoadResult
    verdict: LoadVerdict


def payload(told: Told) -> JsonObject:
    """The shape that scripts rely on; histograms stay in the kept run, percentiles are here."""
    result, latency = told.result, told.result.latency
    quantiles: dict[str, JsonValue] = {
        f"p{q * 100:g}_ms": round(latency.quantile_ms(q), 3) if latency.count else None for q in (*QUANTILES, 0.999)
    }
    whole = result.model_dump(mode="json", exclude={"blocks"})
    timeline: list[JsonValue] = [
        {
            "start_s": block.start_s,
            "requests": block.requests,
            "failures": block.failures,
            "p95_ms": round(block.latency.quantile_ms(0.95), 3) if block.latency.count else None,
        }
        for block in result.blocks
    ]
    return {
        **whole,
        "requests": result.requests,
        "failures": result.failures,
        "rate": round(result.rate, 3),
        **quantiles,
        "mean_ms": round(latency.mean_ms, 3),
        "max_ms": latency.max_ms,
        "timeline": timeline,
        "profile": told.profile.model_dump(mode="json"),
        "verdict": told.verdict.model_dump(mode="json"),
    }


def as_json(told: Told) -> str:
    """Everything."""
    return json.dumps(payload(told), indent=2, ensure_ascii=False) + "\n"


def as_junit(told: Told) -> str:
    """One test case for each goal. What cannot be told is an error: it never looks like a pass."""
    result, verdict = told.result, told.verdict
    cases = [(part.what, part.result, part.reason) for part in verdict.parts]
    cases.append(("verdict", verdict.result, verdict.reason))
    count = {wanted: sum(found == wanted for _, found, _ in cases) for wanted in ("fail", "inconclusive")}
    seconds = (result.finished_at - result.started_at).total_seconds()
    head = (
        f"<testsuite name={quoteattr(told.profile.name)} tests={quoteattr(str(len(cases)))} "
        f'failures="{count["fail"]}" errors="{count["inconclusive"]}" time="{seconds:.3f}" '
        f"timestamp={quoteattr(result.started_at.isoformat())}>"
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head]
    for what, found, reason in cases:
        lines.append(f"  <testcase classname={quoteattr(result.name)} name={quoteattr(what)}>")
        if found != "pass":
            kind = "failure" if found == "fail" else "error"
            lines.append(f"    <{kind} message={quoteattr(found)}>{escape(untrusted(reason, 1_000))}</{kind}>")
        lines.append("  </testcase>")
    lines.append("</testsuite>")
    return "\n".join(lines) + "\n"


def as_markdown(told: Told) -> str:
    """A table and the goals, for a pull request or a wiki."""
    result, latency, verdict = told.result, told.result.latency, told.verdict
    figures = " | ".join(f"{latency.quantile_ms(q):.1f} ms" if latency.count else "-" for q in QUANTILES)
    share = percent(result.failures / result.requests) if result.requests else "-"
    row = (
        f"| {cell(result.name)} | {result.generator} | {cell(told.profile.target)} | {result.requests} | "
        f"{result.rate:.1f}/s | {share} | {figures} |"
    )
    lines = [
        f"## {cell(told.profile.name)}: {verdict.result}",
        "",
        cell(verdict.reason),
        "",
        "| run | generator | target | requests | rate | errors | p50 | p95 | p99 |",
        "|---|---|---|---|---|---|---|---|---|",
        row,
        "",
        *(f"- **{part.result}** {cell(part.reason)}" for part in verdict.parts),
        *(f"- **!** {cell(flaw)}" for flaw in verdict.flaws),
        "",
        f"{utc(result.started_at)} — {utc(result.finished_at)}",
    ]
    return "\n".join(lines) + "\n"


def as_openmetrics(told: Told) -> str:
    """Gauges and a histogram, for a text-file collector. Names are Steersman's, labels the run's."""
    return exposition(load_samples(told.profile, told.result, told.verdict))


FORMS: Mapping[str, Callable[[Told], str]] = {
    "json": as_json,
    "junit": as_junit,
    "markdown": as_markdown,
    "openmetrics": as_openmetrics,
}


def form_of(wanted: str, *, others: tuple[str, ...] = ()) -> tuple[str, Path]:
    """What `FORM=PATH` asks for. Raises InputError for another form. others: words that stand alone."""
    form, equals, place = wanted.partition("=")
    if not equals or form not in FORMS or not place:
        alone = f"; or {', '.join(others)} alone" if others else ""
        raise InputError(f"--export {wanted!r}: say FORM=FILE, with one of {', '.join(FORMS)}{alone}")
    return form, Path(place)


def write(told: Told, wanted: str) -> Path:
    """Writes what `FORM=PATH` asks for. Raises InputError for another form, or a path that cannot be written."""
    form, place = form_of(wanted)
    try:
        place.write_text(FORMS[form](told), encoding="utf-8")
    except OSError as e:
        raise InputError(f"--export {wanted!r}: {e.strerror}; name a file that can be written") from e
    return place
