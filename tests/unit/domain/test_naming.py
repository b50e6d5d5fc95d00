"""Names are one word; what is none gets one that is made here."""

from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.naming import is_name, name_or


def test_names_of_real_systems_are_names() -> None:
    for name in (
        "payments",
        "ts-order-service",
        "payments-7f9c-xk2p",
        "v2.1.0+build.7",
        "registry:5000/shop/pay@sha256",
    ):
        assert is_name(name)
        assert name_or(name, "service") == name


def test_an_absent_name_stays_absent() -> None:
    assert name_or("", "version") == ""


@given(st.text())
def test_whatever_the_text_what_comes_out_is_a_name_or_nothing(text: str) -> None:
    out = name_or(text, "service")
    assert out == "" or is_name(out)
    assert name_or(text, "service") == out
    assert name_or(out, "service") == out
