"""Types of rule expressions, checked when they are loaded.

CEL answers false, without an error, where unlike things are compared (`hour == "9"`): a deny rule with such a slip
would never hold. So a rule may use only the part of CEL that is read here, with types that fit:
`|| && ! == != < <= > >= in + - * / %`, parentheses, lists, `size(x)`, and `startsWith`, `endsWith`, `contains`,
`matches` on texts. What passes here means the same in CEL, which evaluates it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Type = Literal["bool", "int", "text", "list of text", "list of int"]

TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<int>\d+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\|\||&&|[=!<>]=|[-!<>()\[\],.+*/%]))"
)
RELATIONS = ("==", "!=", "<", "<=", ">", ">=", "in")
METHODS = ("startsWith", "endsWith", "contains", "matches")
END = ("end", "")


class ExpressionError(Exception):
    """What is wrong with an expression, and what is right."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What is known of a part of an expression."""

    type: Type
    name: str = ""
    """The variable, when it is one."""
    words: tuple[str, ...] | None = None
    """All values that a variable can have, or that are written down here; None when it can be any."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Variables with their types, and the closed sets of words that some are one of."""

    types: dict[str, Type]
    words: dict[str, tuple[str, ...]]


def nearest(given: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name."""
    names = sorted(known)
    close = difflib.get_close_matches(given, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"


def check(expression: str, schema: Schema) -> None:
    """Raises ExpressionError unless the expression is true or false for every request."""
    reader = _Reader(_tokens(expression), schema)
    found = reader.either()
    if reader.peek() != END:
        raise ExpressionError(f"{reader.peek()[1]!r} was not expected there")
    if found.type != "bool":
        raise ExpressionError(f"the whole is of type {found.type}, not true or false; compare it with something")


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while at < len(expression.rstrip()):
        found = TOKEN.match(expression, at)
        if found is None or found.lastgroup is None:
            raise ExpressionError(f"{expression[at : at + 12].strip()!r} cannot be used in a rule; see docs/policy.md")
        tokens.append((found.lastgroup, found.group(found.lastgroup)))
        at = found.end()
    return [*tokens, END]


class _Reader:
    """Reads tokens by the precedence of CEL, and gives types."""

    def __init__(self, tokens: list[tuple[str, str]], schema: Schema) -> None:
        self.tokens = tokens
        self.schema = schema
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at]

    def take(self, *wanted: str) -> str | None:
        """The next token, if it is one of these signs or words and not a text."""
        kind, value = self.peek()
        if kind != "text" and value in wanted:
            self.at += 1
            return value
        return None

    def must(self, wanted: str) -> None:
        if self.take(wanted) is None:
            found = self.peek()[1] or "the end"
            raise ExpressionError(f"{wanted!r} was expected where {found!r} stands")

    def either(self) -> Typed:
        return self._chain(("||",), self.both, "bool")

    def both(self) -> Typed:
        return self._chain(("&&",), self.relation, "bool")

    def relation(self) -> Typed:
        left = self.sum()
        sign = self.take(*RELATIONS)
        if sign is None:
            return left
        right = self.sum()
        _fit(left, sign, right)
        return Typed("bool")

    def sum(self) -> Typed:
        return self._chain(("+", "-"), self.product, "int")

    def product(self) -> Typed:
        return self._chain(("*", "/", "%"), self.unary, "int")

    def unary(self) -> Typed:
        sign = self.take("!", "-")
        if sign is None:
            return self.method()
        wanted: Type = "bool" if sign == "!" else "int"
        return self._of(self.unary(), wanted, sign)

    def method(self) -> Typed:
        value = self.primary()
        while self.take(".") is not None:
            name = self.peek()[1]
            if self.take(*METHODS) is None:
                raise ExpressionError(f"unknown method {name!r}; {nearest(name, METHODS)}")
            self._of(value, "text", name)
            self.must("(")
            self._of(self.either(), "text", name)
            self.must(")")
            value = Typed("bool")
        return value

    def primary(self) -> Typed:
        kind, value = self.peek()
        self.at += 1
        match kind, value:
            case "text", _:
                return Typed("text", words=(value[1:-1],))
            case "int", _:
                return Typed("int")
            case "sign", "(":
                inner = self.either()
                self.must(")")
                return inner
            case "sign", "[":
                return self._listed()
            case "name", "true" | "false":
                return Typed("bool")
            case "name", "size":
                return self._size()
            case "name", _:
                return self._variable(value)
        raise ExpressionError(f"a value was expected where {value or 'the end'!r} stands")

    def _chain(self, signs: tuple[str, ...], part: object, wanted: Type) -> Typed:
        assert callable(part)
        value: Typed = part()
        while (sign := self.take(*signs)) is not None:
            self._of(value, wanted, sign)
            value = self._of(part(), wanted, sign)
            value = Typed(wanted)
        return value

    def _of(self, value: Typed, wanted: Type, where: str) -> Typed:
        if value.type != wanted:
            raise ExpressionError(f"{where!r} wants {wanted}, and {value.name or 'its operand'} is {value.type}")
        return value

    def _listed(self) -> Typed:
        parts = [self.primary()]
        while self.take(",") is not None:
            parts.append(self.primary())
        self.must("]")
        kinds = {part.type for part in parts}
        if kinds == {"int"}:
            return Typed("list of int")
        if kinds == {"text"} and all(part.words is not None for part in parts):
            return Typed("list of text", words=tuple(word for part in parts for word in part.words or ()))
        raise ExpressionError("a list holds either texts or numbers, written out")

    def _size(self) -> Typed:
        self.must("(")
        value = self.either()
        self.must(")")
        if value.type in ("bool", "int"):
            raise ExpressionError(f"size() wants a text or list, and {value.name or 'its operand'} is {value.type}")
        return Typed("int")

    def _variable(self, name: str) -> Typed:
        if name not in self.schema.types:
            raise ExpressionError(f"unknown variable {name!r}; {nearest(name, self.schema.types)}")
        return Typed(self.schema.types[name], name, self.schema.words.get(name))


def _fit(left: Typed, sign: str, right: Typed) -> None:
    wanted = f"list of {left.type}" if sign == "in" else left.type
    ordered = sign in ("<", "<=", ">", ">=")
    if right.type != wanted or (ordered and left.type != "int") or (left.type.startswith("list") and sign != "in"):
        one, other = left.name or "the left side", right.name or "the right side"
        raise ExpressionError(f"{one} ({left.type}) and {other} ({right.type}) do not go together by {sign!r}")
    for variable, written in ((left, right), (right, left)):
        if variable.name and variable.words is not None and written.words is not None and not written.name:
            _known(variable, written.words)


def _known(variable: Typed, written: tuple[str, ...]) -> None:
    words = variable.words or ()
    for word in written:
        if word not in words:
            raise ExpressionError(f"{variable.name} is never {word!r}; {nearest(word, words)}")
