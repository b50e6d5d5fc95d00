"""Strict doubles of GitHub Actions, GitLab CI and Jenkins. Runs go on only when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx

from steersman.testing.routes import Asked, Routes

Serve = Callable[[Asked], httpx.Response]


@dataclass(slots=True)
class Run:
    """One run: its state is empty while it goes on, then in the words of the system at hand."""

    id: int
    ref: str
    inputs: dict[str, str]
    result: str = ""
    log: str = "line 1\nline 2\n"
    queued: bool = False
    hidden: int = 0
    """So many questions do not show it yet."""


@dataclass(slots=True)
class Farm:
    """Runs by pipeline, and what is declared of it."""

    token: str = "t0ken"  # noqa: S105  # the one of the double
    inputs: dict[str, frozenset[str]] = field(default_factory=dict)
    refs: frozenset[str] = frozenset({"main", "steersman/fix"})
    runs: dict[str, list[Run]] = field(default_factory=dict)
    artifacts: dict[int, list[str]] = field(default_factory=dict)
    late: int = 0
    """So many questions pass until a new run is shown."""

    def pipeline(self, name: str, *inputs: str) -> None:
        """Declares one with the inputs that it takes."""
        self.inputs[name] = frozenset(inputs)
        self.runs[name] = []

    def start(self, name: str, ref: str, inputs: dict[str, str]) -> Run:
        """A run more."""
        number = sum(map(len, self.runs.values())) + 1
        self.runs[name].append(Run(number, ref, inputs, hidden=self.late))
        return self.runs[name][-1]

    def shown(self, name: str) -> list[Run]:
        """Newest first."""
        found = []
        for run in reversed(self.runs[name]):
            if run.hidden:
                run.hidden -= 1
            else:
                found.append(run)
        return found

    def run(self, name: str, number: str) -> Run | None:
        """By its id."""
        return next((run for run in self.runs[name] if str(run.id) == number), None)


@dataclass(slots=True)
class ActionsDouble:
    """Answers as GitHub does; the name of a run shows its `steersman_key`."""

    farm: Farm = field(default_factory=Farm)
    logs_url: str = "https://logs.github.test"
    routes: Routes = field(default_factory=Routes)

    def __post_init__(self) -> None:
        on, repo = self.routes.on, "/repos/{owner}/{repo}/actions"
        on("GET", "/meta", lambda _: httpx.Response(200, json={"installed_version": "3.19.0"}))
        on("GET", f"{repo}/workflows/{{file}}/runs", self._runs)
        on("POST", f"{repo}/workflows/{{file}}/dispatches", self._dispatch)
        on("POST", f"{repo}/runs/{{run}}/cancel", self._cancel)
        on("GET", f"{repo}/runs/{{run}}/jobs", self._jobs)
        on("GET", f"{repo}/runs/{{run}}/artifacts", self._artifacts)
        on("GET", f"{repo}/jobs/{{run}}/logs", self._log)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Logs are elsewhere and want no credentials."""
        if request.url.host == httpx.URL(self.logs_url).host:
            if "authorization" in request.headers:
                return httpx.Response(400, text="credentials are not wanted here")
            run = self._by_id(request.url.path.strip("/"))
            return httpx.Response(200, text=run.log) if run else httpx.Response(404)
        if request.headers.get("authorization") != f"Bearer {self.farm.token}":
            return _no(401, "Bad credentials")
        return self.routes(request)

    def _dispatch(self, asked: Asked) -> httpx.Response:
        name, body = self._name(asked), asked.document()
        if name not in self.farm.inputs:
            return _no(404, "Not Found")
        if body["ref"] not in self.farm.refs:
            return _no(422, f"No ref found for: {body['ref']}")
        unknown = set(body.get("inputs", {})) - self.farm.inputs[name]
        if unknown:
            return _no(422, f"Unexpected inputs provided: {sorted(unknown)}")
        self.farm.start(name, body["ref"], body.get("inputs", {}))
        return httpx.Response(204)

    def _runs(self, asked: Asked) -> httpx.Response:
        if self._name(asked) not in self.farm.inputs:
            return _no(404, "Not Found")
        found = [
            {
                "id": run.id,
                "head_branch": run.ref,
                "head_sha": "a" * 40,
                "display_title": f"Build {run.inputs.get('steersman_key', '')}",
                "status": "completed" if run.result else "in_progress",
                "conclusion": run.result or None,
                "html_url": f"https://github.test/runs/{run.id}",
            }
            for run in self.farm.shown(self._name(asked))
        ]
        return httpx.Response(200, json={"total_count": len(found), "workflow_runs": asked.page(found)})

    def _cancel(self, asked: Asked) -> httpx.Response:
        run = self._by_id(asked.parts["run"])
        if run is None:
            return _no(404, "Not Found")
        if run.result:
            return _no(409, "Cannot cancel a workflow run that is completed.")
        run.result = "cancelled"
        return httpx.Response(202, json={})

    def _jobs(self, asked: Asked) -> httpx.Response:
        run = self._by_id(asked.parts["run"])
        jobs = [{"id": run.id, "name": "build", "conclusion": run.result or None}] if run else []
        return httpx.Response(200, json={"total_count": len(jobs), "jobs": asked.page(jobs)})

    def _artifacts(self, asked: Asked) -> httpx.Response:
        names = self.farm.artifacts.get(int(asked.parts["run"]), [])
        found = [{"id": 1, "name": name, "size_in_bytes": 10, "expired": name.startswith("old")} for name in names]
        return httpx.Response(200, json={"total_count": len(found), "artifacts": asked.page(found)})

    def _log(self, asked: Asked) -> httpx.Response:
        return httpx.Response(302, headers={"location": f"{self.logs_url}/{asked.parts['run']}"})

    def _by_id(self, number: str) -> Run | None:
        return next((run for name in self.farm.runs if (run := self.farm.run(name, number))), None)

    def _name(self, asked: Asked) -> str:
        return "/".join(asked.parts[name] for name in ("owner", "repo", "file"))


