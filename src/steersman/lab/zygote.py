"""Forks the lab's processes out of one that has imported everything: a process is up in milliseconds, not in a second.

Speaks lines of JSON on a socket: `{"id", "role", "spec", "log"}` with listening sockets beside it is answered with
`{"id", "pid"}`, and an end is told as `{"pid", "code"}`. Single-threaded, so that forking is safe. Dies with its
parent.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steersman.lab.lifeline import die_with_parent, watch

Role = Callable[[dict[str, Any], list[socket.socket]], Coroutine[Any, Any, None]]
MESSAGE_BYTES = 1_048_576
MAX_SOCKETS = 8


@dataclass(frozen=True, slots=True)
class Zygote:
    """The parent's ends."""

    control: socket.socket
    lifeline: int
    """Writing end of a pipe: everything that came from the zygote ends when it is closed."""


def fork(roles: Mapping[str, Role], *, log: Path, close: Sequence[int] = ()) -> Zygote:
    """Makes the zygote out of this process, which must have no thread and no event loop yet.

    close: descriptors that it and its children must not hold.
    """
    ours, theirs = socket.socketpair()
    life_read, life_write = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        for fd in (ours.fileno(), life_write, *close):
            os.close(fd)
        _redirect(log)
        try:
            _serve(theirs, life_read, roles, parent=parent)
        finally:
            _report()
            os._exit(1)
    theirs.close()
    os.close(life_read)
    ours.settimeout(0)
    return Zygote(ours, life_write)


def _serve(control: socket.socket, life: int, roles: Mapping[str, Role], *, parent: int) -> None:
    die_with_parent(parent)
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.settimeout(0)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is control:
                    _fork_one(control, life, roles)
                else:
                    woken.recv(4_096)
                    _reap(control)


def _redirect(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def _fork_one(control: socket.socket, life: int, roles: Mapping[str, Role]) -> None:
    data, fds, _, _ = socket.recv_fds(control, MESSAGE_BYTES, MAX_SOCKETS)
    if not data:
        os._exit(0)  # the controller is gone; the children see their lifeline end
    while not data.endswith(b"\n"):
        data += control.recv(MESSAGE_BYTES)
    order = json.loads(data)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        control.close()
        _be(order, fds, life, parent=parent, role=roles[order["role"]])
    for fd in fds:
        os.close(fd)
    control.sendall(json.dumps({"id": order["id"], "pid": pid}).encode() + b"\n")


def _be(order: dict[str, Any], fds: list[int], life: int, *, parent: int, role: Role) -> None:
    """Becomes the ordered process and never returns."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    die_with_parent(parent)
    _redirect(Path(order["log"]))
    code = 1
    try:
        asyncio.run(_live(role, order["spec"], [socket.socket(fileno=fd) for fd in fds], life))
        code = 0
    finally:
        sys.stderr.flush()
        if code:
            _report()
        os._exit(code)


def _report() -> None:
    """The exception that ends this process, where `logging` may not reach any more."""
    traceback.print_exc()
    sys.stderr.flush()


async def _live(role: Role, spec: dict[str, Any], sockets: list[socket.socket], life: int) -> None:
    watch(life, lambda: os._exit(0))
    await role(spec, sockets)


def _reap(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        control.sendall(json.dumps({"pid": pid, "code": os.waitstatus_to_exitcode(status)}).encode() + b"\n")
