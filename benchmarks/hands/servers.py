"""Real servers: OpenBao, PostgreSQL, Alertmanager, each up once for all of its scenes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from benchmarks.hands.proxy import http_write, proxied
from benchmarks.hands.scene import Edit, Line, Scene, System
from benchmarks.hands.web import edit
from pydantic import JsonValue
from tests.integration.data import servers
from tests.integration.data.test_postgres_conformance import TestPostgres
from tests.integration.data.test_vault_conformance import TestVault, vault
from tests.integration.toolsets.servers import running

from steersman.app.store import CLOCK
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.remote.endpoint import Endpoint, identity, open_client
from steersman.remote.exchange import Remote
from steersman.testing.toolset_conformance import Example
from steersman.toolsets.alertmanager import AlertmanagerClient, AlertmanagerToolset
from steersman.toolsets.postgres.toolset import PostgresToolset

STAGED = "_steersman-staged"


class Vault(System):
    """Secrets, versions, waiting content, leases."""

    name = "vault"
    stands_on = "OpenBao (real)"
    alone = True

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """OpenBao, with PostgreSQL behind its database engine."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            postgres = stack.enter_context(servers.postgres_server())
            self.suite = TestVault()
            self.suite.bao = stack.enter_context(servers.bao_server(folder))
            servers.database_engine(self.suite.bao, postgres)
            yield

    def missing(self) -> str:
        """Its engine makes users of PostgreSQL."""
        return "" if servers.CAN_POSTGRES else servers.WHY_NOT

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """The paths of the conformance suite, as it begins."""
        bao, line = self.suite.bao, Line()
        port = int(bao.url.rpartition(":")[2])

        async def truth() -> JsonValue:
            return {path: held(bao, path) for path in paths(bao)}

        async with self.suite.opened() as reset:
            token = reset.session.auth.token.get_secret_value()
            async with proxied(port, http_write, line) as way, vault(f"http://127.0.0.1:{way}", token) as toolset:
                examples = self.suite.examples
                yield Scene(toolset, truth, partial(rotated, bao), partial(aside, bao), line, examples=examples)


def paths(bao: servers.Bao, folder: str = "") -> list[str]:
    """Every secret, waiting ones too."""
    answer = httpx.request(
        "LIST", f"{bao.url}/v1/secret/metadata/{folder}", headers={"X-Vault-Token": bao.token}, trust_env=False
    )
    names = answer.json()["data"]["keys"] if answer.is_success else []
    below = [path for name in names if name.endswith("/") for path in paths(bao, folder + name)]
    return [*below, *(folder + name for name in names if not name.endswith("/"))]


def held(bao: servers.Bao, path: str) -> JsonValue:
    """What is in force, and which of the first versions can be read: later ones come with every undo."""
    versions = bao.ask("GET", f"secret/metadata/{path}")["data"]["versions"]
    readable = {number: not each["deletion_time"] and not each["destroyed"] for number, each in versions.items()}
    if not versions:  # room was made for a secret, and none was put there
        return None
    current = max(map(int, versions))
    content = bao.fields(path) if readable[str(current)] else None
    return {"content": content, "readable": {number: readable[number] for number in ("1", "2") if number in readable}}


