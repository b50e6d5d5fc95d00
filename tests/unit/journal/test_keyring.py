import pytest

from steersman.domain.errors import ConfigError, IntegrityError
from steersman.journal.keyring import Keyring, rotate


def test_the_key_file_is_created_for_its_owner_alone_and_found_again(tmp_path):
    path = tmp_path / "keys" / "journal.json"
    keyring = Keyring.open(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["journal.json"]
    assert Keyring.open(path).verifies("entry", b"data", keyring.sign("entry", b"data"))


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "journal.json"
    Keyring.open(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod"):
        Keyring.open(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"current": "a", "keys": {}}',
        '{"current": "a", "keys": {"a": "00"}}',
        '{"current":"a","keys":3}',
    ],
)
def test_a_malformed_key_file_is_refused(tmp_path, text):
    path = tmp_path / "journal.json"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(ConfigError):
        Keyring.open(path)


def test_a_signature_for_one_purpose_is_none_for_another():
    keyring = Keyring.generate()
    assert not keyring.verifies("request", b"data", keyring.sign("entry", b"data"))


def test_old_keys_verify_after_a_rotation_and_new_ones_sign(tmp_path):
    path = tmp_path / "journal.json"
    before = Keyring.open(path)
    signature = before.sign("entry", b"data")
    after = rotate(path)
    assert after.current != before.current
    assert after.verifies("entry", b"data", signature)
    assert Keyring.open(path).current == after.current


def test_a_process_that_read_the_keys_before_learns_of_the_rotation(tmp_path):
    path = tmp_path / "journal.json"
    before = Keyring.open(path)
    assert before.verifies("entry", b"data", rotate(path).sign("entry", b"data"))
    assert not before.verifies("entry", b"data", Keyring.generate().sign("entry", b"data"))


@pytest.mark.parametrize("signature", ["", ":", "none", "none:", "k:é", "x" * 64])
def test_what_is_no_signature_does_not_verify(signature):
    assert not Keyring.generate().verifies("entry", b"data", signature)


def test_an_unknown_key_id_is_named():
    with pytest.raises(IntegrityError, match="nobody"):
        Keyring.generate().mac("entry", "nobody", b"data")


def test_keys_are_not_shown():
    keyring = Keyring({"a": b"s" * 32}, current="a")
    assert "ss" not in repr(keyring)
    assert "73" not in repr(keyring)
