"""Jenkins, by its remote access API. Key and branch of a run are parameters of its build."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import httpx

from steersman.domain.errors import ToolError
from steersman.remote.asking import Json
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import items, mapping, reading, real
from steersman.toolsets.ci.port import Artifact, NewRun, PipelineRun, RunState

LOOKED_AT = 50
TAIL_BYTES = 256_000
QUEUED = "queue-"
PARAMETERS = "actions[parameters[name,value]]"
BUILDS = f"builds[number,url,building,result,{PARAMETERS}]{{0,{LOOKED_AT}}}"
SENT = frozenset({201, 302, 303})


@dataclass(frozen=True, slots=True)
class Jenkins:
    """Jobs of one Jenkins, which take the parameters that hold key and branch."""

    remote: Remote
    key_input: str = "STEERSMAN_KEY"
    ref_input: str = "REF"

    async def version(self) -> str:
        """The header that every Jenkins sends."""
        answer = await self.remote.ask(Request("GET", "/api/json", query=[("tree", "mode")]))
        if "x-jenkins" not in answer.headers:
            raise ToolError(f"{self.remote.name}: there is no Jenkins at this URL")
        return answer.headers["x-jenkins"]

    async def find(self, pipeline: str, name: str) -> PipelineRun | None:
        """What waits in the queue, then builds of the job: what leaves the queue in between is not missed."""
        waiting = await self._queued(pipeline, name)
        if waiting is not None:
            return waiting
        document = await self.remote.json(Request("GET", f"{_job(pipeline)}/api/json", query=[("tree", BUILDS)]))
        with reading(self.remote.name, "builds"):
            for each in items(mapping(document)["builds"]):
                given = _parameters(each)
                if given.get(self.key_input) == name:
                    state = _state(each)
                    url = str(each.get("url") or "")
                    return PipelineRun(str(int(real(each["number"]))), given.get(self.ref_input, ""), state, url=url)
        return None

    async def start(self, pipeline: str, new: NewRun) -> None:
        """`POST .../buildWithParameters`."""
        form = [*new.inputs.items(), (self.key_input, new.name), (self.ref_input, new.ref)]
        await self._send(f"{_job(pipeline)}/buildWithParameters", form=form)

    async def cancel(self, pipeline: str, run: PipelineRun) -> None:
        """`POST .../stop`, or out of the queue."""
        if run.id.startswith(QUEUED):
            await self._send("/queue/cancelItem", query=[("id", run.id.removeprefix(QUEUED))])
        else:
            await self._send(f"{_job(pipeline)}/{run.id}/stop")

    async def logs(self, pipeline: str, run: PipelineRun) -> str:
        """`GET .../logText/progressiveText` from near its end."""
        if run.id.startswith(QUEUED):
            return ""
        path = f"{_job(pipeline)}/{run.id}/logText/progressiveText"
        far = await self.remote.ask(Request("GET", path, query=[("start", str(2**40))]))
        size = int(far.headers.get("x-text-size", "0"))
        answer = await self.remote.ask(Request("GET", path, query=[("start", str(max(size - TAIL_BYTES, 0)))]))
        return answer.text

    async def artifacts(self, pipeline: str, run: PipelineRun) -> tuple[Artifact, ...]:
        """What the build has archived."""
        if run.id.startswith(QUEUED):
            return ()
        query = [("tree", "artifacts[relativePath]")]
        document = await self.remote.json(Request("GET", f"{_job(pipeline)}/{run.id}/api/json", query=query))
        with reading(self.remote.name, "artifacts"):
            return tuple(Artifact(str(each["relativePath"])) for each in items(mapping(document).get("artifacts")))

    async def _queued(self, pipeline: str, name: str) -> PipelineRun | None:
        query = [("tree", f"items[id,task[url],{PARAMETERS}]")]
        document = await self.remote.json(Request("GET", "/queue/api/json", query=query))
        with reading(self.remote.name, "queue"):
            for each in items(mapping(document)["items"]):
                given = _parameters(each)
                url = str(mapping(each.get("task")).get("url") or "")
                if given.get(self.key_input) == name and url.rstrip("/").endswith(_job(pipeline)):
                    return PipelineRun(
                        f"{QUEUED}{int(real(each['id']))}", given.get(self.ref_input, ""), "queued", url=url
                    )
        return None

    async def _send(
        self, path: str, *, form: list[tuple[str, str]] | None = None, query: list[tuple[str, str]] | None = None
    ) -> None:
        request = Request("POST", path, query=query or (), form=form or (), headers=await self._crumb(), writes=True)
        await self.remote.ask(request, accept=SENT)

    async def _crumb(self) -> list[tuple[str, str]]:
        """Against forged requests; a Jenkins without that protection has none."""
        request = Request("GET", "/crumbIssuer/api/json")
        answer = await self.remote.ask(request, accept=frozenset({httpx.codes.NOT_FOUND}))
        if answer.status == httpx.codes.NOT_FOUND:
            return []
        with reading(self.remote.name, "crumb"):
            document = mapping(self.remote.decoded(request, answer))
            return [(str(document["crumbRequestField"]), str(document["crumb"]))]


def _job(pipeline: str) -> str:
    return "".join(f"/job/{quote(part, safe='')}" for part in pipeline.split("/"))


def _parameters(found: Json) -> dict[str, str]:
    return {
        str(each["name"]): str(each.get("value", ""))
        for action in items(found.get("actions"))
        for each in items(action.get("parameters"))
    }


def _state(found: Json) -> RunState:
    if found.get("building") is True or found.get("result") is None:
        return "running"
    match found["result"]:
        case "SUCCESS":
            return "succeeded"
        case "ABORTED":
            return "cancelled"
        case _:
            return "failed"
