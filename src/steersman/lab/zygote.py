"""Forks the lab's processes out of one that has imported everything: a process is up in milliseconds, not in a second.

Speaks lines of JSON on a socket: `{"id", "role", "spec", "log"}` with listening sockets beside it is answered with
`{"id", "pid"}`, and an end is told as `{"pid", "code"}`. Single-threaded, so that forking is safe. Dies with its parent.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from steersman.lab.lifeline import die_with_parent, watch

Role = Callable[[dict[str, Any], list[socket.socket]], Coroutine[Any, Any, None]]
MESSAGE_BYTES = 1_048_576
MAX_SOCKETS = 8


def _roles() -> dict[str, Role]:
    from steersman.lab.roles import ROLES

    return ROLES


def main() -> None:
    """Runs on file descriptor argv[1]; argv[2] is the reading end of the lifeline."""
    control, life = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    die_with_parent(os.getppid())
    wake_read, wake_write = os.pipe()
    for end in (wake_read, wake_write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    roles = _roles()
    control.sendall(b'{"ready": true}\n')
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is control:
                    _fork_one(control, life, roles)
                else:
                    os.read(wake_read, 4096)
                    _reap(control)


def _fork_one(control: socket.socket, life: int, roles: dict[str, Role]) -> None:
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
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        asyncio.run(_live(role, order["spec"], [socket.socket(fileno=fd) for fd in fds], life))
        code = 0
    finally:
        sys.stderr.flush()
        if code:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        os._exit(code)


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


if __name__ == "__main__":
    main()
