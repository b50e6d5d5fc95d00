from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.environment import Principal
from steersman.domain.fact import Fact, Instant, canonical, digest
from steersman.domain.ids import PrincipalId
from steersman.domain.policy import Requirement


class At(Fact):
    at: Instant


@given(roles=st.frozensets(st.text(max_size=6), min_size=2, max_size=9))
def test_sets_are_sorted_so_that_every_process_signs_the_same_bytes(roles):
    person = Principal(id=PrincipalId("ann"), kind="human", roles=roles)
    again = Principal.model_validate_json(person.model_dump_json())
    assert canonical(person) == canonical(again)
    assert canonical(Requirement(roles=roles)) == canonical(
        {"count": 1, "roles": sorted(roles), "not_requester": False}
    )


def test_one_instant_has_one_spelling():
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    seoul = noon.astimezone(timezone(timedelta(hours=9)))
    assert digest(At(at=noon)) == digest(At(at=seoul))


def test_what_json_cannot_carry_is_an_error():
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": float("nan")})
