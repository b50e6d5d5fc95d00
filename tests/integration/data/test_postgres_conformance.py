"""The conformance suite on a real PostgreSQL server."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from tests.integration.data.servers import READER, WRITER, Postgres, free_port

from steersman.app.store import CLOCK
from steersman.domain.environment import Environment
from steersman.domain.ports import Toolset
from steersman.domain.reference import SecretPlace
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.postgres.migrations import Change, Way
from steersman.toolsets.postgres.settings import Login, Server
from steersman.toolsets.postgres.toolset import Places, PostgresToolset

SHOP = {"database": "shop"}
PASSWORDS = {"old": "old-app-pw-77c1", "new": "new-app-pw-0d2e"}
UP = "CREATE TABLE notes (id int PRIMARY KEY, text text NOT NULL DEFAULT '')"
STARTED = """SELECT pg_backend_pid(), (SELECT to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    FROM pg_stat_activity WHERE pid = pg_backend_pid())"""


async def reveal(place: SecretPlace) -> Mapping[str, str]:
    return {"username": "app", "password": PASSWORDS[place.path.rpartition("/")[2]]}


def postgres_toolset(port: int, folder: Path, **more: object) -> PostgresToolset:
    server = Server(
        host="127.0.0.1",
        port=port,
        reader=Login(user="reader", password=SecretStr(READER)),
        writer=Login(user="writer", password=SecretStr(WRITER)),
    )
    places = Places(folder / "archives", folder / "migrations", cluster="shop", instances={"main": ("127.0.0.1", port)})
    where = Environment(kind="postgres", name="test", uid="", url=f"127.0.0.1:{port}", tier="lab")
    return PostgresToolset(server, places, where, CLOCK, reveal=reveal, **more)  # type: ignore[arg-type]


class TestPostgres(ToolsetConformance):
    server: Postgres
    folder: Path
    idle: list[psycopg.Connection]
    round: int

    @pytest.fixture(autouse=True)
    def _server(self, postgres: Postgres, tmp_path: Path):
        self.begin(postgres, tmp_path)
        yield
        self.end()

    def begin(self, postgres: Postgres, folder: Path) -> None:
        self.server, self.folder, self.idle, self.round = postgres, folder, [], 0
        (folder / "migrations").mkdir()
        (folder / "migrations" / "0001_notes.up.sql").write_text(UP)
        (folder / "migrations" / "0001_notes.down.sql").write_text("DROP TABLE notes")
        (folder / "migrations" / "0002_drop.up.sql").write_text("ALTER TABLE notes DROP COLUMN text")
        if not postgres.run("SELECT 1 FROM pg_roles WHERE rolname = 'app'"):
            postgres.run("CREATE ROLE app LOGIN")
            postgres.run("GRANT app TO writer WITH ADMIN OPTION")

    def end(self) -> None:
        for connection in self.idle:
            connection.close()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        self.round += 1
        run = self.server.run
        run("DROP TABLE IF EXISTS notes, steersman_migrations, orders", "shop")
        run("CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, note text)", "shop")
        run("INSERT INTO orders SELECT n, n % 7, 'note ' || n FROM generate_series(1, 500) n", "shop")
        run("ALTER TABLE orders OWNER TO writer", "shop")
        run("DROP DATABASE IF EXISTS copy")
        run(f"ALTER ROLE app PASSWORD '{PASSWORDS['old']}'")
        yield self._toolset()

    def _toolset(self) -> PostgresToolset:
        archives = self.folder / f"round-{self.round}"
        made = postgres_toolset(self.server.port, self.folder)
        places = Places(archives, made.places.migrations, cluster="shop", instances=made.places.instances)
        return PostgresToolset(made.server, places, made.where, CLOCK, reveal)

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[Toolset]:
        yield postgres_toolset(free_port(), self.folder)

    @property
    def examples(self) -> Sequence[Example]:
        first = Change("0001_notes", UP, "DROP TABLE notes")
        last = Change("0002_drop", "ALTER TABLE notes DROP COLUMN text", None)
        up = {**SHOP, "revision": "0001_notes", "digest": Way("base", (first,), down=False).digest}
        index = {**SHOP, "name": "orders_by_customer", "table": "orders", "columns": "customer,id"}
        backup = {**SHOP, "name": "before", "kept_days": 7}
        restore = {**SHOP, "name": "before", "into": "copy"}
        backend = psycopg.connect(
            host="127.0.0.1", port=self.server.port, user="reader", password=READER, dbname="shop"
        )
        self.idle.append(backend)
        pid, started = backend.execute(STARTED).fetchone()
        backend.commit()
        refs = {"credential": "vault:shop/new", "former": "vault:shop/old"}
        return (
            Example("postgres.backup", backup),
            Example("postgres.restore_copy", restore, before=(("postgres.backup", backup),)),
            Example(
                "postgres.drop_restored",
                {"into": "copy"},
                before=(("postgres.backup", backup), ("postgres.restore_copy", restore)),
            ),
            Example("postgres.migrate", up),
            Example(
                "postgres.migrate_forward",
                {**SHOP, "revision": "0002_drop", "digest": Way("0001_notes", (last,), down=False).digest},
                before=(("postgres.migrate", up),),
            ),
            Example("postgres.create_index", index),
            Example(
                "postgres.drop_index",
                {**SHOP, "name": "orders_by_customer"},
                before=(("postgres.create_index", index),),
            ),
            Example("postgres.set_password", {"user": "app", **refs}),
            Example("postgres.terminate_backend", {"pid": pid, "started": started}),
            Example("postgres.promote", {"name": "shop", "primary": "main"}),
        )
