"""Load runs for other tools: files, and systems of the environment, which are written to through the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from steersman.cli.output import talk

if TYPE_CHECKING:
    from steersman.app.wiring import App
    from steersman.cli.benching import Asking
    from steersman.cli.render.bench_export import Told
    from steersman.domain.fact import JsonObject

PUSHES = {"pushgateway": "pushgateway.push_run", "remote_write": "remote_write.push_run"}


def parted(export: Sequence[str]) -> tuple[list[str], list[str]]:
    """(FORM=FILE ..., systems). Raises InputError for what is neither, before anything is run."""
    from steersman.cli.render.bench_export import form_of

    pushes = [wanted for wanted in export if wanted in PUSHES]
    files = [wanted for wanted in export if wanted not in PUSHES]
    for wanted in files:
        form_of(wanted, others=tuple(PUSHES))
    return files, pushes


def must_reach(app: App, pushes: Sequence[str]) -> None:
    """Raises InputError where the environment has no such system."""
    from steersman.domain.errors import InputError

    for wanted in pushes:
        if PUSHES[wanted] not in app.world.catalogue:
            what = f"{wanted}: {{url: ...}}"
            raise InputError(f"--export {wanted!r} wants one in the environment; add it, as in {what}, and say --env")


async def push(app: App, told: Sequence[Told], pushes: Sequence[str], asking: Asking) -> None:
    """Sends the figures of runs to the systems that are named, each as a change of its own."""
    from steersman.cli.benching import perform
    from steersman.domain.load_samples import load_samples

    for each in told:
        samples = load_samples(each.profile, each.result, each.verdict)
        arguments: JsonObject = {
            "run": each.result.name,
            "samples": [sample.model_dump(mode="json") for sample in samples],
        }
        for wanted in pushes:
            at: JsonObject = {"at_ms": round(each.result.finished_at.timestamp() * 1_000)}
            more = at if wanted == "remote_write" else {}
            await perform(app, PUSHES[wanted], {**arguments, **more}, replace(asking, call_id=""))
            talk(f"sent: {wanted}: {each.result.name}, {len(samples)} samples")
