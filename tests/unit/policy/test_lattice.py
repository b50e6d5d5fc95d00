"""Laws of strictness: joining decisions never lets through what one of them stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.policy import PolicyDecision, Requirement
from steersman.policy.lattice import STRICTNESS, is_at_least, stricter, strictest

ROLES = st.frozensets(st.sampled_from(["approver", "admin", "owner"]), min_size=1)
DEMANDS = st.builds(Requirement, count=st.integers(1, 3), roles=ROLES, not_requester=st.booleans())


@st.composite
def decisions(draw: st.DrawFn) -> PolicyDecision:
    effect = draw(st.sampled_from(list(STRICTNESS)))
    demand = draw(DEMANDS) if effect == "require_approval" else None
    return PolicyDecision(
        effect=effect, rule=draw(st.sampled_from("abc")), reason="r", requirement=demand, policy_digest="d"
    )


def core(decision: PolicyDecision) -> tuple[str, Requirement | None]:
    return decision.effect, decision.requirement


@given(decisions(), decisions())
def test_the_join_is_at_least_as_strict_as_both(left: PolicyDecision, right: PolicyDecision) -> None:
    joined = stricter(left, right)
    assert is_at_least(joined, left)
    assert is_at_least(joined, right)


@given(decisions(), decisions(), decisions())
def test_the_join_is_commutative_associative_idempotent(
    a: PolicyDecision, b: PolicyDecision, c: PolicyDecision
) -> None:
    assert core(stricter(a, b)) == core(stricter(b, a))
    assert core(stricter(stricter(a, b), c)) == core(stricter(a, stricter(b, c)))
    assert stricter(a, a) == a


@given(decisions(), decisions())
def test_nothing_more_is_demanded_than_one_of_both_demands(a: PolicyDecision, b: PolicyDecision) -> None:
    joined = stricter(a, b)
    if "deny" not in (a.effect, b.effect) and joined.effect == "deny":
        assert a.requirement is not None
        assert b.requirement is not None
        assert not a.requirement.roles & b.requirement.roles


@given(st.lists(decisions(), min_size=1, max_size=6), decisions())
def test_more_opinions_never_make_it_milder(all_of_them: list[PolicyDecision], one: PolicyDecision) -> None:
    assert is_at_least(strictest([*all_of_them, one]), strictest(all_of_them))


@given(decisions())
def test_every_decision_is_at_least_itself(decision: PolicyDecision) -> None:
    assert is_at_least(decision, decision)


def test_nothing_decides_nothing() -> None:
    with pytest.raises(TypeError):
        strictest([])
