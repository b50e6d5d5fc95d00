"""The conformance suite on a real OpenBao."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from tests.integration.data.servers import Bao, free_port

from steersman.app.store import CLOCK
from steersman.domain.environment import Environment
from steersman.domain.ports import Toolset
from steersman.remote.endpoint import Endpoint, open_client
from steersman.remote.exchange import Remote
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.vault import Session, TokenAuth, VaultToolset
from steersman.toolsets.vault.content import Content

KEY = b"k" * 32
FIRST, SECOND, WAITING = ({"user": "shop", "password": f"pw-{name}-4d7c"} for name in ("first", "second", "waiting"))
APP = {"path": "conf/db"}


def digest(fields: dict[str, str]) -> str:
    return Content({**fields}).digest(KEY)


@asynccontextmanager
async def vault(url: str, token: str) -> AsyncIterator[VaultToolset]:
    endpoint = Endpoint(url=url)
    async with open_client(endpoint) as client:
        session = Session(Remote.at("vault", client, endpoint), TokenAuth(token=SecretStr(token)), CLOCK)
        where = Environment(kind="vault", name="test", uid="", url=url, tier="lab")
        yield VaultToolset(session, where, KEY)


class TestVault(ToolsetConformance):
    bao: Bao

    @pytest.fixture(autouse=True)
    def _server(self, dynamic: Bao) -> None:
        self.bao = dynamic

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        bao = self.bao
        for path in ("conf/db", "conf/new", "_steersman-staged/conf/db/next", "_steersman-staged/conf/new/first"):
            bao.ask("DELETE", f"secret/metadata/{path}")
        bao.put("conf/db", **FIRST)
        bao.put("conf/db", **SECOND)
        bao.put("_steersman-staged/conf/db/next", **WAITING)
        bao.put("_steersman-staged/conf/new/first", **WAITING)
        token = bao.ask("POST", "auth/token/create", policies=["root"], ttl="1h", renewable=True)["auth"][
            "client_token"
        ]
        async with vault(bao.url, token) as toolset:
            yield toolset

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[Toolset]:
        async with vault(f"http://127.0.0.1:{free_port()}", "none") as toolset:
            yield toolset

    @property
    def examples(self) -> Sequence[Example]:
        one = {**APP, "version": 1}
        waiting = {"path": "conf/new", "name": "first", "digest": digest(WAITING)}
        key = f"orders-{free_port()}"
        self.bao.ask("POST", f"transit/keys/{key}")
        return (
            Example("vault.set_version", {**one, "digest": digest(FIRST)}),
            Example("vault.publish_staged", {**APP, "name": "next", "version": 3, "digest": digest(WAITING)}),
            Example("vault.create_secret", waiting),
            Example("vault.delete_secret", APP),
            Example("vault.delete_version", one),
            Example("vault.undelete_version", one, before=(("vault.delete_version", one),)),
            Example("vault.destroy_version", one),
            Example(
                "vault.stage_password",
                {**APP, "name": "made"},
                before=(("vault.discard_staged", {**APP, "name": "made"}),),
            ),
            Example(
                "vault.stage_credentials",
                {**APP, "name": "user", "role": "app"},
                before=(("vault.discard_staged", {**APP, "name": "user"}),),
            ),
            Example("vault.discard_staged", {**APP, "name": "next"}),
            Example("vault.renew_lease", {"lease": self._lease(), "increment_s": 60}),
            Example("vault.revoke_lease", {"lease": self._lease()}),
            Example("vault.renew_token", {"increment_s": 60}),
            Example("vault.rotate_key", {"key": key, "version": 2}),
        )

    def _lease(self) -> str:
        return str(self.bao.ask("GET", "database/creds/app")["lease_id"])
