"""Forges, CI, Helm, registries, scans and checks out of the configuration; the page's own example opens."""

import re
from pathlib import Path

import pytest
import yaml

from steersman.app.environments import connected
from steersman.app.settings import load
from steersman.domain.errors import ConfigError

PAGE = Path(__file__).parents[3] / "docs" / "delivery.md"
KUBECONFIG = """
current-context: shop
contexts: [{name: shop, context: {cluster: shop, user: me}}]
clusters: [{name: shop, cluster: {server: "https://k8s.shop.test"}}]
"""


def example() -> dict[str, object]:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return yaml.safe_load(found[1])


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "REGISTRY_PASSWORD"):
        monkeypatch.setenv(name, "t0ken-value")


def configured(folder: Path, document: dict[str, object]) -> Path:
    (folder / "kubeconfig").write_text(KUBECONFIG)
    place = folder / "steersman.yaml"
    place.write_text(yaml.safe_dump(document))
    return place


async def test_the_example_of_the_page_opens_with_all_of_its_systems(tmp_path: Path) -> None:
    document = example()
    document["environments"]["shop"]["helm"]["kubeconfig"] = str(tmp_path / "kubeconfig")
    settings = load(configured(tmp_path, document), {"STEER_HOME": str(tmp_path)})
    async with connected(settings) as connection:
        assert {toolset.name for toolset in connection.toolsets} >= {
            *("forge", "ci", "registry", "scan", "helm", "http", "dns", "tls"),
        }
        shown = [binding.operation.name for toolset in connection.toolsets for binding in toolset.bindings()]
        assert len(shown) == len(set(shown))
        assert connection.environment.tier == "staging"


FORGES = [
    {"kind": "gitlab", "url": "https://gitlab.test"},
    {"kind": "gitea", "url": "https://gitea.test"},
    {"kind": "forgejo", "url": "https://forgejo.test"},
    {"kind": "github"},
    {"kind": "git", "root": "/nowhere"},
]


@pytest.mark.parametrize("section", FORGES, ids=lambda each: each["kind"])
async def test_each_forge_opens_under_its_own_identity(tmp_path: Path, section: dict[str, object]) -> None:
    document = {"environment": "a", "environments": {"a": {"tier": "lab", "forge": section}}}
    async with connected(load(configured(tmp_path, document), {})) as connection:
        assert connection.environment.kind == section["kind"]
        assert connection.toolsets[0].name == "forge"


CI = [
    {"kind": "gitlab", "url": "https://gitlab.test"},
    {
        "kind": "jenkins",
        "url": "https://jenkins.test",
        "auth": {"kind": "basic", "username": "a", "password": "env:GITHUB_TOKEN"},
    },
]


@pytest.mark.parametrize("section", CI, ids=lambda each: each["kind"])
async def test_each_ci_system_opens(tmp_path: Path, section: dict[str, object]) -> None:
    document = {"environment": "a", "environments": {"a": {"tier": "lab", "ci": section}}}
    async with connected(load(configured(tmp_path, document), {})) as connection:
        assert connection.environment.kind == f"{section['kind']}-ci"


@pytest.mark.parametrize(
    ("system", "section", "says"),
    [
        ("forge", {"kind": "git"}, "root"),
        ("forge", {"kind": "gitlab"}, "url"),
        ("forge", {"kind": "github", "root": "/x"}, "no `root`"),
        ("forge", {"kind": "svn"}, "kind"),
        ("ci", {"kind": "jenkins"}, "url"),
        ("ci", {"kind": "github", "key_input": "a b"}, "key_input"),
        ("scan", {}, "reports"),
        ("scan", {"kind": "trivy", "reports": "/x"}, "reports"),
        ("http", {}, "hosts"),
        ("dns", {"servers": ["1.1.1.1"]}, "names"),
        ("helm", {"context": "--kubeconfig"}, "context"),
        ("helm", {"charts": {"x": {"source": "--post-renderer"}}}, "source"),
        (
            "registry",
            {"url": "https://r.test", "auth": {"kind": "basic", "username": "a", "password": "plain"}},
            "password",
        ),
    ],
)
def test_what_cannot_work_is_said_when_it_is_read(
    tmp_path: Path, system: str, section: dict[str, object], says: str
) -> None:
    document = {"environments": {"a": {"tier": "lab", system: section}}}
    with pytest.raises(ConfigError, match=re.escape(says)):
        load(configured(tmp_path, document), {})
