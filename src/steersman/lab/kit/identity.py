"""Who a process is, and what it is told at its start."""

from __future__ import annotations

from typing import Literal

from steersman.domain.fact import Fact

Service = Literal["front", "catalog", "checkout", "payments"]
Pool = Literal["blue", "green"]
SERVICES: tuple[Service, ...] = ("front", "catalog", "checkout", "payments")
POOLS: tuple[Pool, ...] = ("blue", "green")


class Identity(Fact):
    """Resource attributes of a process's telemetry."""

    service: str
    instance: str
    version: str = ""
    pool: str = ""


class Backend(Fact):
    """Where telemetry goes."""

    host: str = "127.0.0.1"
    port: int
    token: str


class ServiceSpec(Fact):
    """What a service's process is started with."""

    identity: Identity
    backend: Backend
    artifact: str
    """Path of the zip that holds its code."""
    data_folder: str
    routes: dict[str, int]
    """Port of each other service's proxy, and of `card-network`."""
    admin_token: str
    faults: tuple[str, ...] = ()
