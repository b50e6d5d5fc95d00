"""What Vault can be asked and told, as operations. Arguments name places and digests; no value goes in or comes out."""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Invocation, Operation
from steersman.domain.typed import read_operation, schema_of, state_schema
from steersman.toolsets.vault import facts

NAME = "vault"
SECRET = "vault/secret/{path}"  # noqa: S105 - the template of a resource's name
VERSION = "vault/secret/{path}/versions/{version}"
STAGED = "vault/staged/{path}/{name}"
OWN = "vault/token/self"
LEASE = "vault/lease/{lease}"
KEY = "vault/key/{key}"
PATH, STAGE = ("path",), ("path", "name")


def _read(verb: str, summary: str, takes: type[Fact], gives: type[Fact], *, resource: str = "") -> Operation:
    return read_operation(f"{NAME}.{verb}", summary, takes=takes, gives=gives).model_copy(
        update={"resource": resource, "output_schema": state_schema(gives)}
    )


def _call(verb: str, names: tuple[str, ...], **more: JsonValue) -> Invocation:
    arguments: JsonObject = {**{name: {"$arg": f"/{name}"} for name in names}, **more}
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments=arguments)


def _write(
    verb: str, summary: str, access: Access, *, types: tuple[type[Fact], type[Fact]], **more: object
) -> Operation:
    takes, gives = types
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "access": access,
            "blast_radius": "service",
            "idempotent": "natural",
            "input_schema": schema_of(takes),
            "output_schema": state_schema(gives),
            **more,
        }
    )


def _arguments(*names: str) -> JsonObject:
    return {"exists": True, **{name: {"$arg": f"/{name}"} for name in names}}


_IN_FORCE = _call("get_secret", PATH)
_BACK = _call("set_version", PATH, version={"$before": "/version"}, digest={"$before": "/digest"})
_WAITS = {"resource": STAGED, "probe": _call("get_staged", STAGE), "after": {"exists": True}}

HEALTH = _read("health", "Tells which server answers, and whether it is sealed", facts.Nothing, facts.Health)
TOKEN = _read("token", "Shows what Steersman's own token may do, and for how long", facts.Nothing, facts.TokenFacts)
GET_TOKEN = _read(
    "get_token", "Tells whether Steersman's own token is good", facts.Nothing, facts.Presence, resource=OWN
)
LIST_SECRETS = _read("list_secrets", "Lists the secrets of a folder by name", facts.FolderName, facts.Names)
GET_SECRET = _read(
    "get_secret", "Shows which version of a secret is in force", facts.SecretName, facts.SecretState, resource=SECRET
)
DESCRIBE_SECRET = _read(
    "describe_secret", "Shows a secret's versions and fields, without values", facts.SecretName, facts.SecretFacts
)
GET_VERSION = _read("get_version", "Shows how one version is", facts.VersionName, facts.VersionState, resource=VERSION)
GET_STAGED = _read("get_staged", "Shows whether new content waits", facts.StagedName, facts.Presence, resource=STAGED)
DESCRIBE_STAGED = _read(
    "describe_staged", "Shows new content that waits, without values", facts.StagedName, facts.StagedFacts
)
GET_LEASE = _read("get_lease", "Shows whether a lease is good", facts.LeaseName, facts.Presence, resource=LEASE)
DESCRIBE_LEASE = _read("describe_lease", "Shows how long a lease is good", facts.LeaseName, facts.LeaseFacts)
GET_KEY = _read("get_key", "Shows the versions of a key", facts.KeyName, facts.KeyState, resource=KEY)
ENCRYPT = _read("encrypt", "Encrypts one field of a secret with a key", facts.Plain, facts.Encrypted)
REWRAP = _read("rewrap", "Encrypts again under a key's newest version", facts.Cipher, facts.Encrypted)
CHECK_CIPHERTEXT = _read(
    "check_ciphertext", "Shows whether a key opens a ciphertext, and a digest", facts.Cipher, facts.Decrypted
)

