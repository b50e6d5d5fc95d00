import pytest

from steersman import agents


@pytest.mark.parametrize("name", list(agents.AGENTS))
def test_every_agent_can_be_drawn(name: str) -> None:
    drawn = agents.drawn(name)
    assert drawn.count("\n") >= 3
    assert "-->" in drawn


@pytest.mark.parametrize("name", agents.__all__)
def test_what_is_promised_can_be_imported_from_the_package(name: str) -> None:
    assert getattr(agents, name) is not None


def test_the_rest_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no_such"):
        _ = agents.no_such  # type: ignore[attr-defined]
