"""Every telemetry toolset on a given server, and good arguments for each of its operations."""

from collections.abc import Callable

from tests.unit.toolsets.times import NOW

from steersman.domain.fact import JsonObject
from steersman.domain.ports import Toolset
from steersman.remote.endpoint import Endpoint, identity
from steersman.remote.exchange import Remote
from steersman.testing.clock import FakeClock
from steersman.toolsets.alertmanager import AlertmanagerClient, AlertmanagerToolset
from steersman.toolsets.grafana import GrafanaClient, GrafanaToolset
from steersman.toolsets.jaeger import JaegerClient, JaegerToolset
from steersman.toolsets.loki import LokiClient, LokiToolset
from steersman.toolsets.prometheus import Checker, PrometheusClient, PrometheusSource, PrometheusToolset
from steersman.toolsets.tempo import TempoClient, TempoToolset

ENDPOINT = Endpoint(url="http://server.test:9090")
WINDOW: JsonObject = {"start": 1795387951, "end": 1795389441}


def prometheus(remote: Remote, post_above_chars: int = 2_000) -> PrometheusToolset:
    client = PrometheusClient(remote, post_above_chars)
    checker = Checker(PrometheusSource(client, FakeClock(NOW)), FakeClock(NOW))
    return PrometheusToolset(client, identity("prometheus", "test", "lab", endpoint=ENDPOINT), checker)


def loki(remote: Remote) -> Toolset:
    return LokiToolset(LokiClient(remote), identity("loki", "test", "lab", endpoint=ENDPOINT), FakeClock(NOW))


def tempo(remote: Remote) -> Toolset:
    return TempoToolset(TempoClient(remote), identity("tempo", "test", "lab", endpoint=ENDPOINT))


def jaeger(remote: Remote) -> Toolset:
    return JaegerToolset(JaegerClient(remote), identity("jaeger", "test", "lab", endpoint=ENDPOINT))


def alertmanager(remote: Remote) -> Toolset:
    where = identity("alertmanager", "test", "lab", endpoint=ENDPOINT)
    return AlertmanagerToolset(AlertmanagerClient(remote), where, FakeClock(NOW))


def grafana(remote: Remote) -> Toolset:
    return GrafanaToolset(GrafanaClient(remote), identity("grafana", "test", "lab", endpoint=ENDPOINT))


BOARD: JsonObject = {"uid": "a", "folder_uid": "", "model": {"title": "A"}}
LOGS: JsonObject = {"matchers": [{"label": "app", "value": "a"}]}
COUNT: JsonObject = {"kind": "count", "of": LOGS, "range_s": 60}
CLIENTS: dict[str, Callable[[Remote], Toolset]] = {
    "prometheus": prometheus,
    "loki": loki,
    "tempo": tempo,
    "jaeger": jaeger,
    "alertmanager": alertmanager,
    "grafana": grafana,
}
ARGUMENTS: dict[str, JsonObject] = {
    "loki.logs": {"query": LOGS},
    "loki.range": {"query": COUNT, "step": 60, **WINDOW},
    "loki.query": {"query": COUNT},
    "loki.tail": {"query": LOGS, "follow_s": 1},
    "loki.follow": {"query": LOGS, "follow_s": 1},
    "loki.label_values": {"label": "app"},
    **{f"loki.{verb}": {"query": LOGS} for verb in ("series", "stats", "volume", "patterns")},
    **{f"loki.{verb}": {"query": LOGS} for verb in ("detected_fields", "detected_labels")},
    "loki.volume_range": {"query": LOGS, "step": 60, **WINDOW},
    "alertmanager.silence": {"id": "00000000-0000-0000-0000-000000000000"},
    "alertmanager.get_silence": {"name": "night"},
    "alertmanager.expire_silence": {"name": "night"},
    "alertmanager.create_silence": {
        "name": "night",
        "matchers": {"alertname": {"op": "=", "value": "HighLatency"}},
        "ends_at": "2026-11-23T00:19:16Z",
        "comment": "deployment",
    },
    "grafana.get_dashboard": {"uid": "a"},
    "grafana.panels": {"uid": "a"},
    "grafana.query_panel": {"uid": "a", "panel_id": 1, "step": 60, **WINDOW},
    "grafana.create_dashboard": BOARD,
    "grafana.update_dashboard": BOARD,
    "grafana.delete_dashboard": {"uid": "a"},
    "grafana.annotations": WINDOW,
    "grafana.get_annotation": {"name": "a"},
    "grafana.create_annotation": {"name": "a", "at_ms": 1, "text": "a", "tags": []},
    "grafana.delete_annotation": {"name": "a"},
    "jaeger.operations": {"service": "front"},
    "jaeger.search": {"service": "front", **WINDOW},
    "jaeger.trace": {"trace_id": "abc"},
    "tempo.trace": {"trace_id": "abc"},
    "tempo.tag_values": {"field": {"scope": "resource", "name": "service.name"}},
    "tempo.range": {"query": {}, "step": 60, **WINDOW},
    "tempo.query": {"query": {}, **WINDOW},
    "prometheus.check_query": {"signal": "cpu", "service": "a", "window_s": 600, "bound": 1},
    "prometheus.query": {"query": "up"},
    "prometheus.range": {"query": "up", "step": 60, **WINDOW},
    "prometheus.series": {"match": ["up"]},
    "prometheus.label_values": {"label": "job"},
    "prometheus.exemplars": {"query": "up", **WINDOW},
}


def arguments_of(operation: str) -> JsonObject:
    return ARGUMENTS.get(operation, {})
