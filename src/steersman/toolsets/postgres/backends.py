"""Single backends, named by pid and start: a pid alone may be somebody else's by the time that it is used."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres.looking import UTC
from steersman.toolsets.postgres.server import Access, rows

SAME = f"""pid = %s AND to_char(backend_start AT TIME ZONE 'UTC', '{UTC}') = %s
    AND backend_type = 'client backend'"""


@dataclass(frozen=True, slots=True)
class Backends:
    """The backends of one server."""

    access: Access

    async def state(self, ask: facts.BackendName) -> facts.Presence:
        """Whether it is still there."""
        async with self.access.looking() as connection:
            found = await rows(
                connection, f"SELECT 1 AS one FROM pg_stat_activity WHERE {SAME}", (ask.pid, ask.started)
            )
        return facts.Presence(exists=bool(found))

    async def terminate(self, ask: facts.BackendName) -> facts.Presence:
        """Ends it: its transaction is rolled back, its client has to connect again. Gone already: nothing to do."""
        async with self.access.changing() as connection:
            found = await rows(
                connection,
                f"SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity WHERE {SAME} "
                "AND pid <> pg_backend_pid()",
                (ask.pid, ask.started),
            )
        if found and not found[0]["ended"]:
            raise ToolError(f"backend {ask.pid} has not ended within 5 s; look at it again")
        return await self.state(ask)
