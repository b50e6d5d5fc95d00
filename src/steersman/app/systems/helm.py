"""Helm on a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from steersman.app.section import Section
from steersman.app.systems.opened import Opened, Opening


class ChartSettings(Section):
    """Where a chart comes from."""

    source: str = Field(pattern=r"^[A-Za-z0-9./_~][^\x00-\x1f]{0,500}$")
    """A folder, `oci://HOST/PATH`, or the chart's name in `repository`."""
    repository: str = Field(default="", pattern=r"^(https?://[^\x00-\x20]{1,500})?$")
    """URL of a chart repository."""


class HelmSettings(Section):
    """The `helm` program and what it may install."""

    program: str = "helm"
    """Its name on PATH, or its path."""
    kubeconfig: Path | None = None
    """Empty: `KUBECONFIG`, then `~/.kube/config`."""
    context: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._:/@-]{0,200})?$")
    """Context of the kubeconfig; empty: its current one."""
    charts: dict[str, ChartSettings] = {}
    """Charts that may be installed, by their own name."""
    pass_environment: tuple[str, ...] = ()
    """Variables that programs named by the kubeconfig need, such as `AWS_PROFILE`; no others are passed on."""
    timeout_s: float = Field(default=300.0, gt=0, le=3_600)
    """Seconds that Helm may wait for objects to be ready."""


@asynccontextmanager
async def opened(settings: HelmSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is run yet."""
    from steersman.domain.environment import Environment
    from steersman.toolsets.helm import Chart, Helm, HelmToolset

    place, url, uid = _cluster(settings)
    charts = {name: Chart(_source(each.source), each.repository) for name, each in settings.charts.items()}
    helm = Helm(
        program=settings.program,
        home=opening.home / "helm",
        charts=charts,
        kubeconfig=place,
        context=settings.context,
        passed=settings.pass_environment,
        timeout_s=settings.timeout_s,
    )
    where = Environment(kind="helm", name=opening.name, uid=uid, url=url, tier=opening.tier)
    yield Opened(HelmToolset(helm, where, opening.clock), where)


def _source(text: str) -> str:
    """A folder as an absolute path: `./x` and `x` are then the same, and no option."""
    place = Path(text).expanduser()
    return str(place.resolve()) if place.is_dir() else text


def _cluster(settings: HelmSettings) -> tuple[Path, str, str]:
    """The kubeconfig, the server that its context names, and an id of that server: its address and authority."""
    import hashlib
    import os

    import yaml

    from steersman.domain.errors import ConfigError

    named = settings.kubeconfig or Path(os.environ.get("KUBECONFIG") or "~/.kube/config")
    place = named.expanduser().resolve()
    try:
        document: Any = yaml.safe_load(place.read_text(encoding="utf-8"))
        wanted = settings.context or document["current-context"]
        context = next(each["context"] for each in document["contexts"] if each["name"] == wanted)
        cluster = next(each["cluster"] for each in document["clusters"] if each["name"] == context["cluster"])
        url = str(cluster["server"])
    except OSError as e:
        raise ConfigError(f"helm: kubeconfig {str(place)!r} cannot be read: {e.strerror}") from e
    except (yaml.YAMLError, KeyError, TypeError, StopIteration, UnicodeDecodeError) as e:
        raise ConfigError(f"helm: kubeconfig {str(place)!r} has no such context, or is none") from e
    authority = str(cluster.get("certificate-authority-data") or cluster.get("certificate-authority") or "")
    return place, url, hashlib.sha256(f"helm\n{url}\n{authority}".encode()).hexdigest()[:16]
