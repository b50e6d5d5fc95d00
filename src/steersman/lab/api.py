"""The control API: strict about what it is asked, and dropping what it has done already under the same key."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field, ValidationError

from steersman.domain.errors import InputError, IntegrityError, SteersmanError
from steersman.domain.fact import Fact, JsonObject, canonical
from steersman.lab.controller import Answer, Controller
from steersman.lab.kit.identity import Pool, Service
from steersman.lab.wire.message import Request, Response, answer

LOG = logging.getLogger("labd")
KEYS_KEPT = 10_000
Percent = Annotated[int, Field(ge=0, le=100)]
Version = Annotated[str, Field(pattern=r"^v?[0-9][A-Za-z0-9.+-]{0,31}$")]
Sha = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Nothing(Fact):
    """No arguments."""


class OfService(Fact):
    """Arguments of verbs on a service."""

    service: Service


class OfPool(OfService):
    """Arguments of verbs on a pool."""

    pool: Pool


class OfEndpoint(OfService):
    """Arguments of `get_endpoint`."""

    pool: Pool | None = None


class OfReadiness(OfPool):
    """Arguments of `wait_ready`."""

    timeout_s: float = Field(default=20.0, gt=0, le=120)


class OfArtifact(OfService):
    """Arguments of verbs on an artifact by version."""

    version: Version


class OfDigest(OfService):
    """Arguments of verbs on an artifact by digest."""

    digest: Sha


class OfStart(OfPool):
    """Arguments of `start`."""

    version: Version
    digest: Sha


class Weights(Fact):
    """Percent of both pools."""

    blue: Percent
    green: Percent


class OfWeights(OfService):
    """Arguments of `set_weights`."""

    weights: Weights


class OfFault(OfService):
    """Arguments of `get_fault`."""

    fault: str


class OfSwitch(OfFault):
    """Arguments of `set_fault`."""

    on: bool


class OfLoad(Fact):
    """Arguments of `set_load`. The number comes back as it was given."""

    rate: Annotated[int | float, Field(ge=0, le=500)]


class Asked(Fact):
    """The body of every request."""

    arguments: JsonObject = {}
    key: str | None = Field(default=None, min_length=1, max_length=256)
    """Idempotency key, of writes only: the same key is done once, and answered again."""
    expected: JsonObject | None = None
    """Of writes only: what the probe must show just before; otherwise it is refused (compare-and-set)."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One operation: its arguments, and what does it."""

    arguments: type[Fact]
    run: Callable[[Controller, Any], Awaitable[Answer]]
    probe: Callable[[Controller, Any], Awaitable[Answer]] | None = None
    """Of writes: what shows the state that they change."""


VERBS: Mapping[str, Verb] = {
    "list_services": Verb(Nothing, lambda lab, _: lab.list_services()),
    "get_service": Verb(OfService, lambda lab, a: lab.get_service(a.service)),
    "get_weights": Verb(OfService, lambda lab, a: lab.get_weights(a.service)),
    "get_pool": Verb(OfPool, lambda lab, a: lab.get_pool(a.service, a.pool)),
    "get_endpoint": Verb(OfEndpoint, lambda lab, a: lab.get_endpoint(a.service, a.pool)),
    "get_artifact": Verb(OfArtifact, lambda lab, a: lab.get_artifact(a.service, a.version)),
    "get_load": Verb(Nothing, lambda lab, _: lab.get_load()),
    "get_fault": Verb(OfFault, lambda lab, a: lab.get_fault(a.service, a.fault)),
    "test_artifact": Verb(OfDigest, lambda lab, a: lab.test_artifact(a.service, a.digest)),
    "wait_ready": Verb(OfReadiness, lambda lab, a: lab.wait_ready(a.service, a.pool, a.timeout_s)),
    "smoke_test": Verb(OfPool, lambda lab, a: lab.smoke_test(a.service, a.pool)),
    "reconcile": Verb(OfService, lambda lab, _: lab.reconcile()),
    "traffic": Verb(Nothing, lambda lab, _: lab.traffic()),
    "build": Verb(
        OfArtifact,
        lambda lab, a: lab.build(a.service, a.version),
        lambda lab, a: lab.get_artifact(a.service, a.version),
    ),
    "delete_artifact": Verb(
        OfArtifact,
        lambda lab, a: lab.delete_artifact(a.service, a.version),
        lambda lab, a: lab.get_artifact(a.service, a.version),
    ),
    "start": Verb(
        OfStart,
        lambda lab, a: lab.start(a.service, a.pool, a.version, a.digest),
        lambda lab, a: lab.get_pool(a.service, a.pool),
    ),
    "stop": Verb(
        OfPool,
        lambda lab, a: lab.stop(a.service, a.pool),
        lambda lab, a: lab.get_pool(a.service, a.pool),
    ),
    "set_weights": Verb(
        OfWeights,
        lambda lab, a: lab.set_weights(a.service, a.weights.model_dump()),
        lambda lab, a: lab.get_weights(a.service),
    ),
    "set_fault": Verb(
        OfSwitch,
        lambda lab, a: lab.set_fault(a.service, a.fault, on=a.on),
        lambda lab, a: lab.get_fault(a.service, a.fault),
    ),
    "set_load": Verb(OfLoad, lambda lab, a: lab.set_load(a.rate), lambda lab, _: lab.get_load()),
}


