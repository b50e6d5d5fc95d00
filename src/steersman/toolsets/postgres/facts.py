"""What the operations of PostgreSQL take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact
from steersman.domain.reference import VaultReference

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")]
"""Of a database, role, table or index; quoted wherever it goes."""
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,100}$")]
"""Of a backup."""
Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$")]
"""Of the schema; `base` is before the first one."""
FileDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Columns = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}(,[A-Za-z_][A-Za-z0-9_]{0,62}){0,15}$")
]
"""In order, with commas and no spaces."""
Limit = Annotated[int, Field(ge=1, le=1_000)]
Pid = Annotated[int, Field(ge=1, le=2**31 - 1)]
Started = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$")
]


class Nothing(Fact):
    """No arguments."""


class DatabaseName(Fact):
    """One database."""

    database: Name


class Listing(DatabaseName):
    """One database, and how many lines of it."""

    limit: Limit = 20


class Health(Fact):
    """How the server does."""

    version: str
    replica: bool
    connections: int
    max_connections: int
    oldest_transaction_s: float
    oldest_xid_age: int
    """Transactions until wraparound is 2^31; vacuum must keep this far below."""


class Activity(Fact):
    """Who is at work in a database."""

    connections: int
    max_connections: int
    blocked: int
    slow: int
    """Statements that run for more than five seconds."""
    idle_in_transaction: int


class Waiter(Fact):
    """A backend that waits for a lock, and who holds it."""

    pid: int
    started: str
    """When the backend began: with the pid it names one backend and no later one."""
    user: str
    application: str
    waited_s: float
    lock: str
    relation: str
    blocked_by: tuple[int, ...]
    excerpt: str
    """The statement without its literals. Untrusted."""


class Locks(Fact):
    """Everybody who waits for a lock, longest first."""

    waiters: tuple[Waiter, ...]
    left_out: int = 0


class SlowQuery(Fact):
    """A statement by its shape."""

    calls: int
    total_s: float
    mean_ms: float
    rows: int
    excerpt: str
    """Without its literals. Untrusted."""


class SlowQueries(Fact):
    """The statements that took most time, as far as the server counts them."""

    available: bool
    why: str = ""
    """Why the server does not say, and what would make it."""
    queries: tuple[SlowQuery, ...] = ()


class Table(Fact):
    """One table with its indexes."""

    name: str
    bytes: int
    index_bytes: int
    live_rows: int
    dead_rows: int
    """Both as estimated by the statistics collector."""


class Sizes(Fact):
    """What takes the room of a database."""

    bytes: int
    tables: tuple[Table, ...]
    left_out: int = 0


class Replica(Fact):
    """Who replicates from this server."""

    name: str
    state: str
    lag_bytes: int
    lag_s: float


class Replication(Fact):
    """Where this server stands in its cluster."""

    replica: bool
    lag_s: float = 0.0
    """Of this server, when it is a replica."""
    replicas: tuple[Replica, ...] = ()


class BackupName(DatabaseName):
    """One backup."""

    name: Label


class NewBackup(BackupName):
    """Arguments of `backup`."""

    kept_days: int = Field(ge=1, le=3_650)


class BackupState(Fact):
    """Whether there is such a backup: one whose restore drill passed."""

    exists: bool
    kept_days: int | None = None


class BackupFacts(Fact):
    """A backup as it lies there now."""

    exists: bool
    complete: bool = False
    """The archive is byte for byte what was restored in the drill."""
    restorable: bool = False
    bytes: int = 0
    tables: int = 0
    rows: int = 0
    """Counted in the snapshot that was dumped, and again after the drill."""
    made_at: str = ""
    keep_until: str = ""
    digest: str = ""


class Restoring(BackupName):
    """Arguments of `restore_copy`."""

    into: Name
    """A database that is not there yet."""


class RestoredName(Fact):
    """A database that a backup was restored into."""

    into: Name


class RestoredState(Fact):
    """A database, and the backup that it was made from, if it was."""

    exists: bool
    database: str | None = None
    name: str | None = None


class SchemaState(Fact):
    """The revision of a schema; `base` before the first."""

    exists: bool
    revision: str | None = None


class MigrationName(DatabaseName):
    """A way to a revision."""

    revision: Revision


class MigrationFacts(Fact):
    """A way from the present revision to another, as the files say now."""

    present: str
    revisions: tuple[str, ...]
    """Whose files are run, in order."""
    down: bool
    digest: str
    """Over the files of both directions: what was reviewed, and nothing else, is run."""
    reversible: bool
    """Whether each revision has a down file."""
    in_transaction: bool


class Migration(MigrationName):
    """Arguments of `migrate` and `migrate_forward`."""

    digest: FileDigest


class IndexName(DatabaseName):
    """One index."""

    name: Name


class NewIndex(IndexName):
    """Arguments of `create_index`."""

    table: Name
    columns: Columns


class IndexState(Fact):
    """An index by what it is of."""

    exists: bool
    table: str | None = None
    columns: str | None = None


class IndexFacts(Fact):
    """How an index does."""

    valid: bool
    ready: bool
    bytes: int


class LoginCheck(DatabaseName):
    """Who would connect where."""

    credential: VaultReference
    """A secret with the fields `username` (or `user`) and `password`."""


class LoginResult(Fact):
    """Whether the server lets them in."""

    ok: bool
    user: str
    why: str = ""


class LoginName(Fact):
    """A role and a credential that it may have."""

    user: Name
    credential: VaultReference


class LoginState(Fact):
    """Whether the server accepts the credential for the role."""

    accepts: bool


class NewPassword(LoginName):
    """Arguments of `set_password`."""

    former: VaultReference
    """The credential that is good now, by version: what an undo sets again."""


class BackendName(Fact):
    """One backend and no later one of its pid."""

    pid: Pid
    started: Started


class Presence(Fact):
    """Whether it is there."""

    exists: bool


class ClusterName(Fact):
    """The cluster that the configured instances make up."""

    name: Name


class ClusterState(Fact):
    """Which instance takes writes; empty: none that can be reached does."""

    exists: bool
    primary: str | None = None


class ClusterFacts(Fact):
    """How a cluster does."""

    lag_s: float
    """The largest of the replicas that can be reached."""
    healthy: bool
    """Every configured instance answers, and exactly one takes writes."""


class Promotion(ClusterName):
    """Arguments of `promote`."""

    primary: Name


class SettingName(DatabaseName):
    """A setting of a database."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,63}$")]
