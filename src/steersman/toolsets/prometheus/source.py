"""Signals out of Prometheus: which metric measures it here, and which label names the thing, are found by asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from steersman.domain.errors import NoSourceError, ToolError
from steersman.domain.ports import Clock
from steersman.domain.signal import UNIT, Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.domain.source_operations import Citation, CiteQuery
from steersman.queries.burn import WINDOWS_S, BurnRate, burn_rates
from steersman.queries.links import graph_link
from steersman.queries.matching import Matcher, duration, exactly
from steersman.queries.matching import selector as select
from steersman.queries.recipes import CALLS, recipes
from steersman.queries.signals import JOBS, LABELS, Recipe, SelectorField, SignalSettings, candidates, fill, wanted
from steersman.remote.together import together
from steersman.toolsets.prometheus.client import PrometheusClient
from steersman.toolsets.prometheus.facts import InstantQuery, QueryAnswer, RangeQuery, Search, ValueSearch

MOST_CALLS = 2_000
KEPT_S = 300.0
"""How long what was found out about metrics and labels is believed."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A recipe that fits what is asked, with the matchers that pick it."""

    recipe: Recipe
    matchers: tuple[Matcher, ...]
    status: str = ""


@dataclass(slots=True)
class Catalogue:
    """What the server has, asked once and kept for a while."""

    client: PrometheusClient
    clock: Clock
    _kept: dict[tuple[str, ...], tuple[float, tuple[str, ...]]] = field(default_factory=dict)

    async def present(self, metrics: Sequence[str]) -> tuple[str, ...]:
        """Those of the metrics that exist."""
        pattern = Matcher(label="__name__", op="=~", value="|".join(map(exactly, metrics)))
        return await self.values("__name__", "{" + str(pattern) + "}")

    async def labels(self, metric: str) -> tuple[str, ...]:
        """The labels of a metric."""
        key = ("labels", metric)
        if (kept := self._fresh(key)) is not None:
            return kept
        found = await self.client.labels(Search(match=(select(metric),)))
        return self._keep(key, found.names)

    async def values(self, label: str, match: str) -> tuple[str, ...]:
        """Some values of a label where the selector matches."""
        key = ("values", label, match)
        if (kept := self._fresh(key)) is not None:
            return kept
        found = await self.client.label_values(ValueSearch(label=label, match=(match,)))
        # What is not there yet may come any moment; what is there stays for a while.
        return self._keep(key, found.names) if found.names else ()

    def _fresh(self, key: tuple[str, ...]) -> tuple[str, ...] | None:
        at, names = self._kept.get(key, (0.0, None))
        return names if names is not None and self.clock.monotonic() - at < KEPT_S else None

    def _keep(self, key: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
        self._kept[key] = (self.clock.monotonic(), names)
        return names


class PrometheusSource:
    """A `Source` of signals; logs, spans and changes are elsewhere, and it says so."""

    def __init__(self, client: PrometheusClient, clock: Clock, settings: SignalSettings | None = None) -> None:
        self._client = client
        self._catalogue = Catalogue(client, clock)
        self._settings = settings or SignalSettings()

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal over a window, each point by the samples between its start and the next point's.

        No series where the metric exists and nothing of it is of what is selected. Raises NoSourceError when no metric
        measures the signal here.
        """
        bound = await self._bind(signal, selector)
        if bound is None:
            return Series(signal=signal, selector=selector, times=(), values=())
        queries = filter(None, (bound.recipe.query, bound.recipe.counts))
        points, *counts = await together(*(self._ask(bound, query, window) for query in queries))
        return Series(
            signal=signal,
            selector=selector,
            times=tuple(points),
            values=tuple(points.values()),
            counts=tuple(counts[0].get(at, 0.0) for at in points) if counts else (),
        )

    async def query_of(self, signal: SignalName, selector: Selector, step_s: float) -> str | None:
        """The PromQL that `range` asks, as evidence cites it; None when nothing is of what is selected."""
        bound = await self._bind(signal, selector)
        return self._text(bound, bound.recipe.query, step_s) if bound else None

    async def services(self, window: Window) -> tuple[str, ...]:
        """Services that serve requests, or at least are scraped, as the likeliest label names them."""
        del window
        known = recipes("request_rate")
        present = frozenset(await self._catalogue.present([recipe.metric for recipe in known]))
        found: set[str] = set()
        for recipe in (recipe for recipe in known if recipe.metric in present):
            found |= await self._named(recipe.metric, recipe.service)
        return tuple(sorted(found or await self._named("up", ())))

    async def calls(self, window: Window) -> tuple[tuple[str, str], ...]:
        """Who called whom in a window, by the first metric that counts calls between services; none without such."""
        present = frozenset(await self._catalogue.present([each.metric for each in CALLS]))
        for each in (known for known in CALLS if known.metric in present):
            labels = await self._catalogue.labels(each.metric)
            caller, callee = (next((n for n in names if n in labels), "") for names in (each.callers, each.callees))
            if not caller or not callee:
                continue
            length = duration(max((window.end - window.start).total_seconds(), 1.0))
            text = f"sum by ({caller}, {callee}) (increase({each.metric}{{{each.only}}}[{length}])) > 0"
            answer = await self._client.query(InstantQuery(query=text, time=window.end, max_series=MOST_CALLS))
            pairs = {(row.labels.get(caller, ""), row.labels.get(callee, "")) for row in answer.series}
            return tuple(sorted((a, b) for a, b in pairs if a and b and a != b))
        return ()

    async def cite(self, asked: CiteQuery) -> Citation:
        """The PromQL of a signal, with a link to the server's own page."""
        signal = next((name for name in UNIT if asked.of == "metrics" and name == asked.signal), None)
        query = await self.query_of(signal, asked.selector, asked.window.step_s) if signal else None
        if query is None:
            return Citation()
        link = graph_link(str(self._client.remote.client.base_url), query, window=asked.window)
        return Citation(query=query, language="promql", link=link)

    async def burn_rates(self, selector: Selector, *, slo: float, at: datetime) -> tuple[BurnRate, ...]:
        """How fast the error budget of a target such as 0.999 is spent at an instant, over pairs of windows."""
        bound = await self._bind("error_rate", selector)
        if bound is None:
            return burn_rates({}, slo)
        found = await together(*(self._ratio(bound, window_s, at) for window_s in WINDOWS_S))
        known = {window_s: ratio for window_s, ratio in zip(WINDOWS_S, found, strict=True) if ratio is not None}
        return burn_rates(known, slo)

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises NoSourceError: Prometheus has no logs."""
        del window, limit
        self._elsewhere(f"logs of {selector}", "Loki")

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Raises NoSourceError: Prometheus has no spans."""
        del window, limit
        self._elsewhere(f"spans of {selector}", "Tempo")

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Raises NoSourceError: Prometheus has no record of changes."""
        self._elsewhere(f"changes since {window.start}", "Grafana (annotations) or Kubernetes (events)")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise NoSourceError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")

    async def _bind(self, signal: SignalName, selector: Selector) -> Bound | None:
        if (own := self._settings.queries.get(signal)) is not None:
            return Bound(Recipe(signal, "", own), self._by_configuration(selector))
        known = recipes(signal)
        present = frozenset(await self._catalogue.present([recipe.metric for recipe in known]))
        fitting = [recipe for recipe in known if recipe.metric in present]
        if not fitting:
            raise NoSourceError(
                f"{self._client.remote.name} measures {signal!r} under none of the known names "
                f"({', '.join(recipe.metric for recipe in known[:4])} ...); name a query for it in the configuration"
            )
        for recipe in fitting:
            if (bound := await self._pick(recipe, selector)) is not None:
                return bound
        return None

    async def _pick(self, recipe: Recipe, selector: Selector) -> Bound | None:
        labels = await self._catalogue.labels(recipe.metric)
        status = next((label for label in recipe.status if label in labels), "")
        if recipe.status and not status:
            return None
        matchers: tuple[Matcher, ...] = ()
        for name, value in wanted(selector).items():
            preferred = (*self._settings.labels.get(name, ()), *(recipe.service if name == "service" else ()))
            for matcher in candidates(name, value, preferred=preferred, present=labels):
                if await self._catalogue.values(matcher.label, select(recipe.metric, (*matchers, matcher))):
                    matchers = (*matchers, matcher)
                    break
            else:
                return None
        return Bound(recipe, matchers, status)

    async def _named(self, metric: str, preferred: Sequence[str]) -> set[str]:
        labels = await self._catalogue.labels(metric)
        order = (*self._settings.labels.get("service", ()), *preferred, *LABELS["service"])
        label = next((label for label in order if label in labels), None)
        if label is None:
            return set()
        values = await self._catalogue.values(label, select(metric))
        return {value.rpartition("/")[2] if label in JOBS else value for value in values} - {""}

    def _by_configuration(self, selector: Selector) -> tuple[Matcher, ...]:
        named: dict[SelectorField, tuple[str, ...]] = dict(self._settings.labels)
        return tuple(
            Matcher(label=next(iter(named.get(name, ())), name), value=value)
            for name, value in wanted(selector).items()
        )

    def _text(self, bound: Bound, query: str, step_s: float) -> str:
        window_s = self._settings.rate_window_s
        return fill(query, bound.matchers, step_s=step_s, window_s=window_s, status=bound.status)

    async def _ratio(self, bound: Bound, window_s: float, at: datetime) -> float | None:
        text = fill(bound.recipe.query, bound.matchers, step_s=window_s, window_s=window_s, status=bound.status)
        points = _only(await self._client.query(InstantQuery(query=text, time=at)), text)
        return next((value for _, value in points if isinstance(value, float)), None)

    async def _ask(self, bound: Bound, query: str, window: Window) -> dict[float, float]:
        """Values by the start of their point. A rate at an instant looks back, so each is asked for at its end."""
        step_s = window.step_s
        start = window.start.timestamp() + step_s
        end = max(window.end.timestamp(), start)
        text = self._text(bound, query, step_s)
        answer = await self._client.range(RangeQuery(query=text, start=start, end=end, step=step_s))
        row = _only(answer, text)
        return {at - step_s: value for at, value in row if isinstance(value, float)}


def _only(answer: QueryAnswer, query: str) -> Sequence[tuple[float, object]]:
    if len(answer.series) > 1:
        raise ToolError(
            f"{query!r} gives {len(answer.series)} series, a signal is one; aggregate it, with sum() or max()"
        )
    return answer.series[0].points if answer.series else ()