class ConflictError(SteersmanError):
    """The state is not the one that the request expects, or its key was used for something else."""


@dataclass(slots=True)
class Api:
    """Requests to the controller."""

    controller: Controller
    token: str
    more: Mapping[str, Callable[[], Awaitable[Answer]]]
    """Verbs of the lab's own life: `environment`, `status`, `keep`, `shutdown`."""
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _done: dict[str, tuple[bytes, asyncio.Future[Answer]]] = field(default_factory=dict)

    async def handle(self, request: Request) -> Response:
        """The answer to any request."""
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return answer({"error": "wrong or missing token"}, HTTPStatus.UNAUTHORIZED)
        version, _, verb = request.path.removeprefix("/").partition("/")
        if request.method != "POST" or version != "v1" or not (verb in VERBS or verb in self.more):
            return answer({"error": f"nothing at {request.method} {request.path}"}, HTTPStatus.NOT_FOUND)
        try:
            asked = Asked.model_validate_json(request.body or b"{}")
            return answer(await self._do(verb, asked))
        except (ValidationError, InputError) as e:
            return answer({"error": _plain(e)}, HTTPStatus.BAD_REQUEST)
        except (ConflictError, IntegrityError, SteersmanError) as e:
            return answer({"error": str(e)}, HTTPStatus.CONFLICT)
        except Exception:  # the border of a server request
            LOG.exception("%s failed", verb)
            return answer({"error": "internal error; see labd.log"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _do(self, name: str, asked: Asked) -> Answer:
        if name in self.more:
            Nothing.model_validate(asked.arguments)
            return await self.more[name]()
        verb = VERBS[name]
        arguments = verb.arguments.model_validate(asked.arguments)
        if verb.probe is None:
            if asked.key is not None or asked.expected is not None:
                raise InputError(f"{name} only reads: it takes neither `key` nor `expected`")
            return await verb.run(self.controller, arguments)
        if asked.key is None:
            return await self._write(name, arguments, asked.expected)
        return await self._once(name, arguments, asked)

    async def _once(self, name: str, arguments: Fact, asked: Asked) -> Answer:
        """Does it under its key, or gives the answer that it had; a failure is forgotten, since it had no effect."""
        assert asked.key is not None
        meant = canonical({"verb": name, "arguments": asked.arguments})
        if asked.key in self._done:
            earlier, outcome = self._done[asked.key]
            if earlier != meant:
                raise ConflictError(f"the key {asked.key!r} was used for something else")
            return await asyncio.shield(outcome)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._done[asked.key] = (meant, future)
        if len(self._done) > KEYS_KEPT:
            del self._done[next(iter(self._done))]
        try:
            future.set_result(await self._write(name, arguments, asked.expected))
        except BaseException as e:
            del self._done[asked.key]
            future.set_exception(e)
            future.exception()  # somebody may wait for it or not; either is fine
            raise
        return future.result()

    async def _write(self, name: str, arguments: Fact, expected: JsonObject | None) -> Answer:
        verb = VERBS[name]
        assert verb.probe is not None
        async with self._writing:
            now = await verb.probe(self.controller, arguments)
            if expected is not None and canonical(now) != canonical(expected):
                raise ConflictError(f"{name}: the state has changed: it is {now}, and {expected} was expected")
            LOG.info("%s %s", name, arguments)
            return await verb.run(self.controller, arguments)


def _plain(error: ValidationError | InputError) -> str:
    if isinstance(error, InputError):
        return str(error)
    return "; ".join(f"{'/'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
