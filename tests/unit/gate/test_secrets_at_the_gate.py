"""Secrets do not pass the gate: not outward in answers, not inward in a write's arguments, and not in its journal."""

import random
import re
import string

import pytest
from tests.unit.gate.bench import STORE, bench, call

from steersman.domain.errors import InputError
from steersman.gate.redaction import ANCHORS, FORMATS, MARK, Redactor, is_marked
from steersman.testing.canaries import canaries, found_in

PLANTED = canaries(7)


@pytest.mark.parametrize("name", PLANTED)
def test_each_format_is_found_in_the_middle_of_text(name):
    shown = Redactor().text(f"see {PLANTED[name]} here")
    assert found_in(shown.encode(), {name: PLANTED[name]}) == []
    assert shown.startswith("see ")


def test_what_a_format_finds_holds_an_anchor():
    """The quick look before the search must never say no where the search would find something."""
    for seed in range(40):
        for name, secret in canaries(seed).items():
            assert any(anchor in secret for anchor in ANCHORS), name
    rng = random.Random(3)
    pieces = [anchor for anchor in ANCHORS if len(anchor) > 1]
    for _ in range(3_000):
        text = rng.choice(pieces) + "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(60))
        changed = text.replace(text[1], "-", 1)
        if FORMATS.search(changed):
            assert any(anchor in changed for anchor in ANCHORS), changed


def test_a_mark_of_change_is_no_token_and_a_token_is():
    shown = Redactor().document(
        {"restart_token": "secret-2", "renewal_token": "r", "api_token": "abc123", "token": "x1y2z3"}
    )
    assert (shown["restart_token"], shown["renewal_token"]) == ("secret-2", "r")
    assert all(re.match(re.escape(MARK), str(shown[key])) for key in ("api_token", "token"))


async def test_an_answer_leaves_the_gate_without_its_secrets(tmp_path):
    async with bench(tmp_path) as b:
        b.store.answer = {"exists": True, "items": list(PLANTED.values())}
        outcome = await b.gate.call(call("store.get", arguments={"name": "a"}, environment=STORE))
        assert found_in(str(outcome.output).encode(), PLANTED) == []
        assert is_marked(str(outcome.output))


@pytest.mark.parametrize("name", ["npm", "jwt", "private-key"])
async def test_a_write_with_a_secret_among_its_arguments_is_refused_before_anything_is_sent(tmp_path, name):
    async with bench(tmp_path) as b:
        write = call("store.set", arguments={"name": "a", "items": [PLANTED[name]]}, environment=STORE)
        with pytest.raises(InputError, match="'items' holds what looks like a secret"):
            await b.gate.call(write)
        assert "set" not in b.store.calls
    for file in tmp_path.iterdir():
        assert found_in(file.read_bytes(), PLANTED) == []
