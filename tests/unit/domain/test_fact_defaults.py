import importlib
import pkgutil

import pytest

import steersman.domain
from steersman.domain.fact import Fact


def facts() -> list[type[Fact]]:
    for module in pkgutil.iter_modules(steersman.domain.__path__, "steersman.domain."):
        importlib.import_module(module.name)
    found: list[type[Fact]] = []
    waiting = [Fact]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind.__module__.startswith("steersman.domain"):
                found.append(kind)
                waiting.append(kind)
    return found


@pytest.mark.parametrize("kind", facts(), ids=lambda kind: kind.__name__)
def test_a_default_is_of_its_fields_type_so_that_a_digest_survives_the_way_through_json(kind: type[Fact]) -> None:
    for name, field in kind.model_fields.items():
        if field.annotation is float and not field.is_required():
            assert type(field.default) is float, name