@dataclass(slots=True)
class PipelinesDouble:
    """Answers as GitLab does."""

    farm: Farm = field(default_factory=Farm)
    routes: Routes = field(default_factory=Routes)

    def __post_init__(self) -> None:
        on, project = self.routes.on, "/api/v4/projects/{id}"
        on("GET", "/api/v4/version", lambda _: httpx.Response(200, json={"version": "18.6.0"}))
        on("POST", f"{project}/pipeline", self._in(self._create))
        on("GET", f"{project}/pipelines", self._in(self._list))
        on("GET", f"{project}/pipelines/{{run}}/variables", self._of(self._variables))
        on("POST", f"{project}/pipelines/{{run}}/cancel", self._of(self._cancel))
        on("GET", f"{project}/pipelines/{{run}}/jobs", self._of(self._jobs))
        on("GET", f"{project}/jobs/{{run}}/trace", self._of(lambda run, _: httpx.Response(200, text=run.log)))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Refuses wrong credentials as GitLab does."""
        if request.headers.get("authorization") != f"Bearer {self.farm.token}":
            return _no(401, "401 Unauthorized")
        return self.routes(request)

    def _in(self, serve: Serve) -> Serve:
        return lambda asked: (
            serve(asked) if asked.parts["id"] in self.farm.inputs else _no(404, "404 Project Not Found")
        )

    def _of(self, serve: Callable[[Run, Asked], httpx.Response]) -> Serve:
        def answer(asked: Asked) -> httpx.Response:
            run = self.farm.run(asked.parts["id"], asked.parts["run"]) if asked.parts["id"] in self.farm.runs else None
            return serve(run, asked) if run else _no(404, "404 Not found")

        return answer

    def _create(self, asked: Asked) -> httpx.Response:
        body = asked.document()
        if body["ref"] not in self.farm.refs:
            return _no(400, "Reference not found")
        run = self.farm.start(
            asked.parts["id"], body["ref"], {each["key"]: each["value"] for each in body["variables"]}
        )
        return httpx.Response(201, json=_pipeline(run))

    def _list(self, asked: Asked) -> httpx.Response:
        return httpx.Response(200, json=asked.page([_pipeline(run) for run in self.farm.shown(asked.parts["id"])]))

    def _variables(self, run: Run, _: Asked) -> httpx.Response:
        return httpx.Response(200, json=[{"key": key, "value": value} for key, value in run.inputs.items()])

    def _cancel(self, run: Run, _: Asked) -> httpx.Response:
        run.result = run.result or "canceled"
        return httpx.Response(201, json=_pipeline(run))

    def _jobs(self, run: Run, asked: Asked) -> httpx.Response:
        files = [{"file_type": "archive", "filename": name, "size": 10} for name in self.farm.artifacts.get(run.id, [])]
        trace = {"file_type": "trace", "filename": "job.log", "size": 1}
        job = {"id": run.id, "name": "build", "status": run.result or "running", "artifacts": [*files, trace]}
        return httpx.Response(200, json=asked.page([job]))


@dataclass(slots=True)
class JenkinsDouble:
    """Answers as Jenkins does: the queue first, then a build; forged requests are refused."""

    farm: Farm = field(default_factory=Farm)
    crumbs: bool = True
    routes: Routes = field(default_factory=Routes)

    def __post_init__(self) -> None:
        on = self.routes.on
        on("GET", "/api/json", lambda _: httpx.Response(200, json={"mode": "NORMAL"}, headers={"x-jenkins": "2.528"}))
        on("GET", "/crumbIssuer/api/json", self._crumb)
        on("GET", "/queue/api/json", self._queue)
        on("POST", "/queue/cancelItem", self._unqueue)
        on("GET", "/job/{folder}/job/{job}/api/json", self._builds)
        on("POST", "/job/{folder}/job/{job}/buildWithParameters", self._build)
        on("POST", "/job/{folder}/job/{job}/{run}/stop", self._stop)
        on("GET", "/job/{folder}/job/{job}/{run}/api/json", self._one)
        on("GET", "/job/{folder}/job/{job}/{run}/logText/progressiveText", self._log)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Basic credentials, and a crumb for what writes."""
        if not request.headers.get("authorization", "").startswith("Basic "):
            return httpx.Response(401, text="Authentication required")
        if request.method == "POST" and self.crumbs and request.headers.get("jenkins-crumb") != "crumb-1":
            return httpx.Response(403, text="No valid crumb was included in the request")
        return self.routes(request)

    def leave_queue(self) -> None:
        """What waits begins to run."""
        for runs in self.farm.runs.values():
            for run in runs:
                run.queued = False

    def _crumb(self, _: Asked) -> httpx.Response:
        if not self.crumbs:
            return httpx.Response(404)
        return httpx.Response(200, json={"crumb": "crumb-1", "crumbRequestField": "Jenkins-Crumb"})

    def _build(self, asked: Asked) -> httpx.Response:
        name = self._name(asked)
        if name not in self.farm.inputs:
            return httpx.Response(404)
        given = dict(parse_qsl(asked.request.content.decode(), keep_blank_values=True))
        kept = {key: value for key, value in given.items() if key in self.farm.inputs[name]}
        run = self.farm.start(name, kept.get("REF", ""), kept)
        run.queued = True
        return httpx.Response(201, headers={"location": f"https://jenkins.test/queue/item/{run.id}/"})

    def _queue(self, _: Asked) -> httpx.Response:
        found = [
            {"id": run.id, "task": {"url": f"https://jenkins.test{_path(name)}/"}, "actions": _actions(run)}
            for name, runs in self.farm.runs.items()
            for run in runs
            if run.queued
        ]
        return httpx.Response(200, json={"items": found})

    def _unqueue(self, asked: Asked) -> httpx.Response:
        for runs in self.farm.runs.values():
            runs[:] = [run for run in runs if not (run.queued and str(run.id) == asked.query["id"])]
        return httpx.Response(302, headers={"location": "/queue/"})

    def _builds(self, asked: Asked) -> httpx.Response:
        name = self._name(asked)
        if name not in self.farm.inputs:
            return httpx.Response(404)
        return httpx.Response(200, json={"builds": [_jenkins(run) for run in self.farm.shown(name) if not run.queued]})

    def _stop(self, asked: Asked) -> httpx.Response:
        run = self.farm.run(self._name(asked), asked.parts["run"])
        if run is None or run.queued:
            return httpx.Response(404)
        run.result = run.result or "ABORTED"
        return httpx.Response(302, headers={"location": "/"})

    def _one(self, asked: Asked) -> httpx.Response:
        names = self.farm.artifacts.get(int(asked.parts["run"]), [])
        return httpx.Response(200, json={"artifacts": [{"relativePath": name} for name in names]})

    def _log(self, asked: Asked) -> httpx.Response:
        run = self.farm.run(self._name(asked), asked.parts["run"])
        if run is None:
            return httpx.Response(404)
        start = int(asked.query["start"])
        return httpx.Response(200, text=run.log[start:], headers={"x-text-size": str(len(run.log))})

    def _name(self, asked: Asked) -> str:
        return f"{asked.parts['folder']}/{asked.parts['job']}"


def _no(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message})


def _pipeline(run: Run) -> dict[str, Any]:
    url = f"https://gitlab.test/pipelines/{run.id}"
    return {"id": run.id, "ref": run.ref, "sha": "b" * 40, "status": run.result or "running", "web_url": url}


def _jenkins(run: Run) -> dict[str, Any]:
    return {
        "number": run.id,
        "url": f"https://jenkins.test/{run.id}/",
        "building": not run.result,
        "result": run.result or None,
        "actions": [{}, *_actions(run)],
    }


def _actions(run: Run) -> list[dict[str, Any]]:
    return [{"parameters": [{"name": name, "value": value} for name, value in run.inputs.items()]}]


def _path(name: str) -> str:
    return "".join(f"/job/{part}" for part in name.split("/"))
