"""Configuration: `steersman.yaml`, with `STEER_*` variables on top. Unknown keys are errors."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
import yaml
from pydantic import Field, ValidationError

from steersman.app.model_settings import ModelName, ModelsSettings
from steersman.app.section import Section, keys
from steersman.app.systems.alertmanager import AlertmanagerSettings
from steersman.app.systems.apis import ApisSettings
from steersman.app.systems.argocd import ArgocdSettings
from steersman.app.systems.ci import CiSettings
from steersman.app.systems.dns import DnsSettings
from steersman.app.systems.forge import ForgeSettings
from steersman.app.systems.grafana import GrafanaSettings
from steersman.app.systems.helm import HelmSettings
from steersman.app.systems.http import HttpSettings
from steersman.app.systems.jaeger import JaegerSettings
from steersman.app.systems.kubernetes import KubernetesSettings
from steersman.app.systems.load import LoadSettings
from steersman.app.systems.loki import LokiSettings
from steersman.app.systems.mcp import McpServerSettings
from steersman.app.systems.postgres import PostgresSettings
from steersman.app.systems.prometheus import PrometheusSettings
from steersman.app.systems.pushgateway import PushgatewaySettings
from steersman.app.systems.registry import RegistrySettings
from steersman.app.systems.remote_write import RemoteWriteSettings
from steersman.app.systems.scan import ScanSettings
from steersman.app.systems.tempo import TempoSettings
from steersman.app.systems.tls import TlsSettings
from steersman.app.systems.vault import VaultSettings
from steersman.domain.environment import Tier
from steersman.domain.errors import ConfigError
from steersman.domain.policy import Mode

PREFIX = "STEER_"


class ApprovalSettings(Section):
    """How approvals are asked for."""

    ttl_s: float = Field(default=3_600, gt=0, le=7 * 86_400)
    """Seconds until an approval that nobody has used is void; silence is never consent."""


class PolicySettings(Section):
    """Rules of the operator on top of those that are shipped."""

    files: tuple[Path, ...] = ()
    """YAML files with rules, freeze windows and additions to the protected set; relative to the configuration file."""


class PrincipalSettings(Section):
    """Roles of people and services, by id; the local user is `local:NAME`."""

    roles: dict[str, frozenset[str]] = {}
    """Roles by principal id, for example `{"local:min": ["operator", "approver"]}`; these replace the default."""
    local_default: frozenset[str] = frozenset({"operator", "approver"})
    """Roles of the local user when `roles` does not name them."""


class GateSettings(Section):
    """Limits of the gate."""

    parallel_calls: int = Field(default=8, ge=1, le=256)
    """Calls that one toolset may have under way at once."""


class JournalSettings(Section):
    """Where the journal is."""

    url: str = ""
    """Empty: SQLite under `home`. `postgresql://...` for a shared one."""


class KnowledgeSettings(Section):
    """Where scenarios are kept, and what finds them by meaning."""

    url: str = ""
    """Empty: one file under `home`. `qdrant+http(s)://...` or `postgresql://...` (with pgvector) for a team."""
    namespace: str = Field(default="default", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """Whose scenarios: those of one namespace are never seen from another."""
    embedder: str = "auto"
    """`auto` (the `recall` extra where it is installed, else words alone), `words`, `use`, `e5`, or the URL of a server
    that speaks OpenAI's embeddings protocol: `https://host/v1?model=NAME&dimension=768`.
    """
    embedder_key: str = ""
    """Key for that server, as `env:NAME` or `file:PATH`."""


class EnvironmentSettings(Section):
    """One environment: what it is, and the systems that act on it and see it."""

    tier: Tier
    """`prod`, `staging` or `lab`: rules depend on it."""
    kind: str = Field(default="", pattern=r"^[a-z][a-z0-9_]*$|^$")
    """Which platform it is, for scenarios that are made for one; empty: `kubernetes` where there is a cluster, else
    its only system.
    """
    prometheus: PrometheusSettings | None = None
    kubernetes: KubernetesSettings | None = None
    argocd: ArgocdSettings | None = None
    load: LoadSettings | None = None
    loki: LokiSettings | None = None
    tempo: TempoSettings | None = None
    jaeger: JaegerSettings | None = None
    alertmanager: AlertmanagerSettings | None = None
    grafana: GrafanaSettings | None = None
    pushgateway: PushgatewaySettings | None = None
    remote_write: RemoteWriteSettings | None = None
    forge: ForgeSettings | None = None
    ci: CiSettings | None = None
    helm: HelmSettings | None = None
    registry: RegistrySettings | None = None
    scan: ScanSettings | None = None
    tls: TlsSettings | None = None
    http: HttpSettings | None = None
    dns: DnsSettings | None = None
    vault: VaultSettings | None = None
    postgres: PostgresSettings | None = None
    apis: ApisSettings | None = None
    mcp: dict[str, McpServerSettings] = {}


class Settings(Section):
    """All of the configuration."""

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("steersman")))
    """State: journal, keys, labs, captures. `STEER_HOME`."""
    mode: Mode = "review"
    """`read-only`, `suggest`, `review` or `autonomous`."""
    language: Literal["auto", "en", "ko"] = "auto"
    """Language of cards, prompts and reports; auto follows the goal, then the locale."""
    approvals: ApprovalSettings = ApprovalSettings()
    policy: PolicySettings = PolicySettings()
    principals: PrincipalSettings = PrincipalSettings()
    gate: GateSettings = GateSettings()
    journal: JournalSettings = JournalSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    model: ModelName = ""
    """The language model, as `google_genai:gemini-2.5-flash`, `openai:...`, `anthropic:...`, `ollama:...` or
    `llama_cpp:...`; empty: everything works without one.
    """
    models: ModelsSettings = ModelsSettings()
    environment: str = ""
    """The environment that commands are about when they name none; empty: the lab that is up."""
    environments: dict[str, EnvironmentSettings] = {}


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The configuration in force.

    path: a file that must exist; without it `STEER_CONFIG`, then `./steersman.yaml`, then the XDG configuration folder.
    Raises ConfigError naming the file, the key, why, and the nearest known key.
    """
    variables = os.environ if environ is None else environ
    found = path or _find(variables)
    data = _read(found) if found else {}
    origin = str(found) if found else "the environment"
    merged = _overlay(data, variables)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as e:
        raise ConfigError("; ".join(_explain(error, origin) for error in e.errors())) from e
    base = found.parent if found else Path.cwd()
    files = tuple(base / name for name in settings.policy.files)
    policy = settings.policy.model_copy(update={"files": files})
    return settings.model_copy(update={"policy": policy, "home": settings.home.expanduser().absolute()})


