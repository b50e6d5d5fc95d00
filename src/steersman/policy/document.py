"""Policy documents: rules, freeze windows, additions to the protected set, and tests, as data."""

from __future__ import annotations

from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, JsonValue, ValidationError, field_validator, model_validator

from steersman.domain.environment import Tier
from steersman.domain.errors import ConfigError
from steersman.domain.fact import Fact, Instant, JsonObject, Slug
from steersman.domain.policy import Requirement

Expected = Literal["allow", "require_approval", "deny"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Rule(Fact):
    """When `when` holds, `effect` is demanded.

    Forbids win; then the strictest demand; what no rule matches is denied.
    """

    id: Slug
    effect: Expected
    when: str = Field(min_length=1, max_length=2_000)
    """A CEL expression over the names of `policy/schema.py`."""
    reason: str = Field(min_length=1, max_length=300)
    approvals: Requirement | None = None

    @model_validator(mode="after")
    def _demand(self) -> Rule:
        if (self.effect == "require_approval") != (self.approvals is not None):
            raise ValueError("`approvals` belongs to effect require_approval, and only to it")
        return self


class Freeze(Fact):
    """A time in which nothing is changed.

    From `start` to `end`, or each week on `days` between `opens` and `closes`.
    """

    id: Slug
    tiers: frozenset[Tier] = frozenset({"prod"})
    start: Instant | None = None
    end: Instant | None = None
    days: frozenset[Weekday] = frozenset()
    opens: time = time(0)
    closes: time = time(0)
    """Earlier than or equal to `opens`: past midnight; the day is that on which it opened."""
    zone: str = "UTC"

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as e:
            raise ValueError(f"unknown time zone {zone!r}; wants a name such as Asia/Seoul") from e
        return zone

    @model_validator(mode="after")
    def _one_kind(self) -> Freeze:
        once = self.start is not None and self.end is not None
        if once == bool(self.days):
            raise ValueError("a freeze has either start and end, or days")
        return self

    def covers(self, at: datetime) -> bool:
        """Whether it is open at that instant."""
        if self.start is not None and self.end is not None:
            return self.start <= at < self.end
        local = at.astimezone(ZoneInfo(self.zone))
        today, yesterday = WEEKDAYS[local.weekday()], WEEKDAYS[local.weekday() - 1]
        clock = local.time()
        if self.opens < self.closes:
            return today in self.days and self.opens <= clock < self.closes
        return (today in self.days and clock >= self.opens) or (yesterday in self.days and clock < self.closes)


class Case(Fact):
    """A test that a document carries: a request, partly given, and what must be decided."""

    name: str
    request: JsonObject
    expect: Expected


class Document(Fact):
    """One policy file."""

    rules: tuple[Rule, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    protected: tuple[str, ...] = ()
    """Patterns of resource ids, `*` for anything: added to the protected set, which nothing can take away from."""
    tests: tuple[Case, ...] = ()


def parse(name: str, data: JsonValue) -> Document:
    """A document out of parsed YAML. Raises ConfigError naming the file, the place and why."""
    try:
        return Document.model_validate(data or {})
    except ValidationError as e:
        first = e.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ConfigError(f"{name}: {place}: {first['msg']}; docs/policy.md shows the form") from e
