"""What the operations of Helm take and give."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints, field_validator

from steersman.domain.fact import Fact, JsonObject

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$")]
"""Names of releases and namespaces; Helm takes at most 53 letters."""
ChartName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$")]
"""A chart as configuration calls it, which is also its own name."""
ChartVersion = Annotated[
    str, StringConstraints(pattern=r"^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]{1,60})?(\+[0-9A-Za-z.-]{1,60})?$")
]
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,252}")
DEEPEST = 12
LONGEST_TEXT = 20_000


def plain_values(values: JsonObject) -> JsonObject:
    """The values, if every key is a plain name. Raises ValueError."""
    _check(values, 0)
    return values


def _check(value: JsonValue, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"values are more than {DEEPEST} levels deep")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not _KEY.fullmatch(key):
                raise ValueError(f"{key!r} is no key of values")
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
    elif isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ValueError(f"a text in values is longer than {LONGEST_TEXT} characters")


class OfRelease(Fact):
    """Arguments that name a release."""

    namespace: Label
    name: Label


class Waiting(OfRelease):
    """Arguments of `watch_release`."""

    wait_s: float = Field(default=300.0, ge=0, le=3_600)
    """Longest time to wait while Helm is still at work on it."""


class OfChart(Fact):
    """Arguments that name a chart."""

    chart: ChartName
    version: ChartVersion


class NewRelease(OfRelease):
    """Arguments of `install`, `upgrade` and `diff`."""

    chart: ChartName
    version: ChartVersion
    values: JsonObject
    """Everything that is not as the chart has it; what is left out goes back to the chart's default."""

    _values = field_validator("values")(plain_values)


class ReleaseState(Fact):
    """What `get_release` observes."""

    exists: bool
    chart: str | None = None
    version: str | None = None
    values: JsonObject | None = None


class UpgradeState(Fact):
    """What `get_upgrade` observes: a release, and what a rollback of Steersman's own last upgrade would leave."""

    exists: bool
    now: ReleaseState | None = None
    taken_back: ReleaseState | None = None
    """The same as now where the last revision is not one by Steersman: that is not taken back."""


class Watched(Fact):
    """Answer of `watch_release`."""

    exists: bool
    ready: bool = False
    """Helm has deployed it and waits for nothing."""
    status: str = ""
    revision: int = 0


class Revision(Fact):
    """One entry of the history. The description is untrusted text."""

    revision: int
    status: str
    chart: str
    updated: str = ""
    excerpt: str = ""


class History(Fact):
    """Answer of `history`, oldest first."""

    revisions: tuple[Revision, ...]


class Change(Fact):
    """What would become of one object."""

    kind: str
    name: str
    change: Literal["added", "removed", "changed"]
    fields: tuple[str, ...] = ()
    """JSON Pointers of what differs; values of Secrets are never shown."""


class Diff(Fact):
    """Answer of `diff`."""

    changes: tuple[Change, ...]


class Schema(Fact):
    """Answer of `values_schema`."""

    exists: bool
    schema_: JsonObject = Field(default={}, alias="schema")

    model_config = {**Fact.model_config, "serialize_by_alias": True}


class Done(Fact):
    """Answer of a write."""

    changed: bool
    revision: int = 0
