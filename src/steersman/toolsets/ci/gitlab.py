"""GitLab CI, by the REST API (v4). The key of a run is a variable of its pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.remote.asking import Asking, Json, whole
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import items, mapping, reading, real
from steersman.remote.together import together
from steersman.toolsets.ci.port import Artifact, NewRun, PipelineRun, RunState

API = "/api/v4"
LOOKED_AT = 30
SHOWN_JOBS = 5


@dataclass(frozen=True, slots=True)
class GitLabCi:
    """Pipelines of the projects of one GitLab."""

    remote: Remote
    key_input: str = "STEERSMAN_KEY"

    async def version(self) -> str:
        """`GET /version`, which wants credentials."""
        return str((await self._api.one("/version") or {}).get("version", "gitlab"))

    async def find(self, pipeline: str, name: str) -> PipelineRun | None:
        """`GET .../pipelines` and the variables of each."""
        query = [("source", "api"), ("order_by", "id"), ("sort", "desc"), ("per_page", str(LOOKED_AT))]
        path = f"{API}{_project(pipeline)}/pipelines"
        document = await self.remote.json(Request("GET", path, query=query))
        with reading(self.remote.name, "pipelines"):
            runs = [_run(each) for each in items(document)]
        keys = await together(*(self._key(pipeline, run) for run in runs))
        return next((run for run, key in zip(runs, keys, strict=True) if key == name), None)

    async def start(self, pipeline: str, new: NewRun) -> None:
        """`POST .../pipeline`."""
        given = {**new.inputs, self.key_input: new.name}
        variables: list[Json] = [{"key": key, "value": value} for key, value in given.items()]
        await self._api.write("POST", f"{_project(pipeline)}/pipeline", {"ref": new.ref, "variables": list(variables)})

    async def cancel(self, pipeline: str, run: PipelineRun) -> None:
        """`POST .../pipelines/{id}/cancel`."""
        await self._api.write("POST", f"{_project(pipeline)}/pipelines/{run.id}/cancel")

    async def logs(self, pipeline: str, run: PipelineRun) -> str:
        """`GET .../jobs/{id}/trace` of jobs that failed, else of all."""
        jobs = await self._jobs(pipeline, run)
        with reading(self.remote.name, "jobs"):
            bad = [each for each in jobs if each.get("status") == "failed"]
            chosen = [(str(each["name"]), int(real(each["id"]))) for each in (bad or jobs)[:SHOWN_JOBS]]
        found = []
        for name, number in chosen:
            answer = await self.remote.ask(Request("GET", f"{API}{_project(pipeline)}/jobs/{number}/trace"))
            found.append(f"== {name}\n{answer.text}")
        return "\n".join(found)

    async def artifacts(self, pipeline: str, run: PipelineRun) -> tuple[Artifact, ...]:
        """What the jobs of the pipeline have left."""
        jobs = await self._jobs(pipeline, run)
        with reading(self.remote.name, "jobs"):
            return tuple(
                Artifact(f"{each['name']}/{artifact['filename']}", int(real(artifact.get("size", 0))))
                for each in jobs
                for artifact in items(each.get("artifacts"))
                if artifact.get("file_type") != "trace"
            )

    @property
    def _api(self) -> Asking:
        return Asking(self.remote, API)

    async def _jobs(self, pipeline: str, run: PipelineRun) -> list[Json]:
        return await self._api.some(f"{_project(pipeline)}/pipelines/{run.id}/jobs")

    async def _key(self, pipeline: str, run: PipelineRun) -> str:
        path = f"{API}{_project(pipeline)}/pipelines/{run.id}/variables"
        document = await self.remote.json(Request("GET", path))
        with reading(self.remote.name, "variables"):
            return next((str(each["value"]) for each in items(document) if each["key"] == self.key_input), "")


def _project(name: str) -> str:
    return f"/projects/{whole(name)}"


def _run(found: Json) -> PipelineRun:
    shown = mapping(found)
    return PipelineRun(
        id=str(int(real(shown["id"]))),
        ref=str(shown["ref"]),
        state=_state(str(shown["status"])),
        commit=str(shown.get("sha") or ""),
        url=str(shown.get("web_url") or ""),
    )


def _state(status: str) -> RunState:
    match status:
        case "success":
            return "succeeded"
        case "failed" | "skipped":
            return "failed"
        case "canceled":
            return "cancelled"
        case "running" | "canceling":
            return "running"
        case _:
            return "queued"
