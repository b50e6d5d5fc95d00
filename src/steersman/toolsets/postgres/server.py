"""One PostgreSQL server: who looks, who changes, and every failure as a typed error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from steersman.domain.errors import OutcomeUnknownError, SteersmanError, ToolError, UnavailableError
from steersman.remote.text import one_line
from steersman.toolsets.postgres.settings import Login, Server

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]
NO_SUCH_DATABASE = "3D000"
BAD_CREDENTIALS = frozenset({"28000", "28P01"})


@dataclass(frozen=True, slots=True)
class Access:
    """Connections to a server."""

    server: Server

    @asynccontextmanager
    async def looking(self, database: str = "") -> AsyncIterator[Connection]:
        """As the reading role, in a session that cannot write and ends what takes too long."""
        limits = self._limits(read_only=True)
        async with self._connected(self.server.reader, database, limits) as connection:
            with translated(writes=False):
                yield connection

    @asynccontextmanager
    async def changing(self, database: str = "", *, patient: bool = False) -> AsyncIterator[Connection]:
        """As the writing role. A connection that is lost on the way leaves an unknown outcome.

        patient: statements may take as long as the call; waiting for a lock may not.
        """
        async with self._connected(self.writer(), database, self._limits(patient=patient)) as connection:
            with translated(writes=True):
                yield connection

    @asynccontextmanager
    async def as_somebody(self, login: Login, database: str = "") -> AsyncIterator[Connection]:
        """As a role whose credentials are to be tried. Raises ToolError when it is not let in."""
        async with self._connected(login, database, self._limits(read_only=True)) as connection:
            with translated(writes=False):
                yield connection

    def writer(self) -> Login:
        """The role for changes. Raises ToolError when configuration names none."""
        if self.server.writer is None:
            raise ToolError("this server is configured to be read only; set `postgres.writer` to change it")
        return self.server.writer

    def restorer(self) -> Login:
        """The role that restores backups."""
        return self.server.restorer or self.writer()

    @asynccontextmanager
    async def restoring(self, database: str = "") -> AsyncIterator[Connection]:
        """As the role that restores, with patience."""
        async with self._connected(self.restorer(), database, self._limits(patient=True)) as connection:
            with translated(writes=True):
                yield connection

    def at(self, host: str, port: int) -> Access:
        """The same roles on another instance."""
        return Access(self.server.model_copy(update={"host": host, "port": port}))

    @asynccontextmanager
    async def _connected(self, login: Login, database: str, options: str) -> AsyncIterator[Connection]:
        server = self.server
        try:
            connection = await psycopg.AsyncConnection.connect(
                host=server.host,
                port=server.port,
                user=login.user,
                password=login.password.get_secret_value() if login.password else None,
                dbname=database or server.maintenance,
                sslmode=server.sslmode,
                sslrootcert=str(server.ca_file) if server.ca_file else None,
                connect_timeout=server.connect_timeout_s,
                application_name="steersman",
                options=options,
                autocommit=True,
                row_factory=psycopg.rows.dict_row,
                passfile="/dev/null",  # nobody's own password file stands in for what is configured
            )
        except psycopg.Error as e:
            raise _not_connected(server, login, database, e) from None  # libpq may quote what it was given
        try:
            yield connection
        finally:
            await connection.close()

    def _limits(self, *, read_only: bool = False, patient: bool = False) -> str:
        server = self.server
        settings = {
            "statement_timeout": 0 if patient else int(server.statement_timeout_s * 1_000),
            "lock_timeout": int(server.lock_timeout_s * 1_000),
            "idle_in_transaction_session_timeout": 600_000,
            "default_transaction_read_only": "on" if read_only else "off",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())


async def rows(connection: Connection, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
    """The rows of one statement, by the extended protocol: a second statement in it is an error."""
    cursor = await connection.execute(statement.encode(), parameters, binary=True)
    return await cursor.fetchall()


async def row(connection: Connection, statement: str, parameters: Sequence[object] = ()) -> Row:
    """The only row."""
    found = await rows(connection, statement, parameters)
    if len(found) != 1:
        raise ToolError(f"the server answered {len(found)} rows where it has one; is it PostgreSQL 12 or later?")
    return found[0]


async def command(connection: Connection, text: str, *names: str, **literals: str) -> None:
    """A command that takes no parameters: `{}` are quoted names, `{key}` quoted literals."""
    filled = {key: sql.Literal(value) for key, value in literals.items()}
    composed = sql.SQL(text).format(*map(sql.Identifier, names), **filled)
    await connection.execute(composed)


class translated:  # noqa: N801 - reads as a word where it is used
    """Turns the driver's errors into ours. What the server says in detail is left out: rows and values stand there."""

    def __init__(self, *, writes: bool) -> None:
        self._writes = writes

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raises ToolError, UnavailableError or OutcomeUnknownError instead of a psycopg error."""
        if isinstance(error, psycopg.Error):
            raise _failure(error, writes=self._writes) from None


def _failure(error: psycopg.Error, *, writes: bool) -> SteersmanError:
    said = one_line(error.diag.message_primary or type(error).__name__)
    state = error.sqlstate or ""
    if state in ("57014", "55P03", "40P01", "40001"):
        return ToolError(f"PostgreSQL gave up ({state}): {said}; nothing was changed")
    if not state or state.startswith(("08", "57")):
        kind = OutcomeUnknownError if writes else UnavailableError
        return kind(f"the connection to PostgreSQL was lost: {said}")
    if state.startswith("53"):
        return UnavailableError(f"PostgreSQL is out of room ({state}): {said}")
    return ToolError(f"PostgreSQL refuses ({state}): {said}")


def _not_connected(server: Server, login: Login, database: str, error: psycopg.Error) -> SteersmanError:
    said, state = str(error), error.sqlstate or ""
    where = f"{server.host}:{server.port}"
    if "does not exist" in said and f'database "{database or server.maintenance}"' in said:
        return MissingDatabaseError(f"there is no database {database or server.maintenance!r} at {where}")
    if (
        state in BAD_CREDENTIALS
        or "authentication failed" in said
        or "no pg_hba.conf entry" in said
        or "permission denied for database" in said
    ):
        return RefusedLoginError(f"PostgreSQL at {where} does not let {login.user!r} in; look at its credentials")
    return UnavailableError(f"PostgreSQL at {where} cannot be reached as {login.user!r}; is it up, and TLS as set?")


class MissingDatabaseError(ToolError):
    """The database is not there."""


class RefusedLoginError(ToolError):
    """The server does not accept the credentials."""
