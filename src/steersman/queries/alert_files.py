"""Alerts as Alertmanager (webhook, version 4) and Grafana (version 1) send them, read by code.

Labels and times are taken; what an alert says in words is untrusted and is not read at all.
Sources: prometheus.io, "Webhook configuration"; grafana.com, "Configure webhook notifications".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, Instant
from steersman.queries.signals import LABELS

MAX_BYTES = 5_000_000
MAX_ALERTS = 10_000
ALERTMANAGER, GRAFANA = "4", "1"
ABOUT = tuple(name for name in LABELS["service"] if name not in {"job", "exported_job", "container", "pod"})
_EXPORTER = re.compile(r"kube-state-metrics|node-exporter|cadvisor|kubelet|blackbox")
_POD = re.compile(r"(-[a-f0-9]{6,10})?-[a-z0-9]{5}$|-[0-9]+$")
"""What workloads add to their own name for each pod."""
_NO_END_YEAR = 1
"""Alertmanager writes an alert that has not ended as one that ended in the year 1."""


class Alert(Fact):
    """One alert. Labels are untrusted text."""

    fingerprint: str
    name: str
    service: str
    """By the likeliest of its labels; empty when none names one."""
    firing: bool
    started_at: Instant
    ended_at: Instant | None
    labels: dict[str, str]


class AlertFile(Fact):
    """What was sent at once."""

    sender: Literal["alertmanager", "grafana"]
    alerts: tuple[Alert, ...]
    """Those that fire first, each of these by when it began."""
    left_out: int
    """Alerts of the group that the sender left out."""

    @property
    def first(self) -> Alert:
        """The alert that an investigation begins with: of those that fire the oldest, else the last that ended."""
        return self.alerts[0]


class _SentAlert(BaseModel):
    """Strict in what is read; other keys come and go with versions and are passed over."""

    model_config = ConfigDict(strict=True, extra="ignore")

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: AwareDatetime = Field(alias="startsAt", strict=False)
    ends_at: AwareDatetime | None = Field(default=None, alias="endsAt", strict=False)
    fingerprint: str = Field(default="", max_length=200)


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    version: Literal["4", "1"]
    alerts: list[_SentAlert] = Field(min_length=1, max_length=MAX_ALERTS)
    group_labels: dict[str, str] = Field(default={}, alias="groupLabels")
    common_labels: dict[str, str] = Field(default={}, alias="commonLabels")
    left_out: int = Field(default=0, ge=0, alias="truncatedAlerts")


def read_alerts(text: bytes) -> AlertFile:
    """The alerts of a payload. Raises InputError for anything but what Alertmanager or Grafana send."""
    if len(text) > MAX_BYTES:
        raise InputError(f"{len(text)} bytes are no alert payload; at most {MAX_BYTES} are read")
    try:
        sent = _Sent.model_validate_json(text)
    except ValidationError as e:
        first = e.errors()[0]
        place = "/".join(map(str, first["loc"])) or "the text"
        raise InputError(
            f"no alert payload of Alertmanager (version 4) or Grafana (version 1): {place}: {first['msg']}"
        ) from e
    shared = {**sent.common_labels, **sent.group_labels}
    found = [_alert(alert, shared) for alert in sent.alerts]
    found.sort(key=_order)
    return AlertFile(
        sender="alertmanager" if sent.version == ALERTMANAGER else "grafana",
        alerts=tuple(found),
        left_out=sent.left_out,
    )


def _alert(sent: _SentAlert, shared: dict[str, str]) -> Alert:
    ended = sent.ends_at if sent.ends_at is not None and sent.ends_at.year > _NO_END_YEAR else None
    return Alert(
        fingerprint=sent.fingerprint,
        name=sent.labels.get("alertname", ""),
        service=service_of(sent.labels) or service_of(shared),
        firing=sent.status == "firing",
        started_at=sent.starts_at,
        ended_at=None if sent.status == "firing" else ended,
        labels=sent.labels,
    )


def service_of(labels: Mapping[str, str]) -> str:
    """The service that an alert is about, by the likeliest label; empty when none says.

    Exporters are passed over: what they measure is something else.
    """
    known = {name: value for name, value in labels.items() if value and not _EXPORTER.search(value)}
    found = next((known[name] for name in ABOUT if name in known), "")
    if found or "pod" not in known:
        return found or known.get("container", "") or known.get("job", "").rpartition("/")[2]
    return _POD.sub("", known["pod"])


def _order(alert: Alert) -> tuple[bool, float]:
    """Firing ones by their beginning; ended ones after them, the last that ended first."""
    if alert.firing:
        return False, alert.started_at.timestamp()
    return True, -(alert.ended_at or alert.started_at).timestamp()
