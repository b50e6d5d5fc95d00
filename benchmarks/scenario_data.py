"""Grounds on a real PostgreSQL and a real OpenBao: `backup-postgres-before-migration` and `rotate-secrets-vault`."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import psycopg
from tests.integration.data.servers import (
    READER,
    WRITER,
    Bao,
    Postgres,
    bao_server,
    database_engine,
    postgres_server,
)

from scenario_cluster import DEPLOYMENT, SHOP, Served, cluster_served, made, requests_of, workload
from scenario_frame import Ground, Kill, Ledger, Shell, Telemetry, must
from steersman.testing.tripwire import Tripwire

OLD = "old-password-of-the-app-1c5e"
ROWS = 2_000
BACKUP_TIMEOUT_S = 25.0
CHANGED = "SELECT data FROM pg_logical_slot_peek_changes('ledger', NULL, NULL) WHERE data LIKE 'table public.%'"
LOGGED = "SELECT pg_read_file(current_setting('data_directory') || '/../log')"


@dataclass
class OnPostgres(Ground):
    """A ground with a PostgreSQL server, whose own write-ahead log says what was committed."""

    server: Postgres = field(init=False)
    to_server: Tripwire = field(init=False)

    @contextmanager
    def up(self) -> Iterator[Self]:
        """With everything it needs."""
        with ExitStack() as stack:
            self.server = stack.enter_context(postgres_server())
            self.to_server = stack.enter_context(Tripwire(self.server.port))
            self.server.run("ALTER SYSTEM SET log_statement = 'ddl'")
            self.server.run("SELECT pg_reload_conf()")
            self.prepare(stack)
            yield self

    def prepare(self, stack: ExitStack) -> None:
        """What more it needs."""

    def postgres(self, writer: str) -> dict[str, Any]:
        """The server as an environment names it."""
        self.more["PG_READER"], self.more["PG_WRITER"] = READER, WRITER
        return {
            "host": "127.0.0.1",
            "port": self.to_server.port,
            "reader": {"user": "reader", "password": "env:PG_READER"},
            "writer": {"user": "writer", "password": writer},
            "migrations": str(self.home / "migrations"),
        }


class Backup(OnPostgres):
    """A backup that is proved by a restore, then a reviewed migration."""

    scenario = "backup-postgres-before-migration"
    variants: ClassVar = {"backup-only": {"revision": "", "digest": "", "backup": "alone"}, "reviewed-files": {}}
    deny = "postgres.migrate"
    kills = (
        Kill("dump", "to_server", rb"COPY public\.orders", points=("before", "applied")),
        Kill("restore", "to_server", rb"CREATE DATABASE"),
        Kill("migrate", "to_server", rb"COMMIT", after=rb"INSERT INTO public\.steersman_migrations"),
    )

    def prepare(self, stack: ExitStack) -> None:
        """A table with rows, a migration, and a slot that tells all that is committed from now on."""
        self.server.run("CREATE TABLE orders (id int PRIMARY KEY, note text)", "shop")
        self.server.run(f"INSERT INTO orders SELECT n, 'note ' || n FROM generate_series(1, {ROWS}) n", "shop")
        self.server.run("ALTER TABLE orders OWNER TO writer", "shop")
        self.server.run("SELECT pg_create_logical_replication_slot('ledger', 'test_decoding')", "shop")
        (self.home / "migrations").mkdir()
        up = "CREATE TABLE notes (id int PRIMARY KEY);\nINSERT INTO notes VALUES (1);\n"
        (self.home / "migrations" / "0001_notes.up.sql").write_text(up)
        (self.home / "migrations" / "0001_notes.down.sql").write_text("DROP TABLE notes")
        self._held = stack.enter_context(ExitStack())

    def systems(self) -> dict[str, Any]:
        """The server."""
        return {"postgres": self.postgres("env:PG_WRITER")}

    def parameters(self) -> dict[str, str]:
        """The migration that was reviewed."""
        words = json.dumps({"database": "shop", "revision": "0001_notes"})
        said = Shell(self)("tools", "call", "postgres.describe_migration", "--args", words, "-o", "json")[0]
        found = json.loads(said)
        digest = found.get("output", found)["digest"]
        return {"database": "shop", "revision": "0001_notes", "digest": digest}

    def state(self) -> Any:
        """Revision, tables, rows, and databases."""
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'steersman_migrations'"
        tables = sorted(name for (name,) in self.server.run(names, "shop"))
        databases = sorted(name for (name,) in self.server.run("SELECT datname FROM pg_database"))
        applied = []
        if self.server.run("SELECT to_regclass('public.steersman_migrations') IS NOT NULL", "shop")[0][0]:
            applied = self.server.run("SELECT revision FROM public.steersman_migrations", "shop")
        rows = self.server.run("SELECT count(*), max(note) FROM orders", "shop")
        return {"tables": tables, "applied": applied, "rows": rows, "databases": databases}

    def ledger(self) -> Ledger:
        """Rows that were committed, by table and verb, and backups that are there."""
        lines = [str(data).split(": ", 2)[:2] for (data,) in self.server.run(CHANGED, "shop")]
        folder = self.home / "state" / "backups" / "shop"
        kept = {f"backup {path.parent.name}": 1 for path in folder.glob("*/manifest.json")}
        return Counter(f"{verb} {table.rpartition('.')[2]}" for table, verb in lines) + Counter(kept)

    def spoil(self) -> None:
        """Somebody waits for a lock behind somebody else: the migration is held to be the cause."""
        address = f"{self.server.url}/shop"
        holder = self._held.enter_context(contextlib.closing(psycopg.connect(address)))
        waiter = self._held.enter_context(contextlib.closing(psycopg.connect(address, autocommit=True)))
        holder.execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        waiter.pgconn.send_query(b"BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE")

    def edit(self) -> None:
        """Somebody migrates by hand."""
        self.server.run("CREATE TABLE notes (id int PRIMARY KEY, theirs text)", "shop")
        create = "CREATE TABLE public.steersman_migrations (revision text PRIMARY KEY, digest text NOT NULL)"
        self.server.run(f"{create}; GRANT SELECT ON public.steersman_migrations TO PUBLIC", "shop")
        self.server.run("INSERT INTO public.steersman_migrations VALUES ('0001_notes', 'by hand')", "shop")

    def check_good(self, ledger: Ledger) -> None:
        """One backup, one migration; nothing else is left."""
        state = self.state()
        must(state["tables"] == ["notes", "orders"] and state["applied"] == [("0001_notes",)], f"not there: {state}")
        must(state["databases"] == ["postgres", "shop", "template0", "template1"], f"left: {state['databases']}")
        once = {"backup before-migration": 1, "INSERT notes": 1, "INSERT steersman_migrations": 1}
        must(ledger == once, f"other writes: {dict(ledger)}")
        left = [path.name for path in (self.home / "state" / "backups" / "shop").glob(".making-*")]
        must(not left, f"left: {left}")

    def check_method(self, _: str) -> None:
        """The second one is the good path."""
        must(self.state()["applied"] == [("0001_notes",)], f"not there: {self.state()}")

    def shorten(self, plan: dict[str, Any]) -> None:
        """A backup is given the time of a small one."""
        super().shorten(plan)
        for step in plan["steps"]:
            if step["operation"] == "postgres.backup":
                step["timeout_s"] = BACKUP_TIMEOUT_S


@dataclass
class Rotation(OnPostgres):
    """A password that changes in the database and in Vault, and a workload that is restarted."""

    scenario: ClassVar = "rotate-secrets-vault"
    variants: ClassVar = {"login": {}, "lease": {"login": "", "role": "app", "rotation": "second"}}
    deny: ClassVar = "kubernetes.restart"
    kills: ClassVar = (
        Kill("set_password", "to_server", rb"ALTER ROLE"),
        Kill("publish", "to_bao", rb"POST /v1/secret/data/shop/db"),
        Kill("restart", "shop.wire", rb"PATCH /apis/apps/v1/[^ ]+/deployments/shop[? ]"),
    )
    spoiled: bool = False
    bao: Bao = field(init=False)
    to_bao: Tripwire = field(init=False)
    shop: Served = field(init=False)

    def prepare(self, stack: ExitStack) -> None:
        """A Vault with the secret, the role in the database, and a cluster with the workload."""
        (self.home / "bao").mkdir()
        self.bao = stack.enter_context(bao_server(self.home / "bao"))
        self.to_bao = stack.enter_context(Tripwire(int(self.bao.url.rpartition(":")[2])))
        database_engine(self.bao, self.server)
        self.server.run(f"CREATE ROLE app LOGIN PASSWORD '{OLD}'")
        self.server.run("GRANT app TO writer WITH ADMIN OPTION")
        self.bao.put("shop/db", username="app", password=OLD)
        self.bao.put("infra/postgres", writer=WRITER)
        self.more["BAO_TOKEN"] = self.bao.token
        objects = (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}},
            made("apps/v1", "Deployment", "shop", workload("shop")),
        )
        self.shop, self.config = stack.enter_context(cluster_served(self.home, *objects))
        self.prometheus = stack.enter_context(Telemetry(self.home, self.measure).serving())

    def measure(self) -> dict[str, float]:
        """Half of the requests fail, where it is spoiled, once the workload has the new secret."""
        bad = self.spoiled and bool(self._restarts())
        return requests_of("shop", 0.5 if bad else 0.005)

    def systems(self) -> dict[str, Any]:
        """All four."""
        return {
            "vault": {"url": self.to_bao.url, "auth": {"kind": "token", "token": "env:BAO_TOKEN"}},
            "postgres": self.postgres("vault:infra/postgres#writer"),
            "kubernetes": {"kubeconfig": str(self.config), "context": "double", "namespace": SHOP},
            "prometheus": {"url": self.prometheus, "signals": {"rate_window_s": 3.0}},
        }

    def parameters(self) -> dict[str, str]:
        """The password of a role, tried on the shop's database."""
        return {"service": "shop", "namespace": SHOP, "path": "shop/db", "login": "app", "database": "shop"}

    def state(self) -> Any:
        """The secret, whom the database lets in, what the workload was restarted for."""
        fields = self.bao.fields("shop/db")
        old = self._lets_in({"username": "app", "password": OLD})
        return {"secret": fields, "accepts": self._lets_in(fields), "old": old, "restarts": self._restarts()}

    def ledger(self) -> Ledger:
        """Versions in Vault, statements and roles in the database, writes in the cluster."""
        (log,) = self.server.run(LOGGED)[0]
        (leased,) = self.server.run("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%'")[0]
        versions = len(self.bao.ask("GET", "secret/metadata/shop/db")["data"]["versions"])
        counted = {"versions": versions, "ALTER ROLE": log.count("ALTER ROLE"), "leased roles": leased}
        return Counter(counted) + self.shop.ledger()

    def spoil(self) -> None:
        """The workload does not get on with the new secret."""
        self.spoiled = True

    def edit(self) -> None:
        """Somebody else sets another password."""
        self.bao.put("shop/db", username="app", password="set-by-somebody-else-77")  # of this ground

    def check_good(self, ledger: Ledger) -> None:
        """The new password is in force, the old one is not; each was done once."""
        state = self.state()
        must(state["accepts"] and not state["old"] and len(state["restarts"]) == 1, f"not there: {state['restarts']}")
        must(ledger == {"versions": 1, "ALTER ROLE": 1, "PATCH deployments/shop": 1}, f"other writes: {dict(ledger)}")

    def check_method(self, _: str) -> None:
        """The database engine made a user of its own."""
        fields = self.bao.fields("shop/db")
        must(str(fields["username"]).startswith("v-") and self._lets_in(fields), f"not there: {fields['username']}")

    def _restarts(self) -> dict[str, str]:
        template = self.shop.look(DEPLOYMENT, "shop")["spec"]["template"]
        return dict(template["metadata"].get("annotations") or {})

    def _lets_in(self, fields: dict[str, str]) -> bool:
        who = {"user": fields["username"], "password": fields["password"]}
        try:
            psycopg.connect(host="127.0.0.1", port=self.server.port, dbname="shop", **who).close()
        except psycopg.OperationalError:
            return False
        return True
