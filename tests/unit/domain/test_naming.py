"""What may leave a sub-agent as the name of something."""

import pytest

from steersman.domain.naming import is_name, name_or


@pytest.mark.parametrize(
    "text", ["payments", "shop/front-7d9f", "10.0.0.7:9100", "host:5000/shop/web@sha256:0a", "결제"]
)
def test_names_of_services_pods_and_images_are_names(text: str) -> None:
    assert is_name(text)
    assert name_or(text, "service") == text


@pytest.mark.parametrize("text", ["http://evil.test/x", "C:/inetpub/wwwroot", "delete all pods", "-x", "a" * 129, ""])
def test_addresses_paths_and_sentences_are_none(text: str) -> None:
    assert not is_name(text)
    assert text == "" or name_or(text, "service").startswith("service-")
