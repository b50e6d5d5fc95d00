"""Prometheus as a toolset: twelve reads, no write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steersman.domain.environment import Environment
from steersman.domain.ports import Binding
from steersman.domain.typed import bind, read_operation
from steersman.toolsets.prometheus import facts
from steersman.toolsets.prometheus.checking import Checker
from steersman.toolsets.prometheus.client import PrometheusClient

NAME = "prometheus"
QUERY = read_operation(
    f"{NAME}.query",
    "Evaluates a PromQL query at one instant; no data is an empty answer, not zero",
    takes=facts.InstantQuery,
    gives=facts.QueryAnswer,
)
RANGE = read_operation(
    f"{NAME}.range",
    "Evaluates a PromQL query over a window, at most 11,000 points a series",
    takes=facts.RangeQuery,
    gives=facts.QueryAnswer,
)
CHECK = read_operation(
    f"{NAME}.check_query",
    "Holds a signal of a service over the last while against a bound; no data keeps no bound",
    takes=facts.Check,
    gives=facts.CheckAnswer,
)
SERIES = read_operation(
    f"{NAME}.series", "Finds the series that match selectors", takes=facts.SeriesSearch, gives=facts.LabelSets
)
LABELS = read_operation(
    f"{NAME}.labels", "Names the labels that matching series have", takes=facts.Search, gives=facts.Names
)
LABEL_VALUES = read_operation(
    f"{NAME}.label_values",
    "Names the values of a label; `__name__` lists the metrics",
    takes=facts.ValueSearch,
    gives=facts.Names,
)
METADATA = read_operation(
    f"{NAME}.metadata",
    "Tells type, help and unit of scraped metrics",
    takes=facts.MetadataQuery,
    gives=facts.Metadata,
)
TARGETS = read_operation(
    f"{NAME}.targets", "Lists what is scraped and why it fails", takes=facts.TargetQuery, gives=facts.Targets
)
RULES = read_operation(
    f"{NAME}.rules", "Lists recording and alerting rules with their state", takes=facts.RuleQuery, gives=facts.Rules
)
ALERTS = read_operation(
    f"{NAME}.alerts", "Lists alerts that are pending or firing", takes=facts.Nothing, gives=facts.Alerts
)
EXEMPLARS = read_operation(
    f"{NAME}.exemplars",
    "Finds single requests behind a metric, with the ids of their traces",
    takes=facts.ExemplarQuery,
    gives=facts.Exemplars,
)
BUILDINFO = read_operation(
    f"{NAME}.buildinfo", "Tells which version of the server answers", takes=facts.Nothing, gives=facts.BuildInfo
)
OPERATIONS = (
    QUERY,
    RANGE,
    CHECK,
    SERIES,
    LABELS,
    LABEL_VALUES,
    METADATA,
    TARGETS,
    RULES,
    ALERTS,
    EXEMPLARS,
    BUILDINFO,
)


@dataclass(frozen=True, slots=True)
class PrometheusToolset:
    """The operations of one Prometheus, or of what speaks its API."""

    client: PrometheusClient
    where: Environment
    checker: Checker
    name: str = NAME

    async def environment(self) -> Environment:
        """Where it is; raises what `buildinfo` raises when nothing like Prometheus answers there."""
        await self.client.buildinfo(facts.Nothing())
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        c = self.client
        return (
            bind(QUERY, facts.InstantQuery, c.query),
            bind(RANGE, facts.RangeQuery, c.range),
            bind(CHECK, facts.Check, self.checker.check),
            bind(SERIES, facts.SeriesSearch, c.series),
            bind(LABELS, facts.Search, c.labels),
            bind(LABEL_VALUES, facts.ValueSearch, c.label_values),
            bind(METADATA, facts.MetadataQuery, c.metadata),
            bind(TARGETS, facts.TargetQuery, c.targets),
            bind(RULES, facts.RuleQuery, c.rules),
            bind(ALERTS, facts.Nothing, c.alerts),
            bind(EXEMPLARS, facts.ExemplarQuery, c.exemplars),
            bind(BUILDINFO, facts.Nothing, c.buildinfo),
        )