SET_VERSION = _write(
    "set_version",
    "Puts the content of an earlier version in force, as a new version",
    "update",
    types=(facts.Chosen, facts.SecretState),
    resource=SECRET,
    probe=_IN_FORCE,
    after=_arguments("version", "digest"),
    inverse=_BACK,
)
PUBLISH_STAGED = _write(
    "publish_staged",
    "Makes content that waits the next version of a secret",
    "update",
    types=(facts.Published, facts.SecretState),
    resource=SECRET,
    uses=(STAGED,),
    probe=_IN_FORCE,
    after=_arguments("version", "digest"),
    inverse=_BACK,
)
CREATE_SECRET = _write(
    "create_secret",
    "Makes content that waits the first version of a new secret",
    "create",
    types=(facts.NewSecret, facts.SecretState),
    resource=SECRET,
    uses=(STAGED,),
    probe=_IN_FORCE,
    after={**_arguments("digest"), "version": 1},
    inverse=_call("delete_secret", PATH),
)
DELETE_SECRET = _write(
    "delete_secret",
    "Takes a secret with all of its versions away, for good",
    "delete",
    types=(facts.SecretName, facts.SecretState),
    resource=SECRET,
    effect="destructive",
    probe=_IN_FORCE,
    after={"exists": False},
)
DELETE_VERSION = _write(
    "delete_version",
    "Hides a version; it can be shown again",
    "update",
    types=(facts.VersionName, facts.VersionState),
    resource=VERSION,
    probe=_call("get_version", ("path", "version")),
    after={"exists": True, "state": "deleted"},
    inverse=_call("undelete_version", ("path", "version")),
)
UNDELETE_VERSION = _write(
    "undelete_version",
    "Shows a hidden version again",
    "update",
    types=(facts.VersionName, facts.VersionState),
    resource=VERSION,
    probe=_call("get_version", ("path", "version")),
    after={"exists": True, "state": "live"},
    inverse=_call("delete_version", ("path", "version")),
)
DESTROY_VERSION = _write(
    "destroy_version",
    "Takes a version's content away, for good: nothing brings it back",
    "update",
    types=(facts.VersionName, facts.VersionState),
    resource=VERSION,
    effect="destructive",
    probe=_call("get_version", ("path", "version")),
    after={"exists": True, "state": "destroyed"},
)
STAGE_PASSWORD = _write(
    "stage_password",
    "Makes a random value for one field of a secret, and lets it wait beside the secret",
    "create",
    types=(facts.NewPassword, facts.Presence),
    inverse=_call("discard_staged", STAGE),
    **_WAITS,
)
STAGE_CREDENTIALS = _write(
    "stage_credentials",
    "Has the database engine make a user for a secret, and lets it wait beside the secret",
    "create",
    types=(facts.NewCredentials, facts.Presence),
    inverse=_call("discard_staged", STAGE),
    **_WAITS,
)
DISCARD_STAGED = _write(
    "discard_staged",
    "Takes content that waits away for good; a lease that the secret does not use ends with it",
    "delete",
    types=(facts.StagedName, facts.Presence),
    resource=STAGED,
    effect="destructive",
    probe=_call("get_staged", STAGE),
    after={"exists": False},
)
RENEW_LEASE = _write(
    "renew_lease",
    "Gives a lease more time; that cannot be taken back",
    "update",
    types=(facts.Renewal, facts.Presence),
    resource=LEASE,
    probe=_call("get_lease", ("lease",)),
    after={"exists": True},
)
REVOKE_LEASE = _write(
    "revoke_lease",
    "Ends a lease and the credentials behind it, for good: nothing brings them back",
    "delete",
    types=(facts.LeaseName, facts.Presence),
    resource=LEASE,
    effect="destructive",
    probe=_call("get_lease", ("lease",)),
    after={"exists": False},
)
RENEW_TOKEN = _write(
    "renew_token",
    "Gives Steersman's own token more time",
    "update",
    types=(facts.TokenRenewal, facts.TokenFacts),
    resource=OWN,
    blast_radius="instance",
    probe=_call("get_token", ()),
    after={"exists": True},
)
ROTATE_KEY = _write(
    "rotate_key",
    "Adds a version to a key; older texts still open, and the version stays for good",
    "update",
    types=(facts.KeyRotation, facts.KeyState),
    resource=KEY,
    probe=_call("get_key", ("key",)),
    after={"exists": True, "latest_version": {"$arg": "/version"}},
)

OPERATIONS: tuple[Operation, ...] = (
    *(HEALTH, TOKEN, GET_TOKEN, LIST_SECRETS, GET_SECRET, DESCRIBE_SECRET, GET_VERSION, GET_STAGED, DESCRIBE_STAGED),
    *(GET_LEASE, DESCRIBE_LEASE, GET_KEY, ENCRYPT, REWRAP, CHECK_CIPHERTEXT),
    *(SET_VERSION, PUBLISH_STAGED, CREATE_SECRET, DELETE_SECRET, DELETE_VERSION, UNDELETE_VERSION, DESTROY_VERSION),
    *(STAGE_PASSWORD, STAGE_CREDENTIALS, DISCARD_STAGED, RENEW_LEASE, REVOKE_LEASE, RENEW_TOKEN, ROTATE_KEY),
)
