"""Rollouts changed: by template and steps, which the controller then follows, never by its ReplicaSets."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from steersman.domain.errors import OutcomeUnknownError, ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Clock
from steersman.remote.kubernetes.api import Api, Document
from steersman.remote.kubernetes.changing import Edit, Writer, named
from steersman.remote.kubernetes.objects import container_path, spec
from steersman.remote.kubernetes.ownership import notes, refuse_foreign
from steersman.remote.kubernetes.resources import REPLICA_SETS, ROLLOUTS
from steersman.remote.kubernetes.watching import Place, Waiter
from steersman.toolsets.argo_rollouts import reading
from steersman.toolsets.argo_rollouts.reading import ALL, FORMER, MARK, STEPS, STRATEGY, Mark

MARGIN_S = 2.0
SEEN_S = 20.0
"""So long a controller that is up may take to see a change."""
HASH = "rollouts-pod-template-hash"


@dataclass(frozen=True, slots=True)
class Driver:
    """Drives the Rollouts of one cluster."""

    api: Api
    clock: Clock

    @property
    def writer(self) -> Writer:
        """Careful writes."""
        return Writer(self.api)

    async def set_image(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """A new version beside the stable one, with no traffic."""
        place, live = await self._present(arguments)
        mark, wanted = reading.mark_of(live), arguments["image"]
        if reading.image(live) == wanted and mark is not None and mark.weight == 0:
            return reading.rollout(live)
        self._refuse_under_way(place, live, mark)
        edits = [Edit((*container_path(live), "image"), wanted)]
        own = mark.steps if mark else reading.steps(live)
        if reading.strategy(live) == "canary":
            edits.append(Edit(STEPS, reading.held(live, 0), whole=True))
        else:
            self._refuse_self_promotion(place, live)
        edits.append(_marked(Mark(0, own)))
        return reading.rollout(await self.writer.change(place, live, edits, dry_run=context.dry_run))

    async def set_weight(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """A share of traffic; all of it makes the version the stable one, and gives the Rollout its own steps back."""
        place, live = await self._present(arguments)
        if reading.strategy(live) != "canary":
            raise ToolError(
                f"{named(place)} uses {reading.strategy(live)}, which has no weights: promote it, or choose canary"
            )
        weight = int(str(arguments["weight"]))
        if weight == ALL:
            return await self._finish(place, live, context)
        mark = reading.mark_of(live) or Mark(ALL, reading.steps(live))
        edits = [Edit(STEPS, reading.held(live, weight), whole=True), _marked(Mark(weight, mark.steps))]
        if context.dry_run:
            return reading.rollout(await self.writer.change(place, live, edits, dry_run=True))
        changed = await self.writer.pursue(place, live, edits)
        await self._until(place, lambda d: True if reading.progress(d) else None, context.deadline, most_s=SEEN_S)
        return reading.rollout(changed)

    async def promote(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """The version that the Rollout holds becomes the live one. Raises ToolError when it holds another."""
        place, live = await self._present(arguments)
        if reading.image(live) != arguments["live_image"]:
            raise ToolError(
                f"{named(place)} holds {reading.image(live)!r}, not {arguments['live_image']!r}: set it first"
            )
        if reading.is_aborted(live) and not reading.is_complete(live):
            raise ToolError(f"{named(place)} was aborted ({reading.said(live)}); retry it first (set_aborted)")
        await self._finish(place, live, context)
        return {"exists": True, "live_image": arguments["live_image"]}

    async def roll_back(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """A version at all of the traffic again: at once where it is still the stable one, past all steps otherwise."""
        place, live = await self._present(arguments)
        mark = reading.mark_of(live)
        edits = [Edit((*container_path(live), "image"), arguments["image"])]
        if mark is not None and reading.strategy(live) == "canary":
            edits.append(Edit(STEPS, mark.steps or None, whole=True))
        going_home = arguments["image"] == await self._live_image(live)
        edits.append(
            Edit(("metadata", "annotations", MARK), None) if going_home else _marked(Mark(0, (mark or Mark()).steps))
        )
        if not going_home and mark is None:
            edits[-1] = _marked(Mark(0, reading.steps(live)))
        if context.dry_run:
            return reading.rollout(await self.writer.change(place, live, edits, dry_run=True))
        return await self._finish(place, await self.writer.pursue(place, live, edits), context)

    async def set_strategy(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """From blueGreen to a canary without services of its own, and back to the blueGreen that it was."""
        place, live = await self._present(arguments)
        wanted = arguments["strategy"]
        if reading.strategy(live) == wanted:
            return reading.rollout(live)
        if wanted == "canary":
            former = json.dumps(spec(live).get("strategy"), separators=(",", ":"), sort_keys=True)
            value: Document = {"canary": {"steps": []}}
            note = Edit(("metadata", "annotations", FORMER), former)
        else:
            value = self._former(place, live)
            note = Edit(("metadata", "annotations", FORMER), None)
        edits = [Edit(STRATEGY, value, whole=True), note]
        changed = await self.writer.change(place, live, edits, dry_run=context.dry_run)
        if not context.dry_run:
            await self._observed(place, context)
        return reading.rollout(changed)

    async def set_aborted(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Stops an update, or begins it again."""
        place, live = await self._present(arguments)
        wanted = bool(arguments["aborted"])
        if reading.is_aborted(live) == wanted:
            return {"exists": True, "aborted": wanted}
        if wanted and reading.is_complete(live):
            raise ToolError(f"{named(place)} has no update under way; to go back to a former version use roll_back")
        refuse_foreign(live, named(place))
        await self.writer.status(place, {"abort": wanted}, dry_run=context.dry_run)
        return {"exists": True, "aborted": wanted}

    async def live(self, arguments: JsonObject) -> JsonObject:
        """Which image has the traffic of the stable version."""
        live = await self.writer.read(_place(arguments))
        return {"exists": True, "live_image": await self._live_image(live)} if live else reading.ABSENT

    async def sets(self, namespace: str, live: Document) -> list[Document]:
        """The ReplicaSets of a Rollout, the oldest revision first."""
        uid = live["metadata"].get("uid")
        found = await self.api.every(REPLICA_SETS.path(namespace))
        mine = [e for e in found if any(o.get("uid") == uid for o in e["metadata"].get("ownerReferences") or [])]
        return sorted(mine, key=revision)

    async def _live_image(self, live: Document) -> str:
        stable = str((live.get("status") or {}).get("stableRS") or "")
        for each in await self.sets(str(live["metadata"].get("namespace")), live):
            if (each["metadata"].get("labels") or {}).get(HASH) == stable:
                named_as = {**each, "metadata": {**each["metadata"], "name": live["metadata"]["name"]}}
                return reading.image(named_as)
        return reading.image(live)

    async def _finish(self, place: Place, live: Document, context: CallContext) -> JsonObject:
        """Promotes fully, waits for it, and gives the Rollout its own steps back.

        The order matters when we are killed: the weight is written down only after the promotion was sent.
        """
        if context.dry_run:
            mark = reading.mark_of(live)
            rehearsed = [_marked(Mark(ALL, mark.steps if mark else reading.steps(live)))]
            return reading.rollout(await self.writer.change(place, live, rehearsed, dry_run=True))
        refuse_foreign(live, named(place))
        seen = await self._observed(place, context)
        if seen is None:
            raise ToolError(f"{named(place)}: no controller has seen the last change; does Argo Rollouts run?")
        if not reading.is_complete(seen):
            with suppress(OutcomeUnknownError):  # whether it was heard shows below: we wait for the end of it
                await self.writer.status(place, {"promoteFull": True, "pauseConditions": None})
        mark = reading.mark_of(seen)
        if mark is not None:
            seen = await self.writer.pursue(place, await self.writer.present(place), [_marked(Mark(ALL, mark.steps))])
        done = await self._until(place, _ended, context.deadline)
        if done is None or not reading.is_complete(done):
            why = reading.said(done) if done else "it is still under way"
            raise OutcomeUnknownError(f"{named(place)} was told to go on to the end and has not come there: {why}")
        return await self._at_rest(place, mark)

    async def _at_rest(self, place: Place, mark: Mark | None) -> JsonObject:
        live = await self.writer.present(place)
        if mark is None:
            return reading.rollout(live)
        edits = [Edit(("metadata", "annotations", MARK), None)]
        if reading.strategy(live) == "canary":
            edits.insert(0, Edit(STEPS, mark.steps or None, whole=True))
        return reading.rollout(await self.writer.pursue(place, live, edits))

    async def _until(
        self, place: Place, judge: Callable[[Document | None], Any], deadline: datetime, *, most_s: float = 86_400.0
    ) -> Any:
        left_s = (deadline - self.clock.now()).total_seconds() - MARGIN_S
        return await Waiter(self.api, self.clock).until(place, judge, budget_s=min(left_s, most_s))

    async def _observed(self, place: Place, context: CallContext) -> Document | None:
        """The Rollout when its controller has seen the last change; None when it does not in time."""
        found: Document | None = await self._until(
            place, lambda d: d if d and reading.is_observed(d) else None, context.deadline, most_s=SEEN_S
        )
        return found

    async def _present(self, arguments: JsonObject) -> tuple[Place, Document]:
        place = _place(arguments)
        return place, await self.writer.present(place)

    def _refuse_under_way(self, place: Place, live: Document, mark: Mark | None) -> None:
        if mark is not None and mark.weight != ALL:
            raise ToolError(
                f"{named(place)} is in the middle of an update to {reading.image(live)!r} (weight {mark.weight}); "
                "finish it or roll it back first"
            )
        if not reading.is_complete(live) and not reading.is_aborted(live):
            raise ToolError(
                f"{named(place)} is under way ({reading.phase(live) or 'no status yet'}); promote or abort it first"
            )

    def _refuse_self_promotion(self, place: Place, live: Document) -> None:
        held = (spec(live).get("strategy") or {}).get("blueGreen") or {}
        if held.get("autoPromotionEnabled", True):
            raise ToolError(
                f"{named(place)} would switch all traffic by itself (autoPromotionEnabled); set that to false, so that "
                "the new version can be looked at first"
            )

    def _former(self, place: Place, live: Document) -> Document:
        try:
            found = json.loads(notes(live).get(FORMER, ""))
        except ValueError as e:
            raise ToolError(
                f"{named(place)}: which services its blueGreen would switch is not known; write it there"
            ) from e
        return dict(found)


def _place(arguments: JsonObject) -> Place:
    return Place(ROLLOUTS, str(arguments["namespace"]), str(arguments["name"]))


def _marked(mark: Mark) -> Edit:
    return Edit(("metadata", "annotations", MARK), mark.text())


def _ended(document: Document | None) -> Document | None:
    """Finished, or given up by the controller."""
    if document is None or not reading.is_observed(document):
        return None
    ended = reading.is_complete(document) and reading.phase(document) == "Healthy"
    return document if ended or reading.phase(document) == "Degraded" else None


def revision(document: Document) -> int:
    """The number of a revision."""
    return int((document["metadata"].get("annotations") or {}).get("rollout.argoproj.io/revision") or 0)
