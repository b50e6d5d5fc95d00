"""Exit codes of every command; `steer help exit-codes` prints them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can rely on."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WAITING = 3
    REFUSED = 4
    ROLLED_BACK = 5
    PARTIAL_UNDO = 6
    INCONCLUSIVE = 7
    INTERRUPTED = 130


MEANING: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "usage or bad input (an invalid plan too)",
    ExitCode.WAITING: "waiting for approval",
    ExitCode.REFUSED: "refused by policy (drift, a rejected or expired approval, a wrong environment too)",
    ExitCode.ROLLED_BACK: "rolled back",
    ExitCode.PARTIAL_UNDO: "part-way undo, needs a human",
    ExitCode.INCONCLUSIVE: "inconclusive, paused",
    ExitCode.INTERRUPTED: "interrupted",
}
