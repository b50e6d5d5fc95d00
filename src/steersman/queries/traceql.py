"""TraceQL out of strict blocks: no text of a caller ever becomes syntax. Source: grafana.com, "TraceQL"."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from steersman.domain.fact import Fact
from steersman.queries.matching import duration, number, quoted

Intrinsic = Literal[
    "name",
    "status",
    "statusMessage",
    "duration",
    "kind",
    "rootName",
    "rootServiceName",
    "traceDuration",
    "nestedSetParent",
    "event:name",
    "trace:id",
    "span:id",
]
Scope = Literal["resource", "span", "event", "link", "instrumentation"]
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./:@ -]{0,199}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
StatusWord = Literal["error", "ok", "unset"]
KindWord = Literal["server", "client", "producer", "consumer", "internal", "unspecified"]


class Attribute(Fact):
    """`resource.service.name`, `span.http.route`; without a scope, any."""

    scope: Scope | None = None
    name: AttributeName

    def __str__(self) -> str:
        name = self.name if _BARE.fullmatch(self.name) else quoted(self.name)
        return f"{self.scope or ''}.{name}"


class IntrinsicField(Fact):
    """`duration`, `status`, `name` and the like."""

    intrinsic: Intrinsic

    def __str__(self) -> str:
        return self.intrinsic


AnyField = Attribute | IntrinsicField


class Comparison(Fact):
    """`field op value`. A value of another type than the attribute's is no error to Tempo: it matches nothing."""

    field: AnyField
    op: Literal["=", "!=", "=~", "!~", ">", ">=", "<", "<="] = "="
    text: str | None = Field(default=None, max_length=4_000)
    number: Number | None = None
    flag: bool | None = None
    duration_s: float | None = Field(default=None, ge=0.001)
    status: StatusWord | None = None
    kind: KindWord | None = None

    @model_validator(mode="after")
    def _fits(self) -> Comparison:
        values = (self.text, self.number, self.flag, self.duration_s, self.status, self.kind)
        if sum(value is not None for value in values) != 1:
            raise ValueError("wants exactly one of text, number, flag, duration_s, status, kind")
        if self.op in {"=~", "!~"} and self.text is None:
            raise ValueError(f"{self.op!r} compares texts only")
        if self.op in {">", ">=", "<", "<="} and self.number is None and self.duration_s is None:
            raise ValueError(f"{self.op!r} compares numbers and durations only")
        if isinstance(self.field, IntrinsicField):
            self._check_intrinsic(self.field.intrinsic)
        elif self.status is not None or self.kind is not None:
            raise ValueError("status and kind words belong to the intrinsics of that name")
        return self

    def _check_intrinsic(self, name: Intrinsic) -> None:
        wants = {
            "status": self.status,
            "kind": self.kind,
            "duration": self.duration_s,
            "traceDuration": self.duration_s,
        }
        if name == "nestedSetParent":
            fits = self.number is not None
        elif name in wants:
            fits = wants[name] is not None
        else:
            fits = self.text is not None
        if not fits:
            raise ValueError(f"{name!r} does not compare with a value of that type")

    def __str__(self) -> str:
        return f"{self.field} {self.op} {self._value()}"

    def _value(self) -> str:
        if self.text is not None:
            return quoted(self.text)
        if self.number is not None:
            return number(self.number)
        if self.flag is not None:
            return "true" if self.flag else "false"
        if self.duration_s is not None:
            return duration(self.duration_s)
        return str(self.status or self.kind)


class SpanSet(Fact):
    """Spans that fit all conditions; none given: every span."""

    all_of: tuple[Comparison, ...] = Field(default=(), max_length=20)

    def __str__(self) -> str:
        return f"{{ {' && '.join(map(str, self.all_of))} }}" if self.all_of else "{ }"


class Related(Fact):
    """How other spans stand to those before: `>` child, `>>` descendant, `~` sibling, `&&` in the same trace."""

    relation: Literal[">", ">>", "<", "<<", "~", "&&", "||"]
    spans: SpanSet

    def __str__(self) -> str:
        return f"{self.relation} {self.spans}"


class Aggregate(Fact):
    """Keeps traces whose spans together pass a bound."""

    function: Literal["count", "avg", "max", "min", "sum"]
    field: AnyField | None = None
    op: Literal[">", ">=", "<", "<=", "=", "!="]
    number: Number | None = None
    duration_s: float | None = Field(default=None, ge=0.001)

    @model_validator(mode="after")
    def _whole(self) -> Aggregate:
        if (self.number is None) == (self.duration_s is None):
            raise ValueError("wants exactly one of number and duration_s")
        if (self.function == "count") == (self.field is not None):
            raise ValueError("count takes no field, all others want one")
        return self

    def __str__(self) -> str:
        bound = number(self.number) if self.number is not None else duration(self.duration_s or 0)
        return f"{self.function}({self.field or ''}) {self.op} {bound}"


class TraceQuery(Fact):
    """Which traces."""

    spans: SpanSet = SpanSet()
    related: tuple[Related, ...] = Field(default=(), max_length=5)
    aggregate: Aggregate | None = None
    select: tuple[AnyField, ...] = Field(default=(), max_length=20)
    """Fields to come back with each span."""

    def __str__(self) -> str:
        parts = [" ".join(map(str, (self.spans, *self.related)))]
        if self.aggregate is not None:
            parts.append(str(self.aggregate))
        if self.select:
            parts.append(f"select({', '.join(map(str, self.select))})")
        return " | ".join(parts)


class SpanMetric(Fact):
    """A number made of spans, over time."""

    spans: SpanSet = SpanSet()
    related: tuple[Related, ...] = Field(default=(), max_length=5)
    function: Literal[
        "rate",
        "count_over_time",
        "min_over_time",
        "max_over_time",
        "avg_over_time",
        "sum_over_time",
        "quantile_over_time",
        "histogram_over_time",
    ] = "rate"
    field: AnyField | None = None
    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(default=(), max_length=10)
    by: tuple[AnyField, ...] = Field(default=(), max_length=5)
    top: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _whole(self) -> SpanMetric:
        if (self.function in {"rate", "count_over_time"}) == (self.field is not None):
            raise ValueError("rate and count_over_time take no field, all others want one")
        if (self.function == "quantile_over_time") != bool(self.quantiles):
            raise ValueError("quantile_over_time wants quantiles, nothing else does")
        return self

    def __str__(self) -> str:
        quantiles = (number(quantile).removeprefix("0") for quantile in self.quantiles)
        arguments = ", ".join([*([str(self.field)] if self.field else []), *quantiles])
        text = f"{' '.join(map(str, (self.spans, *self.related)))} | {self.function}({arguments})"
        if self.by:
            text += f" by ({', '.join(map(str, self.by))})"
        return text if self.top is None else f"{text} | topk({self.top})"
