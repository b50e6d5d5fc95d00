"""What the operations of Vault take and give. Nothing here has room for a secret's value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact, Slug
from steersman.domain.reference import FIELD, PATH, VaultReference

SecretPath = Annotated[str, StringConstraints(pattern=rf"^{PATH}$", max_length=400)]
"""Under the configured KV mount, without a leading slash."""
Folder = Annotated[str, StringConstraints(pattern=rf"^(?:{PATH})?$", max_length=400)]
FieldName = Annotated[str, StringConstraints(pattern=rf"^{FIELD}$")]
SecretDigest = Annotated[str, StringConstraints(pattern=r"^hmac-sha256:[0-9a-f]{64}$")]
"""Keyed with a key of this installation: the same content has the same digest here, and nowhere else."""
LeaseId = Annotated[str, StringConstraints(pattern=rf"^{PATH}$", max_length=600)]
VersionNumber = Annotated[int, Field(ge=1, le=10**9)]
Seconds = Annotated[int, Field(ge=1, le=366 * 86_400)]
Ciphertext = Annotated[str, StringConstraints(pattern=r"^vault:v[0-9]{1,9}:[A-Za-z0-9+/=_-]+$", max_length=200_000)]


class Nothing(Fact):
    """No arguments."""


class Health(Fact):
    """Which server answers."""

    version: str
    cluster: str
    standby: bool


class SecretName(Fact):
    """One secret."""

    path: SecretPath


class SecretState(Fact):
    """What is in force: the first version that has the current content, so that going back is seen as going back."""

    exists: bool
    version: int | None = None
    digest: str | None = None


class VersionFacts(Fact):
    """One version without its content."""

    version: int
    created_at: str
    state: Literal["live", "deleted", "destroyed", "absent"]
    digest: str = ""
    """Empty where nobody can read it any more."""


class SecretFacts(Fact):
    """A secret without its contents."""

    exists: bool
    latest: int = 0
    """Number of the last version, whatever became of it."""
    next_version: int = 1
    """What the next one will be: the check-and-set of a rotation."""
    version: int = 0
    digest: str = ""
    keys: tuple[str, ...] = ()
    lease: str = ""
    """The lease behind dynamic credentials, where Steersman stored them."""
    reference: str = ""
    """How another operation is told to use what is in force now."""
    versions: tuple[VersionFacts, ...] = ()
    cas_required: bool = False
    kept: int = 0


class FolderName(Fact):
    """A folder of the mount; empty: its root."""

    folder: Folder = ""


class Names(Fact):
    """What lies there; folders end in a slash."""

    names: tuple[str, ...]


class Chosen(Fact):
    """A version of a secret, by number and content."""

    path: SecretPath
    version: VersionNumber
    digest: SecretDigest


class VersionName(Fact):
    """A version of a secret, by number."""

    path: SecretPath
    version: VersionNumber


class VersionState(Fact):
    """How a version is."""

    exists: bool
    state: Literal["live", "deleted", "destroyed"] | None = None


class StagedName(Fact):
    """New content for a secret that waits to be proved; `name` is chosen by who plans."""

    path: SecretPath
    name: Slug


class NewPassword(StagedName):
    """Arguments of `stage_password`."""

    field: FieldName = "password"
    length: int = Field(default=32, ge=16, le=256)


class NewCredentials(StagedName):
    """Arguments of `stage_credentials`."""

    role: Slug
    """Role of the database secrets engine."""


class Presence(Fact):
    """Whether it is there."""

    exists: bool


class StagedFacts(Fact):
    """What waits, without its content."""

    exists: bool
    digest: str = ""
    keys: tuple[str, ...] = ()
    lease: str = ""
    reference: str = ""


class Published(StagedName):
    """Arguments of `publish_staged`: which version it becomes, and which content it must have."""

    version: VersionNumber
    digest: SecretDigest


class NewSecret(StagedName):
    """Arguments of `create_secret`."""

    digest: SecretDigest


class LeaseName(Fact):
    """One lease."""

    lease: LeaseId


class LeaseFacts(Fact):
    """A lease."""

    exists: bool
    ttl_s: int = 0
    renewable: bool = False
    expires_at: str = ""


class Renewal(LeaseName):
    """Arguments of `renew_lease`."""

    increment_s: Seconds


class TokenRenewal(Fact):
    """Arguments of `renew_token`."""

    increment_s: Seconds


class TokenFacts(Fact):
    """What Steersman's own token may do, and how long."""

    ttl_s: int
    renewable: bool
    policies: tuple[str, ...]
    kind: str


class KeyName(Fact):
    """A key of the transit engine."""

    key: Slug


class KeyState(Fact):
    """A key by its versions."""

    exists: bool
    latest_version: int | None = None


class KeyRotation(KeyName):
    """Arguments of `rotate_key`: the version that there will be."""

    version: VersionNumber


class Plain(KeyName):
    """Arguments of `encrypt`."""

    reference: VaultReference


class Cipher(KeyName):
    """Arguments of `rewrap` and `check_ciphertext`."""

    ciphertext: Ciphertext


class Encrypted(Fact):
    """Text that only the key opens."""

    ciphertext: str


class Decrypted(Fact):
    """Whether the key opens it, and what came out, as a digest."""

    opens: bool
    digest: str = ""
