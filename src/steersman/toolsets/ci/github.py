"""GitHub Actions, by the REST API.

A workflow that is started here takes the input `steersman_key` and shows it:
`run-name: Build ${{ inputs.steersman_key }}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from steersman.domain.errors import ToolError
from steersman.remote.addresses import astray
from steersman.remote.asking import Asking, Json, in_path, whole
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import items, mapping, reading, real
from steersman.toolsets.ci.port import Artifact, NewRun, PipelineRun, RunState

HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
LOOKED_AT = 50
SHOWN_JOBS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class GitHubActions:
    """Workflows of the repositories of one GitHub."""

    remote: Remote
    plain: Remote
    """Without credentials: logs are handed out by another host."""
    key_input: str = "steersman_key"

    async def version(self) -> str:
        """That the API answers."""
        found = await self._api.one("/meta")
        return str((found or {}).get("installed_version", "github"))

    async def find(self, pipeline: str, name: str) -> PipelineRun | None:
        """`GET .../actions/workflows/{file}/runs`, looked through for the key in the run's name."""
        repo, workflow = _split(pipeline)
        query = [("event", "workflow_dispatch"), ("per_page", str(LOOKED_AT))]
        path = f"{repo}/actions/workflows/{whole(workflow)}/runs"
        document = await self.remote.json(Request("GET", path, query=query))
        word = re.compile(rf"(?<![A-Za-z0-9._-]){re.escape(name)}(?![A-Za-z0-9._-])")
        with reading(self.remote.name, "runs"):
            found = [
                each for each in items(mapping(document)["workflow_runs"]) if word.search(str(each["display_title"]))
            ]
            runs = sorted(map(_run, found), key=lambda each: int(each.id), reverse=True)
            return runs[0] if runs else None

    async def start(self, pipeline: str, new: NewRun) -> None:
        """`POST .../actions/workflows/{file}/dispatches`."""
        repo, workflow = _split(pipeline)
        body: Json = {"ref": new.ref, "inputs": {**new.inputs, self.key_input: new.name}}
        await self._api.write("POST", f"{repo}/actions/workflows/{whole(workflow)}/dispatches", body)

    async def cancel(self, pipeline: str, run: PipelineRun) -> None:
        """`POST .../actions/runs/{id}/cancel`; one that has finished meanwhile answers 409, which is as good."""
        path = f"{_split(pipeline)[0]}/actions/runs/{run.id}/cancel"
        await self.remote.ask(Request("POST", path, writes=True), accept=frozenset({httpx.codes.CONFLICT}))

    async def logs(self, pipeline: str, run: PipelineRun) -> str:
        """`GET .../actions/jobs/{id}/logs` of jobs that failed, else of all."""
        repo = _split(pipeline)[0]
        jobs = await self._api.some(f"{repo}/actions/runs/{run.id}/jobs", key="jobs")
        with reading(self.remote.name, "jobs"):
            bad = [each for each in jobs if each.get("conclusion") in ("failure", "timed_out")]
            chosen = [(str(each["name"]), int(real(each["id"]))) for each in (bad or jobs)[:SHOWN_JOBS]]
        return "\n".join([f"== {name}\n{await self._log(repo, number)}" for name, number in chosen])

    async def artifacts(self, pipeline: str, run: PipelineRun) -> tuple[Artifact, ...]:
        """`GET .../actions/runs/{id}/artifacts`, without those that have expired."""
        path = f"{_split(pipeline)[0]}/actions/runs/{run.id}/artifacts"
        found = await self._api.some(path, key="artifacts")
        with reading(self.remote.name, "artifacts"):
            return tuple(
                Artifact(str(each["name"]), int(real(each.get("size_in_bytes", 0))), str(each.get("digest") or ""))
                for each in found
                if each.get("expired") is not True
            )

    @property
    def _api(self) -> Asking:
        return Asking(self.remote)

    async def _log(self, repo: str, job: int) -> str:
        answer = await self.remote.ask(
            Request("GET", f"{repo}/actions/jobs/{job}/logs"), accept=REDIRECTS | {httpx.codes.NOT_FOUND}
        )
        if answer.status in REDIRECTS:
            where = urljoin(str(self.remote.client.base_url), answer.headers.get("location", ""))
            answer = await self.plain.ask(Request("GET", self._trusted(where)), accept=frozenset({404, 410}))
        return answer.text if httpx.codes.is_success(answer.status) else "(the log is gone)"

    def _trusted(self, where: str) -> str:
        url, own = httpx.URL(where), self.remote.client.base_url
        why = astray(url.host, own.host)
        if url.scheme not in ("https", own.scheme) or why:
            raise ToolError(
                f"{self.remote.name} redirects logs to {url.host!r}, which is not followed: {why or 'refused'}"
            )
        return where


def _split(pipeline: str) -> tuple[str, str]:
    owner, _, rest = pipeline.partition("/")
    repo, _, workflow = rest.partition("/")
    if not workflow or "/" in workflow:
        raise ToolError(f"{pipeline!r} is no workflow; they are called owner/repository/workflow.yml")
    return f"/repos/{in_path(owner)}/{in_path(repo)}", workflow


def _run(found: Json) -> PipelineRun:
    return PipelineRun(
        id=str(int(real(found["id"]))),
        ref=str(found.get("head_branch") or ""),
        state=_state(str(found["status"]), found.get("conclusion")),
        commit=str(found.get("head_sha") or ""),
        url=str(found.get("html_url") or ""),
    )


def _state(status: str, conclusion: object) -> RunState:
    if status != "completed":
        return "running" if status == "in_progress" else "queued"
    match conclusion:
        case "success" | "neutral":
            return "succeeded"
        case "cancelled":
            return "cancelled"
        case _:
            return "failed"
