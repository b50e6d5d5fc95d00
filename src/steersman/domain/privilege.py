"""Privileges: what an operation needs to be allowed by the system that it acts on."""

from __future__ import annotations

from steersman.domain.fact import Fact


class Privilege(Fact):
    """One verb on one resource of a system that authorises by such; Kubernetes RBAC is the model."""

    group: str = ""
    resource: str
    """With its sub-resource: `pods/log`."""
    verb: str
    name: str = ""
    """One object only; empty means all."""
    everywhere: bool = False
    """Whether it is needed in the whole cluster, not in one namespace."""

    def __str__(self) -> str:
        where = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {where}" + (f" {self.name!r}" if self.name else "")
