"""Who is let in: credentials are tried as their users would, and changed so that the server never sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from steersman.domain.errors import ConfigError, InputError, ToolError
from steersman.domain.reference import MissingSecretError, Reveal, place_of
from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres.server import Access, RefusedLoginError, command, rows
from steersman.toolsets.postgres.settings import Login

USER_FIELDS = ("username", "user")


@dataclass(frozen=True, slots=True)
class Logins:
    """The roles of one server."""

    access: Access
    reveal: Reveal | None
    """Opens references; None where no Vault is configured beside this server."""

    async def check(self, ask: facts.LoginCheck) -> facts.LoginResult:
        """Connects as a consumer would, and asks for nothing."""
        fields = await self._fields(ask.credential)
        user = next((fields[name] for name in USER_FIELDS if name in fields), "")
        if not user:
            raise ToolError(f"the secret behind {ask.credential!r} has neither of the fields {', '.join(USER_FIELDS)}")
        why = await self._refusal(Login(user=user, password=_password(fields, ask.credential)), ask.database)
        return facts.LoginResult(ok=not why, user=user, why=why)

    async def state(self, ask: facts.LoginName) -> facts.LoginState:
        """Whether the credential is the role's. One that is not made yet is nobody's."""
        return facts.LoginState(accepts=await self._accepts(ask.user, ask.credential) or False)

    async def set_password(self, ask: facts.NewPassword) -> facts.LoginState:
        """Gives a role the password behind a reference, as a SCRAM verifier. It is good already: nothing to do.

        Only where the former one is good still: what somebody else has set meanwhile is not overwritten.
        """
        now = facts.LoginName(user=ask.user, credential=ask.credential)
        if (await self.state(now)).accepts:
            return facts.LoginState(accepts=True)
        if await self._accepts(ask.user, ask.former) is False:
            raise ToolError(
                f"role {ask.user!r} lets neither the new nor the former credential in: somebody else has set another "
                "password; look at it and plan again"
            )
        if ask.user in {self.access.writer().user, self.access.server.reader.user}:
            raise ToolError(f"{ask.user!r} is the role that Steersman itself uses; its password is changed by hand")
        password = _password(await self._fields(ask.credential), ask.credential)
        async with self.access.changing() as connection:
            found = await rows(connection, "SELECT rolsuper AS super FROM pg_roles WHERE rolname = %s", (ask.user,))
            if not found or found[0]["super"]:
                raise ToolError(f"role {ask.user!r} is {'a superuser' if found else 'not there'}; it is left alone")
            verifier = connection.pgconn.encrypt_password(
                password.get_secret_value().encode(), ask.user.encode(), b"scram-sha-256"
            ).decode()
            await command(connection, "ALTER ROLE {} PASSWORD {verifier}", ask.user, verifier=verifier)
        return await self.state(now)

    async def _accepts(self, user: str, credential: str) -> bool | None:
        """Whether the role is let in with it; None where nothing lies behind the reference, or no longer."""
        try:
            fields = await self._fields(credential)
        except MissingSecretError:
            return None
        return not await self._refusal(Login(user=user, password=_password(fields, credential)), "")

    async def _refusal(self, login: Login, database: str) -> str:
        try:
            async with self.access.as_somebody(login, database) as connection:
                await rows(connection, "SELECT 1 AS one")
        except RefusedLoginError as e:
            return str(e)
        return ""

    async def _fields(self, credential: str) -> Mapping[str, str]:
        if self.reveal is None:
            raise ConfigError(
                "a credential is a reference into Vault, and this environment has none; configure `vault`"
            )
        return await self.reveal(place_of(credential))


def _password(fields: Mapping[str, str], credential: str) -> SecretStr:
    place = place_of(credential)
    found = fields.get(place.field or "password")
    if not found:
        raise InputError(f"the secret behind {credential!r} has no field 'password'; name one, as in vault:PATH#FIELD")
    return SecretStr(found)
