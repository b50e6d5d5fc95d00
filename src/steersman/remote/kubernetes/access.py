"""Where a cluster is and who we are there: a context of a kubeconfig, or the pod that we run in."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from steersman.domain.errors import ConfigError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
EXEC_VERSION = "client.authentication.k8s.io/v1"
IN_CLUSTER = "in-cluster"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A program that gives credentials, as `aws eks get-token` does. Run without a shell, and only when allowed."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    api_version: str = EXEC_VERSION


@dataclass(frozen=True, slots=True)
class Access:
    """One cluster and one identity."""

    context: str
    server: str
    namespace: str = "default"
    ca: bytes | None = None
    """PEM; None trusts what the machine trusts."""
    insecure: bool = False
    tls_name: str = ""
    token: SecretStr | None = None
    token_file: Path | None = None
    """Read again and again: tokens of pods are exchanged while they are used."""
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    basic: tuple[str, SecretStr] | None = None
    plugin: Plugin | None = None
    user: str = ""
    """Somebody that we act as."""
    groups: tuple[str, ...] = ()
    proxy: str = ""


def from_kubeconfig(context: str = "", *, files: tuple[Path, ...] = ()) -> Access:
    """A context of the kubeconfig, the current one without a name.

    files: else `KUBECONFIG`, else `~/.kube/config`; the first that names a thing wins, as kubectl has it.
    Raises ConfigError that says which contexts there are.
    """
    documents = [(path, _read(path)) for path in files or _found()]
    wanted = context or next((str(d["current-context"]) for _, d in documents if d.get("current-context")), "")
    if not wanted:
        raise ConfigError("the kubeconfig has no current context; set `context:` for the environment")
    chosen, _ = _named(documents, "contexts", wanted)
    cluster, cluster_folder = _named(documents, "clusters", str(chosen.get("cluster", "")))
    user, user_folder = _named(documents, "users", str(chosen.get("user", ""))) if chosen.get("user") else ({}, Path())
    server = str(cluster.get("server", ""))
    if not server.startswith(("http://", "https://")):
        raise ConfigError(f"context {wanted!r}: the server {server!r} is no URL")
    return Access(
        context=wanted,
        server=server.rstrip("/"),
        namespace=str(chosen.get("namespace") or "default"),
        ca=_bytes(cluster, "certificate-authority", cluster_folder),
        insecure=bool(cluster.get("insecure-skip-tls-verify", False)),
        tls_name=str(cluster.get("tls-server-name") or ""),
        proxy=str(cluster.get("proxy-url") or ""),
        **_identity(user, user_folder),
    )


def in_cluster(environ: Mapping[str, str] | None = None, folder: Path = ACCOUNT) -> Access:
    """The service account of the pod that we run in. Raises ConfigError when we run in none."""
    variables = os.environ if environ is None else environ
    host, port = variables.get("KUBERNETES_SERVICE_HOST", ""), variables.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (folder / "token").is_file():
        raise ConfigError("in_cluster: true, but this is no pod with a service account; name a `context:` instead")
    shown = f"[{host}]" if ":" in host else host
    namespace = (folder / "namespace").read_text(encoding="utf-8").strip() if (folder / "namespace").is_file() else ""
    return Access(
        context=IN_CLUSTER,
        server=f"https://{shown}:{port}",
        namespace=namespace or "default",
        ca=(folder / "ca.crt").read_bytes() if (folder / "ca.crt").is_file() else None,
        token_file=folder / "token",
    )


def _found() -> tuple[Path, ...]:
    listed = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    present = tuple(path for path in listed or [Path("~/.kube/config").expanduser()] if path.is_file())
    if not present:
        raise ConfigError("there is no kubeconfig: set KUBECONFIG, or `kubeconfig:` for the environment")
    return present


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.expanduser().read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"cannot read the kubeconfig {str(path)!r}: {e.strerror}") from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise ConfigError(f"the kubeconfig {str(path)!r} is not YAML") from e
    if not isinstance(document, dict):
        raise ConfigError(f"the kubeconfig {str(path)!r} holds no configuration")
    return document


def _named(documents: list[tuple[Path, dict[str, Any]]], part: str, name: str) -> tuple[dict[str, Any], Path]:
    known: list[str] = []
    for path, document in documents:
        for each in document.get(part) or []:
            known.append(str(each.get("name")))
            if each.get("name") == name:
                return dict(each.get(part[:-1]) or {}), path.expanduser().absolute().parent
    listed = ", ".join(sorted(known)) or "none"
    raise ConfigError(f"the kubeconfig has no {part[:-1]} {name!r}; there are: {listed}")


def _bytes(section: dict[str, Any], name: str, folder: Path) -> bytes | None:
    try:
        if section.get(f"{name}-data"):
            return base64.b64decode(section[f"{name}-data"], validate=True)
        if section.get(name):
            return (folder / str(section[name])).read_bytes()
    except (OSError, ValueError) as e:
        raise ConfigError(f"the kubeconfig's {name} cannot be read ({type(e).__name__}); mend it") from e
    return None


def _identity(user: dict[str, Any], folder: Path) -> dict[str, Any]:
    given: dict[str, Any] = {
        "certificate": _bytes(user, "client-certificate", folder),
        "key": _bytes(user, "client-key", folder),
        "user": str(user.get("as") or ""),
        "groups": tuple(map(str, user.get("as-groups") or ())),
    }
    if user.get("tokenFile"):
        given["token_file"] = folder / str(user["tokenFile"])
    elif user.get("token"):
        given["token"] = SecretStr(str(user["token"]))
    if user.get("username"):
        given["basic"] = (str(user["username"]), SecretStr(str(user.get("password") or "")))
    if user.get("exec"):
        spec = user["exec"]
        given["plugin"] = Plugin(
            str(spec["command"]),
            tuple(map(str, spec.get("args") or ())),
            {str(each["name"]): str(each["value"]) for each in spec.get("env") or []},
            str(spec.get("apiVersion") or EXEC_VERSION),
        )
    if user.get("auth-provider"):
        raise ConfigError("the kubeconfig uses auth-provider, which Kubernetes dropped in 1.26; use an exec plugin")
    return given
