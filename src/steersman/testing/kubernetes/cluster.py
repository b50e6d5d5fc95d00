"""The cluster: requests in, answers out, controllers a beat behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from steersman.testing.kubernetes.access import ADMIN, Access, Attempt, User
from steersman.testing.kubernetes.asking import APPLY, Ask, Target, target
from steersman.testing.kubernetes.controllers import CONTROLLERS
from steersman.testing.kubernetes.discovery import discovered
from steersman.testing.kubernetes.kinds import KINDS, Kind
from steersman.testing.kubernetes.reading import Reading, real_pause
from steersman.testing.kubernetes.reviews import reviewed
from steersman.testing.kubernetes.status import Document, Refused, Reply, refused
from steersman.testing.kubernetes.store import Store, copied
from steersman.testing.kubernetes.subresources import Subresources
from steersman.testing.kubernetes.writing import Writing

BEAT_S = 0.1
"""How much time of the cluster passes from one beat of its controllers to the next."""
ADMIN_TOKEN = "double-admin"  # noqa: S105  # it opens nothing but the double
NAMESPACES = ("default", "kube-system")
IDLE_BEATS = 5
"""So many beats are let go by when nothing has changed; only what waits for time to pass is then late."""
HIGHEST_WATCHED_BEATS = 100_000


@dataclass(slots=True)
class Cluster:
    """A small, strict Kubernetes in memory.

    virtual: its time passes only by requests and watches, so that tests neither sleep nor depend on the machine;
    otherwise `serve` lets it pass.
    """

    name: str = "double"
    kinds: tuple[Kind, ...] = KINDS
    virtual: bool = True
    asked: list[Ask] = field(default_factory=list)
    """Every request, in order."""
    replies: list[int] = field(default_factory=list)
    store: Store = field(init=False)
    access: Access = field(init=False)
    _reading: Reading = field(init=False)
    _writing: Writing = field(init=False)
    _below: Subresources = field(init=False)
    _settled_at: int = -1
    """The version at which no controller had anything to do."""
    _idle: int = 0

    def __post_init__(self) -> None:
        self.store = Store(self.name, self.kinds, clock=1_795_000_000.0 if self.virtual else None)
        self.access = Access(self.store, {ADMIN_TOKEN: ADMIN})
        self._reading = Reading(self.store, self._pause)
        self._writing = Writing(self.store)
        self._below = Subresources(self.store, self._writing)
        for name in NAMESPACES:
            self.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    async def handle(self, ask: Ask) -> Reply:
        """The answer to one request. In virtual time the controllers take a beat afterwards."""
        self.asked.append(ask)
        try:
            reply = self._answer(ask)
        except Refused as e:
            reply = e.reply
        self.replies.append(reply.status)
        if self.virtual:
            reply.document = json.loads(json.dumps(reply.document)) if reply.document is not None else None
            self.beat()
        return reply

    def beat(self, times: int = 1) -> None:
        """Lets the controllers look once, and time pass."""
        for _ in range(times):
            if self.store.clock is not None:
                self.store.clock += BEAT_S
            if self.store.version == self._settled_at and self._idle < IDLE_BEATS:
                self._idle += 1
                continue
            before, self._idle = self.store.version, 0
            for controller in CONTROLLERS:
                controller(self.store)
            self._settled_at = before if self.store.version == before else -1

    def fork(self) -> Cluster:
        """Another cluster that is as this one is now: cheaper than to build it up again for each test."""
        other = Cluster(self.name, self.kinds, self.virtual)
        other.store.objects = {place: copied(each) for place, each in self.store.objects.items()}
        other.store.version = other.store.compacted = self.store.version
        other.store.clock = self.store.clock
        return other

    def make(self, *documents: Document, manager: str = "kubectl-create") -> None:
        """Creates objects as an administrator. Raises Refused when one is not valid."""
        for document in documents:
            kind = next(
                each for each in self.kinds
                if (each.api_version, each.kind) == (document["apiVersion"], document["kind"])
            )  # fmt: skip
            namespace = document["metadata"].get("namespace", "default") if kind.namespaced else ""
            ask = Ask("POST", "", {"fieldManager": manager}, body=json.dumps(document).encode())
            self._writing.create(ask, Target(kind, namespace))

    def change(self, qualified: str, namespace: str, name: str, patch: Document, *, manager: str = "someone") -> None:
        """Somebody else's merge patch, with no question asked."""
        kind = self.store.kind(qualified)
        headers = {"content-type": "application/merge-patch+json"}
        ask = Ask("PATCH", "", {"fieldManager": manager}, headers, json.dumps(patch).encode())
        self._writing.patch(ask, Target(kind, namespace, name))

    def give(self, token: str, user: User) -> None:
        """Lets a bearer token stand for somebody."""
        self.access.tokens[token] = user

    def look(self, qualified: str, namespace: str, name: str) -> Any:
        """An object as it is stored, or None."""
        return self.store.get(qualified, namespace, name)

    def names(self, qualified: str, namespace: str = "") -> Sequence[str]:
        """Names of the objects of a kind."""
        return [each["metadata"]["name"] for each in self.store.all(qualified, namespace)]

    def _answer(self, ask: Ask) -> Reply:
        user = self.access.user(ask.headers)
        if ask.method == "GET" and (found := discovered(ask.path, self.kinds)) is not None:
            return found
        if (review := reviewed(ask, user, self.access)) is not None:
            return review
        place = target(ask.path, self.kinds)
        self._authorise(ask, place, user)
        return self._below_it(ask, place) if place.subresource else self._at_it(ask, place)

    def _authorise(self, ask: Ask, place: Target, user: User) -> None:
        kind, many = place.kind, not place.name
        match ask.method:
            case "GET":
                verb = "watch" if ask.flag("watch") else ("list" if many else "get")
            case "DELETE":
                verb = "deletecollection" if many else "delete"
            case other:
                verb = {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(other, other.lower())
        resource = "/".join(filter(None, (kind.plural, place.subresource)))
        attempt = Attempt(verb, kind.group, resource, place.namespace, place.name)
        self.access.require(user, attempt, kind)
        absent = self.store.get(kind.qualified, place.namespace, place.name) is None
        if ask.media_type == APPLY and ask.method == "PATCH" and absent:
            # An apply that creates must be allowed to create as well.
            self.access.require(user, replace(attempt, verb="create"), kind)

    def _at_it(self, ask: Ask, place: Target) -> Reply:
        match ask.method, bool(place.name):
            case "GET", _ if ask.flag("watch"):
                return self._reading.watch(ask, place)
            case "GET", True:
                return self._reading.get(place)
            case "GET", False:
                return self._reading.page(ask, place)
            case "POST", False:
                return self._writing.create(ask, place)
            case "PUT", True:
                return self._writing.update(ask, place)
            case "PATCH", True:
                return self._writing.patch(ask, place)
            case "DELETE", True:
                return self._writing.delete(ask, place)
            case _:
                raise _not_allowed()

    def _below_it(self, ask: Ask, place: Target) -> Reply:
        match place.subresource, ask.method:
            case "scale", "GET":
                return self._below.get_scale(place)
            case "scale", "PUT" | "PATCH":
                return self._below.set_scale(ask, place)
            case "status", "GET":
                return self._reading.get(place)
            case "status", "PATCH":
                return self._writing.patch(ask, place)
            case "status", "PUT":
                return self._writing.update(ask, place)
            case "eviction", "POST":
                return self._below.evict(ask, place)
            case "log", "GET":
                return self._below.log(ask, place)
            case _:
                raise _not_allowed()

    async def _pause(self, seconds: float) -> None:
        if not self.virtual:
            await real_pause(self.store, seconds)
            return
        seen = self.store.version
        await asyncio.sleep(0)
        beats = min(int(seconds / BEAT_S) + 1, HIGHEST_WATCHED_BEATS)
        for _ in range(beats):
            self.beat()
            if self.store.version != seen:
                return


def _not_allowed() -> Refused:
    message = "the server does not allow this method on the requested resource"
    return refused(405, "MethodNotAllowed", message, details={})
