"""The keys that sign what the journal holds. They live in a file of their own, never in state or environment."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from steersman.domain.errors import ConfigError, IntegrityError

Purpose = Literal["entry", "anchor", "request", "vote", "cut", "mask", "definition"]
"""Each has a key derived from the master key, so that a signature for one never passes as another."""

KEY_BYTES = 32


class Keyring:
    """Several keys by id, one of them current: the current one signs, all of them verify."""

    __slots__ = ("_derived", "_keys", "_read_at_ns", "_source", "current")

    def __init__(self, keys: Mapping[str, bytes], *, current: str) -> None:
        if current not in keys:
            raise ConfigError(f"the current key {current!r} is not in the keyring; it has {sorted(keys)}")
        short = sorted(key_id for key_id, key in keys.items() if len(key) < KEY_BYTES or not key_id.isalnum())
        if short:
            raise ConfigError(f"keys {short!r} want an alphanumeric id and at least {KEY_BYTES} bytes")
        self._keys = dict(keys)
        self._derived: dict[tuple[str, str], hmac.HMAC] = {}
        self.current = current
        self._source: Path | None = None
        self._read_at_ns = 0

    def __repr__(self) -> str:
        return f"Keyring(ids={sorted(self._keys)}, current={self.current!r})"

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys or self._found_after_rotation(key_id)

    @classmethod
    def generate(cls) -> Keyring:
        """A new keyring with one random key."""
        key_id, key = _fresh()
        return cls({key_id: key}, current=key_id)

    @classmethod
    def open(cls, path: Path) -> Keyring:
        """Reads the key file, or creates it with mode 0600.

        Raises ConfigError when others may read it or it is malformed.
        """
        if not path.exists():
            _create(path, cls.generate())
        keys, current = _read(path)
        keyring = cls(keys, current=current)
        keyring._source, keyring._read_at_ns = path, path.stat().st_mtime_ns
        return keyring

    def rotated(self) -> Keyring:
        """The same keys and a new one, which signs from now on."""
        key_id, key = _fresh()
        return Keyring({**self._keys, key_id: key}, current=key_id)

    def save(self, path: Path) -> None:
        """Writes the key file anew, durable and in one step."""
        temporary = _write_beside(path, self)
        temporary.replace(path)

    def document(self) -> str:
        """The content of the key file."""
        return json.dumps({"current": self.current, "keys": {k: v.hex() for k, v in sorted(self._keys.items())}})

    def sign(self, purpose: Purpose, data: bytes) -> str:
        """`key id:HMAC-SHA256 hex` with the current key."""
        return f"{self.current}:{self.mac(purpose, self.current, data)}"

    def mac(self, purpose: Purpose, key_id: str, data: bytes) -> str:
        """HMAC-SHA256 in hex with one key. Raises IntegrityError for an unknown key id."""
        keyed = (self._derived.get((purpose, key_id)) or self._derive(purpose, key_id)).copy()
        keyed.update(data)
        return keyed.hexdigest()

    def verifies(self, purpose: Purpose, data: bytes, signature: str) -> bool:
        """Whether `key id:hex` is the signature of the data by a key of this ring; compares in constant time."""
        key_id, _, mac = signature.partition(":")
        if key_id not in self or not mac.isascii():
            return False
        return hmac.compare_digest(self.mac(purpose, key_id, data), mac)

    def _found_after_rotation(self, key_id: str) -> bool:
        """Another process may have rotated the keys since the file was read: reads it again, if it changed."""
        if self._source is None or self._source.stat().st_mtime_ns == self._read_at_ns:
            return False
        self._read_at_ns = self._source.stat().st_mtime_ns
        self._keys, self.current = _read(self._source)
        self._derived.clear()
        return key_id in self._keys

    def _derive(self, purpose: Purpose, key_id: str) -> hmac.HMAC:
        master = self._keys.get(key_id)
        if master is None:
            raise IntegrityError(f"signed with the unknown key {key_id!r}; restore the key file that has it")
        key = hmac.digest(master, b"steersman/" + purpose.encode(), "sha256")
        keyed = hmac.new(key, digestmod="sha256")
        self._derived[purpose, key_id] = keyed
        return keyed


def rotate(path: Path) -> Keyring:
    """Adds a new current key to the key file; old ones go on to verify."""
    keyring = Keyring.open(path).rotated()
    keyring.save(path)
    return keyring


def _read(path: Path) -> tuple[dict[str, bytes], str]:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError(f"the key file {str(path)!r} is open to others; chmod 600 it and rotate the key")
    try:
        document = json.loads(path.read_text())
        keys = {str(key_id): bytes.fromhex(key) for key_id, key in document["keys"].items()}
        return keys, str(document["current"])
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise ConfigError(f"the key file {str(path)!r} is malformed; restore it from a backup") from e


def _fresh() -> tuple[str, bytes]:
    return f"k{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES)


def _write_beside(path: Path, keyring: Keyring) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(keyring.document())
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _create(path: Path, keyring: Keyring) -> None:
    """The first process wins: `link` refuses to overwrite, and a reader never sees half a file."""
    temporary = _write_beside(path, keyring)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