def _find(variables: Mapping[str, str]) -> Path | None:
    if named := variables.get("STEER_CONFIG"):
        return Path(named)
    candidates = (Path("steersman.yaml"), Path(platformdirs.user_config_dir("steersman")) / "steersman.yaml")
    return next((path for path in candidates if path.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"cannot read {str(path)!r}: {e.strerror}; mend the path or unset STEER_CONFIG") from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise ConfigError(f"{str(path)!r} is not YAML: {' '.join(str(e).split())}") from e
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{str(path)!r} holds a {type(data).__name__}, wants keys such as `mode: review`")
    return data


def _overlay(data: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """`STEER_APPROVALS__TTL_S=60` sets `approvals.ttl_s`; values are YAML."""
    merged = dict(data)
    for name, raw in sorted(variables.items()):
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        keys = name.removeprefix(PREFIX).lower().split("__")
        here = merged
        for key in keys[:-1]:
            inner = here.get(key)
            here[key] = dict(inner) if isinstance(inner, dict) else {}
            here = here[key]
        try:
            here[keys[-1]] = raw if keys == ["home"] else yaml.safe_load(raw)
        except yaml.YAMLError as e:
            raise ConfigError(f"{name}={raw!r} is not a YAML value") from e
    return merged


RESERVED = frozenset({"STEER_CONFIG"})


def _explain(error: Any, origin: str) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(path, _keys_near(error["loc"]), n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else "; `steer config schema` lists all keys"
        return f"{origin}: unknown key {path!r}{hint}"
    return (
        f"{origin}: {path} = {_shown(path, error['input'])}: {error['msg']}; `steer config schema` says what it takes"
    )


def _shown(path: str, value: Any) -> str:
    """What stands there, unless it may be a secret: whoever writes one in the place of a reference must not see it."""
    from steersman.app.secrets import redactor

    name = path.rpartition(".")[2]
    plain = value if isinstance(value, (str, int, float, bool)) or value is None else type(value).__name__
    return repr(redactor().document({name: plain})[name])


def _keys_near(place: tuple[str | int, ...]) -> list[str]:
    """Known keys, with the operator's own names in place of `NAME`."""
    known = [key.split(".") for key in known_keys()]
    return [
        ".".join(str(place[i]) if part == "NAME" and i < len(place) else part for i, part in enumerate(parts))
        for parts in known
    ]


def known_keys() -> tuple[str, ...]:
    """Every key of the configuration, dotted; `NAME` stands for a name of the operator's."""
    return tuple(key for key, _ in keys(Settings))
