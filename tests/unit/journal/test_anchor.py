import pytest

from steersman.domain.errors import IntegrityError
from steersman.journal.anchor import SLOT_BYTES, Anchor, Mark
from steersman.journal.keyring import Keyring


@pytest.fixture
def keyring():
    return Keyring.generate()


@pytest.fixture
def anchor(tmp_path, keyring):
    anchor = Anchor(tmp_path / "anchor", keyring)
    yield anchor
    anchor.close()


def test_an_empty_anchor_knows_nothing(anchor):
    assert anchor.read() is None


def test_it_only_goes_forward(anchor):
    for seq in (1, 5, 3, 5):
        anchor.advance(Mark(seq, f"h{seq}"))
    assert anchor.read() == Mark(5, "h5")


def test_two_processes_share_the_highest_mark(anchor, keyring):
    other = Anchor(anchor.path, keyring)
    anchor.advance(Mark(1, "h1"))
    other.advance(Mark(2, "h2"))
    anchor.advance(Mark(3, "h3"))
    other.advance(Mark(2, "late"))
    assert anchor.read() == other.read() == Mark(3, "h3")
    other.close()


@pytest.mark.parametrize("slot", [0, 1])
def test_a_torn_slot_leaves_the_other(anchor, slot):
    for seq in (1, 2, 3):
        anchor.advance(Mark(seq, f"h{seq}"))
    with anchor.path.open("r+b") as file:
        file.seek(slot * SLOT_BYTES)
        file.write(b"[9,")
    assert anchor.read() in (Mark(2, "h2"), Mark(3, "h3"))
    anchor.advance(Mark(4, "h4"))
    assert anchor.read() == Mark(4, "h4")


def test_a_mark_without_the_key_is_no_mark(anchor):
    anchor.advance(Mark(1, "h1"))
    forged = Anchor(anchor.path.with_name("forged"), Keyring.generate())
    forged.advance(Mark(0, ""))
    anchor.path.write_bytes(forged.path.read_bytes())
    forged.close()
    with pytest.raises(IntegrityError):
        anchor.read()


def test_a_reset_goes_back(anchor):
    anchor.advance(Mark(9, "h9"))
    anchor.reset(Mark(2, "h2"))
    assert anchor.read() == Mark(2, "h2")
