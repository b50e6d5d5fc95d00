"""Faults that a running service can be made to have. Each works through the seam where production has it, and stops."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from steersman.lab.kit.parts import Hook, Parts

CPU_DUTY = 0.35
"""Share of one core that a burn takes: enough to be seen, too little to starve a machine of two."""
LEAK_STEP_BYTES = 4_000_000
LEAK_LIMIT_BYTES = 160_000_000
CRASH_AFTER_S = 0.8
SLOW_COMMIT_S = 0.018
SLOW_MESSAGE_S = 0.2
LEAKED_FOR_S = 12.0

Fault = Callable[[Parts], Awaitable[None]]
"""Makes the service ill until it is cancelled, and leaves it well."""


async def cpu_burn(parts: Parts) -> None:
    """A thread computes; it shares the interpreter with the requests, which wait for it."""
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            began, used = time.monotonic(), time.thread_time()
            while time.monotonic() - began < 1.0 and not stop.is_set():
                if time.thread_time() - used < CPU_DUTY * (time.monotonic() - began):
                    sum(range(20_000))
                else:
                    stop.wait(0.01)

    thread = threading.Thread(target=burn, name="report-builder", daemon=True)
    thread.start()
    try:
        while True:
            parts.log.info("sales report: recomputing all baskets")
            await asyncio.sleep(5)
    finally:
        stop.set()


async def memory_leak(parts: Parts) -> None:
    """A cache without a bound; collecting garbage takes longer and longer."""
    held: list[bytearray] = []
    while True:
        await asyncio.sleep(0.25)
        if len(held) * LEAK_STEP_BYTES < LEAK_LIMIT_BYTES:
            block = bytearray(LEAK_STEP_BYTES)
            block[::4096] = b"x" * len(block[::4096])  # touched, or the kernel would not count it
            held.append(block)
            gc.collect()
        if len(held) % 10 == 0:
            size = len(held) * LEAK_STEP_BYTES // 1_000_000
            parts.log.warning("recommendation cache holds %d entries (%d MB), nothing evicted", len(held) * 500, size)


async def error_bug(parts: Parts) -> None:
    """A branch that nobody tested: every third request runs into it."""
    count = 0

    def trip(_: str) -> None:
        nonlocal count
        count += 1
        if count % 3 == 0:
            raise KeyError("campaign")

    await _while_on(parts.before_request, trip)


async def pool_exhaustion(parts: Parts) -> None:
    """Connections are taken and not given back until a reaper finds them."""
    for client in parts.calls.clients.values():
        client.kept_s = LEAKED_FOR_S
    try:
        await asyncio.Event().wait()
    finally:
        for client in parts.calls.clients.values():
            client.kept_s = 0.0


async def bad_config(parts: Parts) -> None:
    """Seconds were meant, milliseconds were written."""
    await _reconfigured(parts, dict.fromkeys(_timeouts(parts), 0.002))


async def retry_storm(parts: Parts) -> None:
    """Answers that took longer than a millisecond are thrown away and asked for again, without a pause."""
    await _reconfigured(parts, {"payments_patience_s": 0.001, "payments_attempts": 4.0})


async def crash_loop(parts: Parts) -> None:
    """The process ends itself shortly after each start."""
    await asyncio.sleep(CRASH_AFTER_S)
    parts.log.critical("fatal: signing key expired, cannot continue")
    parts.flush()
    os._exit(1)


async def slow_disk(parts: Parts) -> None:
    """Each commit waits for a worn disk."""
    for database in parts.databases:
        database.disk.extra_s = SLOW_COMMIT_S
    try:
        while True:
            parts.log.warning("commit took longer than %d ms", SLOW_COMMIT_S * 1_000)
            await asyncio.sleep(2)
    finally:
        for database in parts.databases:
            database.disk.extra_s = 0.0


async def queue_backlog(parts: Parts) -> None:
    """The consumer of the outbox takes longer than messages take to come."""
    for outbox in parts.outboxes:
        outbox.slow_s = SLOW_MESSAGE_S
    try:
        while True:
            await asyncio.sleep(2)
            for outbox in parts.outboxes:
                parts.log.warning("outbox %s: %d messages wait", outbox.name, outbox.depth)
    finally:
        for outbox in parts.outboxes:
            outbox.slow_s = 0.0


FAULTS: dict[str, Fault] = {
    "cpu_burn": cpu_burn,
    "memory_leak": memory_leak,
    "error_bug": error_bug,
    "pool_exhaustion": pool_exhaustion,
    "bad_config": bad_config,
    "retry_storm": retry_storm,
    "crash_loop": crash_loop,
    "slow_disk": slow_disk,
    "queue_backlog": queue_backlog,
}


@dataclass(slots=True)
class Illness:
    """Which faults a service has now."""

    parts: Parts
    group: asyncio.TaskGroup
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def switch(self, name: str, *, on: bool) -> None:
        """Begins or ends a fault; nothing happens when it is so already. Raises KeyError for an unknown one."""
        running = self._tasks.pop(name, None)
        if running is not None and not on:
            running.cancel()
        elif on:
            self._tasks[name] = running or self.group.create_task(self._suffer(name), name=f"fault {name}")
            self.parts.tasks.append(self._tasks[name])

    async def _suffer(self, name: str) -> None:
        await FAULTS[name](self.parts)


async def _while_on(place: list[Hook], thing: Hook) -> None:
    place.append(thing)
    try:
        await asyncio.Event().wait()
    finally:
        place.remove(thing)


def _timeouts(parts: Parts) -> list[str]:
    return [name for name in parts.config if name.endswith("_timeout_s")]


async def _reconfigured(parts: Parts, changes: dict[str, float]) -> None:
    before = dict(parts.config)
    parts.config.update(changes)
    shown = ", ".join(f"{name} {before.get(name, 1):g} -> {value:g}" for name, value in changes.items())
    parts.log.info("configuration reloaded: %s", shown)
    try:
        await asyncio.Event().wait()
    finally:
        parts.config.clear()
        parts.config.update(before)
        parts.log.info("configuration reloaded: as before")
