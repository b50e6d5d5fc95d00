"""The lab's registry: a service's source at a version, packed so that the same source has the same digest."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from steersman.domain.errors import InputError, IntegrityError, ToolError
from steersman.domain.fact import Digest
from steersman.lab.kit.identity import SERVICES, Service
from steersman.lab.shop import PACKAGE

FIRST = "v1"
EPOCH = (1980, 1, 1, 0, 0, 0)
_HEX = re.compile(r"sha256:[0-9a-f]{64}")


def _folders(service: str) -> Mapping[str, Traversable]:
    """Source folders by version. A hyphen in a version is an underscore in its folder."""
    here = resources.files("steersman.lab.shop").joinpath(service)
    return {
        entry.name.replace("_", "-"): entry
        for entry in here.iterdir()
        if entry.is_dir() and not entry.name.startswith("__")
    }


def versions(service: Service) -> tuple[str, ...]:
    """The versions that can be built, oldest first."""
    return tuple(sorted(_folders(service)))


def source(service: str, version: str) -> Mapping[str, bytes]:
    """File contents by name. Raises InputError for what the shop does not have."""
    if service not in SERVICES:
        raise InputError(f"the shop has no service {service!r}; it has {', '.join(SERVICES)}")
    folders = _folders(service)
    if version not in folders:
        raise InputError(f"{service} has no version {version!r}; it has {', '.join(sorted(folders))}")
    files: dict[str, bytes] = {}
    for folder in (folders[FIRST], folders[version]):
        files |= {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".py")}
    return files


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files: sorted, uncompressed, without times, so that its bytes follow from its contents alone."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{PACKAGE}/{name}", EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return made.getvalue()


def digest_of(packed: bytes) -> Digest:
    """What an artifact is called."""
    return Digest("sha256:" + hashlib.sha256(packed).hexdigest())


@dataclass(frozen=True, slots=True)
class Registry:
    """Artifacts in a folder: `<service>/<version>` holds a digest, `blobs/<hex>.zip` the bytes."""

    folder: Path

    def would_be(self, service: str, version: str) -> Digest:
        """The digest that the source builds to now."""
        return digest_of(pack(source(service, version)))

    def built(self, service: str, version: str) -> Digest | None:
        """The digest of what is built, or None."""
        tag = self._tag(service, version)
        return Digest(tag.read_text()) if tag.exists() else None

    def build(self, service: str, version: str) -> Digest:
        """Packs and keeps the source of a version."""
        packed = pack(source(service, version))
        made = digest_of(packed)
        blob = self._blob(made)
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(packed)
        tag = self._tag(service, version)
        tag.parent.mkdir(parents=True, exist_ok=True)
        tag.write_text(made)
        return made

    def delete(self, service: str, version: str) -> None:
        """Takes a version away; its bytes go when no other version has the same."""
        made = self.built(service, version)
        self._tag(service, version).unlink(missing_ok=True)
        if made is not None and made not in {tag.read_text() for tag in self.folder.glob("tags/*/*")}:
            self._blob(made).unlink(missing_ok=True)

    def fetch(self, wanted: str) -> Path:
        """The file of an artifact. Raises ToolError when there is none, IntegrityError when its bytes are others."""
        if not _HEX.fullmatch(wanted):
            raise ToolError(f"{wanted!r} is no digest: it has the form sha256:<64 hex digits>")
        blob = self._blob(Digest(wanted))
        if not blob.exists():
            raise ToolError(f"no artifact {wanted!r} in the registry; build it first")
        found = digest_of(blob.read_bytes())
        if found != wanted:
            raise IntegrityError(f"the artifact {wanted!r} has been changed: its bytes are {found!r}; build it again")
        return blob

    def _tag(self, service: str, version: str) -> Path:
        source(service, version)  # only names that the shop has become paths
        return self.folder / "tags" / service / version

    def _blob(self, made: Digest) -> Path:
        return self.folder / "blobs" / f"{made.partition(':')[2]}.zip"
