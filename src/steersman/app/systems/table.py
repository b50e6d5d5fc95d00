"""The systems by name: the key under `environments.NAME`, and how each is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from steersman.app.systems import (
    alertmanager,
    apis,
    argocd,
    ci,
    dns,
    forge,
    grafana,
    helm,
    http,
    jaeger,
    kubernetes,
    load,
    loki,
    mcp,
    postgres,
    prometheus,
    pushgateway,
    registry,
    remote_write,
    scan,
    tempo,
    tls,
    vault,
)
from steersman.app.systems.opened import Opened, Opening

Opener = Callable[[Any, Opening], AbstractAsyncContextManager[Opened | tuple[Opened, ...]]]
"""Takes the system's own section; gives one system, or several of one kind."""

SYSTEMS: Mapping[str, Opener] = {
    "vault": vault.opened,
    "prometheus": prometheus.opened,
    "kubernetes": kubernetes.opened,
    "argocd": argocd.opened,
    "load": load.opened,
    "loki": loki.opened,
    "tempo": tempo.opened,
    "jaeger": jaeger.opened,
    "alertmanager": alertmanager.opened,
    "grafana": grafana.opened,
    "pushgateway": pushgateway.opened,
    "remote_write": remote_write.opened,
    "forge": forge.opened,
    "ci": ci.opened,
    "helm": helm.opened,
    "registry": registry.opened,
    "scan": scan.opened,
    "http": http.opened,
    "dns": dns.opened,
    "tls": tls.opened,
    "postgres": postgres.opened,
    "apis": apis.opened,
    "mcp": mcp.opened,
}
"""Vault comes first: what the others are configured with may lie there."""
