"""What a conversation says of causes: whose, of which kind, why."""

from steersman.cli.conversing import _found
from steersman.diagnosis.investigation import investigate
from steersman.testing.shop import Faults, Shop


def test_a_cause_is_told_with_the_service_that_it_lies_in() -> None:
    found = investigate(Shop(Faults(own={"payments": 0.3})).bundle(), "why is the shop slow?")
    (first, *_) = _found(found, "en")
    assert first.startswith(f"1. payments: latency_regression. {found.root_causes[0].explanation}")


def test_a_name_from_telemetry_is_no_control_sequence() -> None:
    found = investigate(Shop(Faults(own={"payments": 0.3})).bundle(), "?")
    hostile = found.root_causes[0].model_copy(update={"service": "pay\x1b[2Jments"})
    (line,) = _found(found.model_copy(update={"root_causes": (hostile,)}), "ko")
    assert "\x1b" not in line
