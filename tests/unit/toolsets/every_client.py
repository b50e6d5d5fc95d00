"""Every telemetry toolset on a given server, and good arguments for each of its operations."""

from collections.abc import Callable

from steersman.domain.fact import JsonObject
from steersman.domain.ports import Toolset
from steersman.remote.endpoint import Endpoint, identity
from steersman.remote.exchange import Remote
from steersman.toolsets.prometheus import PrometheusClient, PrometheusToolset

ENDPOINT = Endpoint(url="http://server.test:9090")
WINDOW: JsonObject = {"start": 1795387951, "end": 1795389441}


def prometheus(remote: Remote) -> Toolset:
    return PrometheusToolset(PrometheusClient(remote), identity("prometheus", "test", "lab", endpoint=ENDPOINT))


CLIENTS: dict[str, Callable[[Remote], Toolset]] = {"prometheus": prometheus}
ARGUMENTS: dict[str, JsonObject] = {
    "prometheus.query": {"query": "up"},
    "prometheus.range": {"query": "up", "step": 60, **WINDOW},
    "prometheus.series": {"match": ["up"]},
    "prometheus.label_values": {"label": "job"},
    "prometheus.exemplars": {"query": "up", **WINDOW},
}


def arguments_of(operation: str) -> JsonObject:
    return ARGUMENTS.get(operation, {})
