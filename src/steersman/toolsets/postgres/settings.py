"""Where a server is, and as whom it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from steersman.domain.fact import Fact


class Login(Fact):
    """A role of the server."""

    user: str
    password: SecretStr | None = None


class Server(Fact):
    """Where it is, and the two roles: one that only reads, one for what a plan changes."""

    host: str
    port: int = Field(default=5432, ge=1, le=65_535)
    reader: Login
    writer: Login | None = None
    """None: nothing can be changed here."""
    restorer: Login | None = None
    """Who restores backups, where that takes more rights (extensions, for one); None: the writer."""
    maintenance: str = "postgres"
    """The database to be in when it is about no other."""
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    ca_file: Path | None = None
    connect_timeout_s: int = Field(default=5, ge=1, le=60)
    statement_timeout_s: float = Field(default=30.0, gt=0, le=3_600)
    lock_timeout_s: float = Field(default=5.0, gt=0, le=600)
