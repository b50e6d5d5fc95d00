"""The controller's side of the zygote: starts processes, ends them, and hears of their end."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steersman.domain.fact import Fact

START_S = 20.0


@dataclass(slots=True)
class Child:
    """A process of the lab."""

    pid: int
    ended: asyncio.Future[int]
    """Its exit code, once it has ended; negative for a signal."""

    @property
    def alive(self) -> bool:
        """Whether nobody has told of its end."""
        return not self.ended.done()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal, unless it has ended: then its number may be another's."""
        if self.alive:
            os.kill(self.pid, number)

    async def stop(self, patience_s: float = 4.0) -> None:
        """Asks it to end, and after `patience_s` ends it."""
        self.kill(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.shield(self.ended), patience_s)
        except TimeoutError:
            self.kill()
            await self.ended


@dataclass(slots=True)
class Processes:
    """All processes that came from one zygote."""

    control: socket.socket
    children: dict[int, Child] = field(default_factory=dict)
    _waiting: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    _numbers: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)
    _buffer: bytearray = field(default_factory=bytearray)
    _early: dict[int, int] = field(default_factory=dict)

    def attach(self) -> None:
        """Hears of starts and ends from now on, in the running loop."""
        asyncio.get_running_loop().add_reader(self.control, self._hear)

    async def spawn(self, role: str, spec: Fact, *, log: Path, sockets: Sequence[socket.socket] = ()) -> Child:
        """Starts a process; its sockets are its own from then on."""
        number = self._numbers()
        order: dict[str, Any] = {"id": number, "role": role, "spec": spec.model_dump(mode="json"), "log": str(log)}
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        socket.send_fds(self.control, [json.dumps(order).encode() + b"\n"], [made.fileno() for made in sockets])
        for made in sockets:
            made.close()
        pid = await asyncio.wait_for(answer, START_S)
        return self.children[pid]

    async def close(self, patience_s: float = 4.0) -> None:
        """Ends all of them."""
        async with asyncio.TaskGroup() as group:
            for child in list(self.children.values()):
                group.create_task(child.stop(patience_s))
        asyncio.get_running_loop().remove_reader(self.control)
        self.control.close()

    def _hear(self) -> None:
        data = self.control.recv(65_536)
        if not data:  # the zygote died: the kernel has ended its children with it
            asyncio.get_running_loop().remove_reader(self.control)
            for child in list(self.children.values()):
                self._end(child.pid, -signal.SIGKILL)
            return
        self._buffer += data
        while (cut := self._buffer.find(b"\n")) >= 0:
            self._heard(json.loads(self._buffer[:cut]))
            del self._buffer[: cut + 1]

    def _heard(self, message: dict[str, Any]) -> None:
        match message:
            case {"id": int(number), "pid": int(pid)}:
                self.children[pid] = Child(pid, asyncio.get_running_loop().create_future())
                self._waiting.pop(number).set_result(pid)
                if pid in self._early:
                    self._end(pid, self._early.pop(pid))
            case {"pid": int(pid), "code": int(code)}:
                self._end(pid, code)

    def _end(self, pid: int, code: int) -> None:
        child = self.children.pop(pid, None)
        if child is None:
            self._early[pid] = code
        elif not child.ended.done():
            child.ended.set_result(code)


def listen() -> tuple[socket.socket, int]:
    """A listening socket on a free port of the loopback, and the port."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    made.listen(512)
    return made, int(made.getsockname()[1])
