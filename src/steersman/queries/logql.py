"""LogQL out of strict blocks: no text of a caller ever becomes syntax. Source: grafana.com, "LogQL"."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from steersman.domain.fact import Fact
from steersman.queries.matching import LabelName, Matcher, braces, duration, number, quoted

_RAW_UNSAFE = frozenset("`\r")
Comparison = Literal["=", "!=", "=~", "!~", "==", ">", ">=", "<", "<="]
_TEXT_ONLY = frozenset({"=", "!=", "=~", "!~"})


class LineFilter(Fact):
    """Keeps lines that contain a text (`|=`), or match an expression (`|~`), or do not."""

    kind: Literal["line"] = "line"
    op: Literal["|=", "!=", "|~", "!~"] = "|="
    value: str = Field(max_length=4_000)

    def __str__(self) -> str:
        return f"{self.op} {literal(self.value)}"


class Parser(Fact):
    """Takes labels out of the line. A line that does not parse is kept and gets the label `__error__`."""

    kind: Literal["parser"] = "parser"
    name: Literal["json", "logfmt", "unpack", "decolorize"]

    def __str__(self) -> str:
        return f"| {self.name}"


class PatternParser(Fact):
    """Takes labels out of the line by a pattern or a regular expression."""

    kind: Literal["pattern"] = "pattern"
    name: Literal["pattern", "regexp"]
    value: str = Field(max_length=4_000)

    def __str__(self) -> str:
        return f"| {self.name} {literal(self.value)}"


class LabelFilter(Fact):
    """Compares a label: with a text, a number, or a duration."""

    kind: Literal["label"] = "label"
    label: LabelName
    op: Comparison = "="
    text: str | None = Field(default=None, max_length=4_000)
    number: float | None = None
    duration_s: float | None = Field(default=None, ge=0.001)

    @model_validator(mode="after")
    def _one_value(self) -> LabelFilter:
        given = [value for value in (self.text, self.number, self.duration_s) if value is not None]
        if len(given) != 1:
            raise ValueError("wants exactly one of text, number, duration_s")
        if (self.text is not None) != (self.op in _TEXT_ONLY):
            raise ValueError(f"{self.op!r} does not compare such a value; texts take = != =~ !~, numbers == > >= < <=")
        return self

    def __str__(self) -> str:
        if self.text is not None:
            return f"| {self.label}{self.op}{quoted(self.text)}"
        value = number(self.number) if self.number is not None else duration(self.duration_s or 0)
        return f"| {self.label} {self.op} {value}"


class LineFormat(Fact):
    """Shows these labels instead of the line."""

    kind: Literal["format"] = "format"
    labels: tuple[LabelName, ...] = Field(min_length=1, max_length=20)

    def __str__(self) -> str:
        return "| line_format " + quoted(" ".join(f"{{{{.{label}}}}}" for label in self.labels))


Stage = Annotated[LineFilter | Parser | PatternParser | LabelFilter | LineFormat, Field(discriminator="kind")]
Function = Literal["count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"]
Unwrapped = Literal[
    "quantile_over_time",
    "sum_over_time",
    "avg_over_time",
    "max_over_time",
    "min_over_time",
    "stddev_over_time",
    "first_over_time",
    "last_over_time",
]
Aggregation = Literal["sum", "avg", "max", "min", "count", "topk", "bottomk"]


class LogQuery(Fact):
    """Which lines."""

    matchers: tuple[Matcher, ...] = Field(min_length=1, max_length=20)
    stages: tuple[Stage, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _narrow(self) -> LogQuery:
        if not any(matcher.narrows for matcher in self.matchers):
            raise ValueError('one matcher at least must leave out what has no such label, for example app="front"')
        return self

    def __str__(self) -> str:
        return " ".join([braces(self.matchers, joint=", "), *map(str, self.stages)])


class CountQuery(Fact):
    """How many lines or bytes, over time."""

    kind: Literal["count"] = "count"
    of: LogQuery
    function: Function = "count_over_time"
    range_s: float = Field(gt=0, le=30 * 86_400)
    aggregation: Aggregation | None = None
    by: tuple[LabelName, ...] = ()
    k: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _whole(self) -> CountQuery:
        if (self.aggregation in {"topk", "bottomk"}) != (self.k is not None):
            raise ValueError("topk and bottomk want `k`, nothing else does")
        if self.by and self.aggregation is None:
            raise ValueError("`by` wants an aggregation")
        return self

    def __str__(self) -> str:
        inner = f"{self.function}({_ranged(self.of, self.range_s)})"
        if self.aggregation is None:
            return inner
        by = f" by ({', '.join(self.by)}) " if self.by else ""
        k = f"{self.k}, " if self.k is not None else ""
        return f"{self.aggregation}{by}({k}{inner})"


class NumberQuery(Fact):
    """Statistics of a number that stands in the lines."""

    kind: Literal["number"] = "number"
    of: LogQuery
    unwrap: LabelName
    convert: Literal["duration", "duration_seconds", "bytes"] | None = None
    function: Unwrapped
    quantile: float | None = Field(default=None, ge=0, le=1)
    range_s: float = Field(gt=0, le=30 * 86_400)
    by: tuple[LabelName, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> NumberQuery:
        if (self.function == "quantile_over_time") != (self.quantile is not None):
            raise ValueError("quantile_over_time wants `quantile`, nothing else does")
        return self

    def __str__(self) -> str:
        taken = f"{self.convert}({self.unwrap})" if self.convert else self.unwrap
        # Lines whose number cannot be read would fail the whole query.
        inner = f'{self.of} | unwrap {taken} | __error__="" [{duration(self.range_s)}]'
        quantile = f"{number(self.quantile)}, " if self.quantile is not None else ""
        by = f" by ({', '.join(self.by)})" if self.by else ""
        return f"{self.function}({quantile}{inner}){by}"


MetricQuery = Annotated[CountQuery | NumberQuery, Field(discriminator="kind")]


def literal(value: str) -> str:
    """A raw literal where the text can stand in one, else an escaped one."""
    plain = value.isprintable() and not _RAW_UNSAFE.intersection(value)
    return f"`{value}`" if plain else quoted(value)


def _ranged(of: LogQuery, range_s: float) -> str:
    # After a bare selector the range stands right behind the brace, as the server prints it.
    gap = " " if of.stages else ""
    return f"{of}{gap}[{duration(range_s)}]"
