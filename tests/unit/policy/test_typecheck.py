"""What the type checker lets through means one thing in CEL: true or false, never an error, never a silent no."""

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.policy.schema import FLAGS, LISTS, NUMBERS, SCHEMA, TEXTS, WORDS, samples
from steersman.policy.typecheck import ExpressionError, check

names = st.sampled_from([*WORDS, *TEXTS, *FLAGS, *LISTS, *NUMBERS, "true", "unknown"])
texts = st.sampled_from(["prod", "read", "x", "plan", ""]).map(lambda word: f'"{word}"')
numbers = st.integers(0, 99).map(str)
lists = st.lists(texts | numbers, min_size=1, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
atoms = names | texts | numbers | lists
SIGNS = ["==", "!=", "<", "<=", ">", ">=", "in", "&&", "||", "+", "-", "*"]


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.tuples(inner, st.sampled_from(SIGNS), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda part: f"!{part}")
        | inner.map(lambda part: f"-{part}")
        | inner.map(lambda part: f"size({part})")
        | st.tuples(inner, st.sampled_from(["startsWith", "contains"]), inner).map(lambda p: f"{p[0]}.{p[1]}({p[2]})")
    )


def accepted(expression: str) -> bool:
    try:
        check(expression, SCHEMA)
    except ExpressionError:
        return False
    return True


@given(st.recursive(atoms, grow, max_leaves=6))
@settings(max_examples=1_000, deadline=None)
def test_whatever_is_accepted_is_true_or_false_in_cel(expression: str) -> None:
    if not accepted(expression):
        return
    program = cel.compile(expression)
    assert {type(program.execute(cel.Context(sample))) for sample in samples()} == {bool}


@pytest.mark.parametrize(
    "expression",
    [
        'tier == "prod" && effect != "read"',
        '!(route in ["plan", "undo"]) || "admin" in roles',
        "hour >= 22 || hour < 6 && weekday in [6, 7]",
        "size(roles) > 0 && (hour + 1) * 2 - 3 < 10 % 4",
        'operation.startsWith("vault.") && resource.matches("^vault/[^/]+/app")',
        "reversible == protected && !frozen",
        "-hour < 0",
    ],
)
def test_what_rules_need_is_accepted(expression: str) -> None:
    check(expression, SCHEMA)
    cel.compile(expression).execute(cel.Context(next(samples())))


@pytest.mark.parametrize(
    "expression",
    ["", "tier", "1", '"a"', "tier == 1", 'tier == "prod" == true', "(", 'r"x" == tier', "tier == 'prod' // x", "a.b"],
)
def test_the_rest_is_refused(expression: str) -> None:
    assert not accepted(expression)
