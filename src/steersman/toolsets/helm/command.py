"""The `helm` program, with typed arguments: values go in by a file, never as text on the command line."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.remote.program import Finished, Program
from steersman.remote.shape import mapping, reading
from steersman.remote.text import one_line
from steersman.toolsets.helm.facts import NewRelease, OfChart, OfRelease

NOT_FOUND = "release: not found"
UNREACHABLE = ("cluster unreachable", "connection refused", "i/o timeout", "no such host", "tls handshake timeout")
GRACE_S = 20.0


@dataclass(frozen=True, slots=True)
class Chart:
    """Where a chart comes from: a folder, `oci://...`, or a name in a repository."""

    source: str
    repository: str = ""


@dataclass(frozen=True, slots=True)
class Helm:
    """One cluster as Helm reaches it."""

    program: str
    home: Path
    """Helm's own caches; plugins are not looked for anywhere else."""
    charts: Mapping[str, Chart] = field(default_factory=dict)
    kubeconfig: Path | None = None
    context: str = ""
    passed: tuple[str, ...] = ()
    """Variables that programs need which a kubeconfig calls for credentials."""
    timeout_s: float = 300.0

    async def version(self) -> str:
        """`v3.17.2`."""
        done = await self.run(["version", "--template", "{{.Version}}"])
        return done.out.decode(errors="replace").strip()

    async def run(self, arguments: Sequence[str], *, writes: bool = False, cluster: bool = False) -> Finished:
        """Runs it. Raises ToolError with what it said when it failed, UnavailableError when the cluster is away."""
        done = await self._run(arguments, writes=writes, cluster=cluster)
        if done.code != 0:
            raise self._failure(done, arguments[0], writes=writes)
        return done

    async def found(self, arguments: Sequence[str]) -> Finished | None:
        """Like `run`; None where there is no such release."""
        done = await self._run(arguments, writes=False, cluster=True)
        if done.code != 0 and NOT_FOUND in done.err:
            return None
        if done.code != 0:
            raise self._failure(done, arguments[0], writes=False)
        return done

    async def metadata(self, ask: OfRelease, revision: int = 0) -> dict[str, Any] | None:
        """`helm get metadata`; revision 0: the last one."""
        done = await self.found([*_get("metadata", ask, revision), "--output", "json"])
        return None if done is None else self._object(done, "metadata")

    async def values(self, ask: OfRelease, revision: int = 0) -> JsonObject:
        """`helm get values`: those that somebody gave; revision 0: the last one."""
        done = await self.run([*_get("values", ask, revision), "--output", "json"], cluster=True)
        return self._object(done, "values")

    async def history(self, ask: OfRelease) -> list[dict[str, Any]] | None:
        """`helm history`, oldest first."""
        done = await self.found(["history", ask.name, "--namespace", ask.namespace, "--output", "json"])
        if done is None:
            return None
        with reading("helm", "history"):
            document = json.loads(done.out)
            return [mapping(each) for each in document]

    async def manifest(self, ask: OfRelease) -> str:
        """`helm get manifest`."""
        done = await self.run(_get("manifest", ask), cluster=True)
        return done.out.decode(errors="replace")

    async def rendered(self, new: NewRelease) -> str:
        """`helm template`: what would be applied. Refused by the chart's own schema of values."""
        with self.values_file(new.values) as place:
            arguments = ["template", new.name, *self.chart(new.chart, new.version), "--namespace", new.namespace]
            done = await self.run([*arguments, "--values", str(place), "--is-upgrade", "--skip-tests"])
        return done.out.decode(errors="replace")

    async def schema(self, ask: OfChart) -> JsonObject | None:
        """`values.schema.json` of a chart; None when it has none."""
        source = self._named(ask.chart).source
        with tempfile.TemporaryDirectory(prefix="steersman-helm-") as folder:
            found = await asyncio.to_thread(_schema, Path(source))
            if found is None:
                await self.run(["pull", *self.chart(ask.chart, ask.version), "--untar", "--untardir", folder])
                found = await asyncio.to_thread(_schema, Path(folder) / ask.chart)
        return found or None

    def chart(self, name: str, version: str) -> list[str]:
        """Arguments that name a chart. Raises ToolError for one that configuration does not have."""
        found = self._named(name)
        repository = ["--repo", found.repository] if found.repository else []
        return [found.source, *repository, "--version", version]

    @contextmanager
    def values_file(self, values: JsonObject) -> Iterator[Path]:
        """A file that only its owner reads, as long as it is needed."""
        with tempfile.TemporaryDirectory(prefix="steersman-helm-") as folder:
            place = Path(folder) / "values.json"
            place.touch(mode=0o600)
            place.write_text(json.dumps(values), encoding="utf-8")
            yield place

    async def _run(self, arguments: Sequence[str], *, writes: bool, cluster: bool) -> Finished:
        program = Program.found(self.program, environment=self._environment(), timeout_s=self.timeout_s + GRACE_S)
        reach = ["--kube-context", self.context] if cluster and self.context else []
        return await program.run([*arguments, *reach], writes=writes)

    def _environment(self) -> dict[str, str]:
        homes = {name: str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        own = {f"HELM_{name}_HOME": place for name, place in homes.items()}
        kubeconfig = {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}
        passed = {name: os.environ[name] for name in self.passed if name in os.environ}
        return {**passed, **own, **kubeconfig, "HELM_PLUGINS": str(self.home / "plugins"), "HELM_NO_PLUGINS": "1"}

    def _named(self, name: str) -> Chart:
        if name not in self.charts:
            known = ", ".join(sorted(self.charts)) or "none"
            raise ToolError(f"chart {name!r} is not configured; known are {known}: see `charts`")
        return self.charts[name]

    def _object(self, done: Finished, what: str) -> dict[str, Any]:
        with reading("helm", what):
            return mapping(json.loads(done.out))

    def _failure(self, done: Finished, verb: str, *, writes: bool) -> Exception:
        said = one_line(done.err.strip().removeprefix("Error: ")) or f"it ended with {done.code}"
        if any(word in done.err.lower() for word in UNREACHABLE):
            kind = OutcomeUnknownError if writes and "unreachable" not in done.err.lower() else UnavailableError
            return kind(f"helm {verb}: {said}")
        if writes and "context deadline exceeded" in done.err and "rolled back" not in done.err:
            return OutcomeUnknownError(f"helm {verb}: {said}")
        return ToolError(f"helm {verb}: {said}")


def _get(what: str, ask: OfRelease, revision: int = 0) -> list[str]:
    chosen = ["--revision", str(revision)] if revision else []
    return ["get", what, ask.name, "--namespace", ask.namespace, *chosen]


def _schema(chart: Path) -> JsonObject | None:
    """The schema in a folder of a chart, empty when it has none; None when there is no such folder."""
    place = chart / "values.schema.json"
    if not place.is_file():
        return {} if chart.is_dir() else None
    with reading("helm", "values.schema.json"):
        return mapping(json.loads(place.read_text(encoding="utf-8")))


def objects(manifest: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Objects of a manifest by kind and name. Raises ToolError for what is no YAML."""
    try:
        found = [each for each in yaml.safe_load_all(manifest) if isinstance(each, dict)]
    except yaml.YAMLError as e:
        raise ToolError(f"helm: the manifest is no YAML: {one_line(str(e), limit=160)}") from e
    return {(str(each.get("kind")), str(mapping(each.get("metadata")).get("name"))): each for each in found}
