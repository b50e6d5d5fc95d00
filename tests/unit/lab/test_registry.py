"""Artifacts."""

import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import InputError, IntegrityError, ToolError
from steersman.lab.catalogue import FAULTS
from steersman.lab.kit.identity import SERVICES
from steersman.lab.registry import Registry, digest_of, pack, source, versions

FILES = st.dictionaries(st.from_regex(r"[a-z]{1,8}\.py", fullmatch=True), st.binary(max_size=200), max_size=6)


@given(FILES, st.randoms())
def test_the_same_source_gives_the_same_bytes_in_whatever_order(files: dict[str, bytes], dice: object) -> None:
    items = list(files.items())
    dice.shuffle(items)  # type: ignore[attr-defined]
    assert pack(dict(items)) == pack(files)


@given(FILES, FILES)
def test_another_source_has_another_digest(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (digest_of(pack(one)) == digest_of(pack(other))) == (one == other)


def test_every_version_is_whole_and_differs_from_the_first() -> None:
    for service in SERVICES:
        assert versions(service)[0] == "v1"
        first = source(service, "v1")
        for version in versions(service)[1:]:
            made = source(service, version)
            assert set(made) == set(first), "a version replaces modules, and adds none that the first does not know"
            assert made != first


def test_every_fault_by_release_has_its_release() -> None:
    for fault in FAULTS:
        assert fault.seam != "version" or fault.version in versions(fault.service)


def test_what_is_built_is_what_it_would_be_and_what_is_fetched(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert registry.built("payments", "v2") is None
    made = registry.build("payments", "v2")
    assert made == registry.would_be("payments", "v2") == registry.built("payments", "v2")
    assert digest_of(registry.fetch(made).read_bytes()) == made
    registry.delete("payments", "v2")
    assert registry.built("payments", "v2") is None
    with pytest.raises(ToolError, match="build it first"):
        registry.fetch(made)


def test_an_artifact_that_was_tampered_with_is_not_given_out(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    made = registry.build("payments", "v1")
    blob = registry.fetch(made)
    blob.write_bytes(blob.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match="has been changed"):
        registry.fetch(made)


@pytest.mark.parametrize("wanted", ["sha256:../../etc/passwd", "", "sha256:" + "A" * 64])
def test_what_is_no_digest_is_refused(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(ToolError, match="is no digest"):
        Registry(tmp_path).fetch(wanted)


@pytest.mark.parametrize(("service", "version"), [("payments", "../v1"), ("payments", "v9"), ("../x", "v1")])
def test_only_names_that_the_shop_has_become_paths(tmp_path: Path, service: str, version: str) -> None:
    with pytest.raises(InputError, match="has no"):
        Registry(tmp_path).build(service, version)


def test_the_bad_release_fails_for_guests_and_only_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = Registry(tmp_path).fetch(Registry(tmp_path).build("payments", "v2"))
    monkeypatch.syspath_prepend(str(blob))
    for name in [name for name in sys.modules if name.startswith("shop_service")]:
        monkeypatch.delitem(sys.modules, name)
    loyalty = importlib.import_module("shop_service.loyalty")
    charge = {"order_id": "o1", "amount": 1_250, "customer": {"name": "c", "tier": "gold"}}
    assert loyalty.points_for(charge, None) == 24
    with pytest.raises(AttributeError, match="lower"):
        loyalty.points_for({**charge, "customer": {"name": "c", "tier": None}}, None)
    for name in [name for name in sys.modules if name.startswith("shop_service")]:
        monkeypatch.delitem(sys.modules, name)
