"""PromQL checked before it is sent: it parses, its types fit, and it does not ask for the whole database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from steersman.domain.errors import ConfigError, InputError

MAX_POINTS = 11_000
"""Points a series that a server gives at most, Prometheus and Loki alike."""
MAX_LOOKBACK_S = 32 * 86_400
MAX_QUERY_CHARS = 20_000

Kind = Literal["instant", "range"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A query that parsed."""

    text: str
    is_range_vector: bool
    """`up[5m]`: good for an instant query only."""


def checked(query: str) -> Checked:
    """The query, when it is one.

    Raises InputError with the parser's words, for a look-back over 32 days, a subquery of too many points, and a
    selector that narrows nothing. ConfigError when the parser is not installed.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise InputError(f"a query of {len(query)} characters is too long; at most {MAX_QUERY_CHARS}")
    parser = _parser()
    try:
        expression = parser.parse(query)
    except ValueError as e:
        raise InputError(f"{query!r} is no PromQL: {e}") from e
    parser.walk(expression, lambda node: _check(parser, node))
    inner = expression
    while isinstance(inner, parser.ParenExpr):
        inner = inner.expr
    return Checked(query, isinstance(inner, (parser.MatrixSelector, parser.SubqueryExpr)))


def check_points(range_s: float, step_s: float) -> int:
    """Points of a series. Raises InputError for more than a server gives."""
    points = int(range_s / step_s) + 1
    if points > MAX_POINTS:
        needed = range_s / (MAX_POINTS - 1)
        raise InputError(
            f"{range_s:g} s in steps of {step_s:g} s are {points} points, at most {MAX_POINTS}; "
            f"take a step of at least {needed:.3g} s"
        )
    return points


def _parser() -> Any:
    try:
        import promql_parser
    except ImportError as e:
        raise ConfigError("promql-parser is missing; install steersman[prometheus]") from e
    return promql_parser


def _check(parser: Any, node: Any) -> None:
    if isinstance(node, parser.SubqueryExpr):
        _check_subquery(node)
    elif isinstance(node, parser.MatrixSelector) and _s(node.range) > MAX_LOOKBACK_S:
        raise InputError(f"{str(node)!r} looks back {_s(node.range):g} s, at most {MAX_LOOKBACK_S}")
    elif isinstance(node, parser.VectorSelector) and not _narrows(node):
        raise InputError(f"{str(node)!r} selects every series; name a metric or a label value")


def _check_subquery(node: Any) -> None:
    range_s = _s(node.range)
    if range_s > MAX_LOOKBACK_S:
        raise InputError(f"a subquery looks back {range_s:g} s, at most {MAX_LOOKBACK_S}")
    if node.step:
        check_points(range_s, max(_s(node.step), 0.001))


def _narrows(node: Any) -> bool:
    if node.name:
        return True
    operators = {str(matcher.op): matcher.value for matcher in node.matchers.matchers}
    exact, pattern = operators.get("MatchOp.Equal", ""), operators.get("MatchOp.Re", "")
    return bool(exact) or pattern not in {"", ".*", ".+"}


def _s(span: timedelta | None) -> float:
    return span.total_seconds() if span else 0.0