def rotated(bao: servers.Bao, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """Somebody else's secret, version, or end of one."""
    thing = operation.resource.split("/")[1]
    path = str(arguments.get("path", ""))
    if "versions" in operation.resource:
        whole = {"versions": [arguments["version"]]}
        there = held(bao, path)["readable"].get(str(arguments["version"]))
        way = "delete" if there else "undelete"
        return [edit(way, partial(bao.ask, "POST", f"secret/{way}/{path}", **whole))]
    if thing == "staged":
        waiting = f"{STAGED}/{path}/{arguments['name']}"
        gone = edit("discard", bao.ask, "DELETE", f"secret/metadata/{waiting}")
        return [gone] if waiting in paths(bao) else [edit("make", partial(bao.put, waiting, password="theirs"))]
    if thing == "secret":
        found = [edit("write", partial(bao.put, path, user="theirs", password="theirs"))]
        return [*found, edit("delete", bao.ask, "DELETE", f"secret/metadata/{path}")] if path in paths(bao) else found
    if thing == "lease":
        return [edit("revoke", partial(bao.ask, "POST", "sys/leases/revoke", lease_id=arguments["lease"]))]
    if thing == "key":
        return [edit("rotate", bao.ask, "POST", f"transit/keys/{arguments['key']}/rotate")]
    return []


def aside(bao: servers.Bao, _: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """Other secrets, notes on this one, reads."""
    found = [edit("another secret", partial(bao.put, "conf/theirs", password="x"))]
    path = str(arguments.get("path", ""))
    if path in paths(bao):
        notes = {"custom_metadata": {"owner": "theirs"}}
        found.append(edit("note", partial(bao.ask, "POST", f"secret/metadata/{path}", **notes)))
    return found


STATEMENTS = (b"CREATE INDEX", b"DROP INDEX", b"ALTER ROLE", b"COMMIT", b"pg_terminate_backend", b"CREATE DATABASE")


def sql_write(data: bytes) -> str:
    """The statement that changes something, of what a client sent."""
    return next((each.decode() for each in STATEMENTS if each in data), "")


class Postgres(System):
    """Indexes, migrations, passwords, restored databases."""

    name = "postgres"
    stands_on = "PostgreSQL of Debian (real)"
    alone = True

    def missing(self) -> str:
        """Whether the program is there."""
        return "" if servers.CAN_POSTGRES else servers.WHY_NOT

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """A cluster of its own."""
        with servers.postgres_server() as server, tempfile.TemporaryDirectory() as folder:
            self.suite = TestPostgres()
            self.suite.begin(server, Path(folder))
            yield
            self.suite.end()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """The shop as the conformance suite begins."""
        run, line = self.suite.server.run, Line()
        while self.suite.idle:  # backends that examples of former scenes were about
            self.suite.idle.pop().close()

        async def truth() -> JsonValue:
            return schema(self.suite.server)

        async with self.suite.opened() as fresh, proxied(self.suite.server.port, sql_write, line) as port:
            server = fresh.server.model_copy(update={"port": port})
            toolset = PostgresToolset(server, fresh.places, fresh.where, CLOCK, fresh.reveal)
            yield Scene(toolset, truth, partial(altered, run), partial(busy, run), line, examples=self.suite.examples)


def schema(server: servers.Postgres) -> JsonValue:
    """Tables, columns, indexes, rows, databases, and how the application's password hashes."""
    columns = server.run(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name NOT LIKE 'pg_stat%' AND table_name <> 'steersman_migrations' ORDER BY 1, 2",
        "shop",
    )
    indexes = server.run("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
                         "AND tablename <> 'steersman_migrations' ORDER BY 1", "shop")  # fmt: skip
    names = server.run("SELECT datname FROM pg_database ORDER BY 1")
    rows = server.run("SELECT count(*), sum(hashtext(orders::text)) FROM orders", "shop")
    login = logs_in(server)
    return json.loads(json.dumps({"columns": columns, "indexes": indexes, "names": names, "rows": rows, "in": login}))


def logs_in(server: servers.Postgres) -> list[str]:
    """Which passwords the application can log in with: a stored hash has another salt each time."""
    import psycopg
    from tests.integration.data.test_postgres_conformance import PASSWORDS

    found = []
    for name, password in PASSWORDS.items():
        try:
            psycopg.connect(host="127.0.0.1", port=server.port, user="app", password=password, dbname="shop").close()
        except psycopg.OperationalError:
            continue
        found.append(name)
    return found


def altered(run: Any, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """Another administrator at work."""
    match operation.name.partition(".")[2]:
        case "create_index" | "drop_index":
            name = arguments["name"]
            there = run(f"SELECT 1 FROM pg_indexes WHERE indexname = '{name}'", "shop")
            made = edit("index", run, f"CREATE INDEX {name} ON orders (note)", "shop")
            return [edit("drop", run, f"DROP INDEX {name}", "shop")] if there else [made]
        case "set_password":
            return [edit("password", run, "ALTER ROLE app PASSWORD 'theirs-9'")]
        case "restore_copy" | "drop_restored":
            there = run("SELECT 1 FROM pg_database WHERE datname = 'copy'")
            return [edit("database", run, "DROP DATABASE copy" if there else "CREATE DATABASE copy")]
        case _:
            return []


THEIRS = "CREATE TABLE IF NOT EXISTS theirs (id int); ALTER TABLE theirs OWNER TO writer"


def busy(run: Any, _: Operation, __: JsonObject) -> Sequence[Edit]:
    """What an application does all day."""
    return [
        edit("rows", run, "UPDATE orders SET note = note || '.' WHERE id < 5", "shop"),
        edit("analyze", run, "ANALYZE orders", "shop"),
        edit("another table", run, THEIRS, "shop"),
    ]


class Alertmanager(System):
    """Silences."""

    name = "alertmanager"
    stands_on = "Alertmanager of Debian (real)"
    alone = True

    def missing(self) -> str:
        """Whether the program is there."""
        there = shutil.which("prometheus-alertmanager")
        return "" if there else "apt-get install --no-install-recommends prometheus-alertmanager"

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """A server of its own."""
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "alertmanager.yml"
            config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
            port = servers.free_port()
            self.port, self.url = port, f"http://127.0.0.1:{port}"
            flags = [f"--config.file={config}", f"--storage.path={folder}/alerts", "--cluster.listen-address="]
            command = ["prometheus-alertmanager", *flags, f"--web.listen-address=127.0.0.1:{port}"]
            async with running(command, self.url, Path(folder) / "log"):
                yield

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """No silence is left."""
        line = Line()
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            for each in await self._live(http):
                await http.delete(f"/api/v2/silence/{each['id']}")

            async def truth() -> JsonValue:
                live = await self._live(http)
                return sorted(
                    [each["comment"], each["endsAt"], sorted(map(json.dumps, each["matchers"]))] for each in live
                )

            async with proxied(self.port, http_write, line) as way:
                endpoint = Endpoint(url=f"http://127.0.0.1:{way}")
                async with open_client(endpoint) as client:
                    remote = Remote.at("alertmanager", client, endpoint)
                    where = identity("alertmanager", "real", "lab", endpoint=Endpoint(url=self.url))
                    toolset = AlertmanagerToolset(AlertmanagerClient(remote), where, CLOCK)
                    others, noise = partial(self._silenced, http), partial(self._others, http)
                    yield Scene(toolset, truth, others, noise, line, examples=silences())

    async def _live(self, http: httpx.AsyncClient) -> list[Any]:
        found = (await http.get("/api/v2/silences")).json()
        return [each for each in found if each["status"]["state"] != "expired"]

    def _silenced(self, http: httpx.AsyncClient, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
        name = str(arguments["name"])

        async def make() -> None:
            await self._post(http, f"theirs [steersman:{name}]", "steersman")

        async def end() -> None:
            for each in await self._live(http):
                await http.delete(f"/api/v2/silence/{each['id']}")

        return [Edit("make", make)] if operation.name.endswith("create_silence") else [Edit("expire", end)]

    def _others(self, http: httpx.AsyncClient, _: Operation, __: JsonObject) -> Sequence[Edit]:
        return [Edit("another silence", partial(self._post, http, "theirs", "ann"))]

    async def _post(self, http: httpx.AsyncClient, comment: str, author: str) -> None:
        now = datetime.now(UTC)
        matchers = [{"name": "alertname", "value": "Theirs", "isRegex": False, "isEqual": True}]
        ends = (now + timedelta(hours=1)).isoformat()
        body = {"matchers": matchers, "startsAt": now.isoformat(), "endsAt": ends, "createdBy": author}
        (await http.post("/api/v2/silences", json={**body, "comment": comment})).raise_for_status()


def silences() -> Sequence[Example]:
    """For a night that is still to come."""
    ends = f"{(datetime.now(UTC) + timedelta(days=1)):%Y-%m-%dT%H:%M:%SZ}"
    matchers: JsonObject = {"alertname": {"op": "=", "value": "HighLatency"}}
    night: JsonObject = {"name": "night", "matchers": matchers, "ends_at": ends, "comment": "deployment"}
    made = (("alertmanager.create_silence", night),)
    return (
        Example("alertmanager.create_silence", night),
        Example("alertmanager.expire_silence", {"name": "night"}, before=made),
    )
