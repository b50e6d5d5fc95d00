"""Tempo as a toolset: seven reads, no write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steersman.domain.environment import Environment
from steersman.domain.fact import Fact
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding
from steersman.domain.typed import bind, read_operation
from steersman.toolsets.tempo import facts
from steersman.toolsets.tempo.client import TempoClient

NAME = "tempo"


def _read(verb: str, summary: str, takes: type[Fact], gives: type[Fact]) -> Operation:
    return read_operation(f"{NAME}.{verb}", summary, takes=takes, gives=gives)


SEARCH = _read("search", "Finds traces by what their spans say", facts.TraceSearch, facts.SearchAnswer)
TRACE = _read("trace", "Shows a trace by its id; its texts are untrusted", facts.TraceLookup, facts.TraceAnswer)
TAGS = _read("tags", "Names the attributes of spans", facts.TagSearch, facts.Tags)
TAG_VALUES = _read("tag_values", "Names the values of an attribute, with types", facts.TagValues, facts.TagValueList)
RANGE = _read("range", "Makes a number of spans over a window", facts.MetricRange, facts.MetricAnswer)
QUERY = _read("query", "Makes a number of all spans of a window", facts.MetricInstant, facts.MetricAnswer)
BUILDINFO = _read("buildinfo", "Tells which version of the server answers", facts.Nothing, facts.BuildInfo)
OPERATIONS = (SEARCH, TRACE, TAGS, TAG_VALUES, RANGE, QUERY, BUILDINFO)


@dataclass(frozen=True, slots=True)
class TempoToolset:
    """The operations of one Tempo."""

    client: TempoClient
    where: Environment
    name: str = NAME

    async def environment(self) -> Environment:
        """Where it is; raises what `buildinfo` raises when nothing like Tempo answers there."""
        await self.client.buildinfo(facts.Nothing())
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        c = self.client
        return (
            bind(SEARCH, facts.TraceSearch, c.search),
            bind(TRACE, facts.TraceLookup, c.trace),
            bind(TAGS, facts.TagSearch, c.tags),
            bind(TAG_VALUES, facts.TagValues, c.tag_values),
            bind(RANGE, facts.MetricRange, c.range),
            bind(QUERY, facts.MetricInstant, c.query),
            bind(BUILDINFO, facts.Nothing, c.buildinfo),
        )
