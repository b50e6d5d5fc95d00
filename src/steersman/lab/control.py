"""Labs from Python: up, down, status, faults, load. What `steer lab` does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.lab.options import Options
from steersman.lab.state import LabFolder, LabInfo, LabStatus, labs

RATE = 60.0
NAME = "shop"
UP_S = 30.0
DOWN_S = 8.0
POLL_S = 0.02
LOG_LINES = 8


class LabClient:
    """Speaks to the controller of one lab."""

    def __init__(self, info: LabInfo) -> None:
        self.info = info
        self._client = httpx.Client(
            base_url=info.url, headers={"authorization": f"Bearer {info.token}"}, timeout=60.0, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def ask(self, verb: str, arguments: Mapping[str, Any] | None = None) -> JsonObject:
        """The controller's answer. Raises ToolError when it refuses, UnavailableError when it is gone."""
        try:
            response = self._client.post(f"/v1/{verb}", json={"arguments": dict(arguments or {})})
        except httpx.TransportError as e:
            raise UnavailableError(f"the lab {self.info.name!r} does not answer; try `steer lab status`") from e
        document = response.json()
        if not response.is_success:
            raise ToolError(f"lab {self.info.name!r}, {verb}: {document.get('error', response.status_code)}")
        assert isinstance(document, dict)
        return document

    def status(self) -> JsonObject:
        """Everything about it: pools, weights, processes, faults, traffic."""
        return self.ask("status")

    def fault(self, service: str, kind: str, *, on: bool) -> JsonObject:
        """Switches a fault of the catalogue."""
        return self.ask("set_fault", {"service": service, "fault": kind, "on": on})

    def load(self, rate: float) -> JsonObject:
        """Sets the customers' requests per second."""
        return self.ask("set_load", {"rate": rate})

    def keep(self) -> None:
        """Lets the lab outlive the process that started it."""
        self.ask("keep")


@dataclass(slots=True)
class Started:
    """A lab that is up, and the process that owns it when it was started here."""

    info: LabInfo
    process: subprocess.Popen[bytes] | None
    """None: it was up already. Its standard input is the lab's lifeline, unless it is kept."""


def up(home: Path, name: str = NAME, *, rate: float = RATE, keep: bool = True, seed: int | None = None) -> Started:
    """Brings a lab up, or finds it up, and waits until it takes orders.

    keep: it outlives this process; otherwise it ends with it. Raises UnavailableError when it does not come up.
    """
    folder = LabFolder.of(home, name)
    folder.create()
    found = folder.status().info
    if found is not None:
        return Started(found, None)
    dice = int.from_bytes(os.urandom(4)) if seed is None else seed
    options = Options(home=home, name=name, rate=rate, seed=dice, keep=keep)
    folder.info_file.unlink(missing_ok=True)
    with folder.log_file.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "steersman.lab.labd", options.model_dump_json()],
            stdin=subprocess.DEVNULL if keep else subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Started(_wait_up(folder, process), process)


def down(home: Path, name: str = NAME) -> bool:
    """Takes a lab down, with all its processes. False when it was not up."""
    folder = LabFolder.of(home, name)
    if not folder.is_up():
        return False
    info = folder.read()
    if info is not None:
        try:
            with LabClient(info) as client:
                client.ask("shutdown")
        except UnavailableError:
            os.kill(info.pid, signal.SIGTERM)
        if _wait_down(folder):
            return True
        os.kill(info.pid, signal.SIGKILL)  # its children die with it
    if not _wait_down(folder):
        raise UnavailableError(f"the lab {name!r} does not end; see {folder.log_file}")
    return True


def status(home: Path, name: str | None = None) -> tuple[LabStatus, ...]:
    """One lab, or all that have a folder."""
    return labs(home) if name is None else (LabFolder.of(home, name).status(),)


def connect(home: Path, name: str = NAME) -> LabClient:
    """A client of a lab that is up. Raises UnavailableError when it is not."""
    info = LabFolder.of(home, name).status().info
    if info is None:
        raise UnavailableError(f"the lab {name!r} is not up; `steer lab up` brings it up")
    return LabClient(info)


def _wait_up(folder: LabFolder, process: subprocess.Popen[bytes]) -> LabInfo:
    end = time.monotonic() + UP_S
    while time.monotonic() < end:
        info = folder.read()
        if info is not None:
            return info
        if process.poll() is not None:
            break
        time.sleep(POLL_S)
    process.kill()
    process.wait()
    said = folder.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    raise UnavailableError(f"the lab did not come up; its controller said: {' | '.join(said)!r}")


def _wait_down(folder: LabFolder) -> bool:
    end = time.monotonic() + DOWN_S
    while folder.is_up():
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_S)
    return True
