"""The toolsets against real servers of Debian: scraped, asked, silenced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from tests.integration.toolsets.servers import Exposition, binary, exporter, free_port, running

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Toolset
from steersman.domain.signal import Selector, Window
from steersman.queries.matching import Matcher, selector
from steersman.queries.signals import SignalSettings
from steersman.remote.endpoint import Endpoint, identity, open_client
from steersman.remote.exchange import Remote
from steersman.toolsets.alertmanager import AlertmanagerClient, AlertmanagerToolset
from steersman.toolsets.prometheus import Checker, PrometheusClient, PrometheusSource, PrometheusToolset

T = TypeVar("T")
PREFIX = "/metrics-store"
ALERTING = """
groups:
- name: shop
  rules:
  - {alert: PaymentsErrors, expr: 'up >= 0', labels: {service: payments}}
  - {alert: Broken, expr: 'http_server_request_duration_seconds_count * on(service) up'}
"""


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture
async def alertmanager(tmp_path: Path) -> AsyncIterator[str]:
    port = free_port()
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    arguments = [
        binary("prometheus-alertmanager"),
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    url = f"http://127.0.0.1:{port}"
    async with running(arguments, url, tmp_path / "alertmanager.log"):
        yield url


@pytest.fixture
async def prometheus(tmp_path: Path, alertmanager: str) -> AsyncIterator[str]:
    port = free_port()
    async with exporter(Exposition()) as scraped:
        (tmp_path / "rules.yml").write_text(ALERTING)
        (tmp_path / "prometheus.yml").write_text(
            "global: {scrape_interval: 250ms, evaluation_interval: 500ms}\n"
            "rule_files: [rules.yml]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager[7:]}']}}]}}]}}\n"
            "scrape_configs:\n"
            f"- {{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]}}\n"
            f"- {{job_name: down, static_configs: [{{targets: ['127.0.0.1:{free_port()}']}}]}}\n"
        )
        arguments = [
            binary("prometheus"),
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--web.route-prefix={PREFIX}",
        ]
        url = f"http://127.0.0.1:{port}{PREFIX}"
        async with running(arguments, url, tmp_path / "prometheus.log"):
            yield url


async def call(tools: Toolset, verb: str, arguments: JsonObject) -> JsonObject:
    binding = next(b for b in tools.bindings() if b.operation.name == f"{tools.name}.{verb}")
    return await binding.run(arguments, CallContext(key="k", deadline=datetime.now(UTC) + timedelta(minutes=1)))


async def until(ask: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
    async with asyncio.timeout(20):
        while not good(answer := await ask()):  # noqa: ASYNC110 - a server outside cannot set an event
            await asyncio.sleep(0.1)
    return answer


async def test_prometheus_is_asked_for_what_it_scraped(prometheus: str) -> None:
    endpoint = Endpoint(url=prometheus)
    async with open_client(endpoint) as http:
        client = PrometheusClient(Remote.at("prometheus", http, endpoint))
        tools = PrometheusToolset(
            client,
            identity("prometheus", "real", "lab", endpoint=endpoint),
            Checker(PrometheusSource(client, RealClock()), RealClock()),
        )
        assert (await tools.environment()).url == prometheus
        await until(
            lambda: call(tools, "query", {"query": "rate(http_server_request_duration_seconds_count[2s]) > 0"}),
            lambda answer: len(answer["series"]) == 2,
        )
        odd = await call(tools, "query", {"query": selector("odd_gauge", [Matcher(label="kind", value="nan")])})
        assert odd["series"][0]["points"][0][1] == "NaN"
        hostile = selector("odd_gauge", [Matcher(label="kind", value='quoted "x" \\ \n 한')])
        assert len((await call(tools, "query", {"query": hostile}))["series"]) == 1
        targets = (await call(tools, "targets", {}))["targets"]
        assert (targets[0]["health"], targets[-1]["health"]) == ("down", "up")
        rules = await until(lambda: call(tools, "rules", {}), lambda a: a["rules"][0]["health"] == "err")
        assert "many-to-many" in rules["rules"][0]["last_error"]
        meanings = await call(tools, "metadata", {"metric": "http_server_request_duration_seconds"})
        assert meanings["metrics"][0]["type"] == "histogram"
        names = await call(tools, "label_values", {"label": "__name__", "match": ['{service="payments"}']})
        assert "http_server_request_duration_seconds_bucket" in names["names"]
        with pytest.raises(ToolError, match="many-to-many"):
            await call(tools, "query", {"query": "http_server_request_duration_seconds_count * on(service) up"})


async def test_signals_are_found_without_being_told_where(prometheus: str) -> None:
    endpoint = Endpoint(url=prometheus)
    payments = Selector(service="payments", version="v2")
    async with open_client(endpoint) as http:
        client = PrometheusClient(Remote.at("prometheus", http, endpoint))
        eyes = PrometheusSource(client, RealClock(), SignalSettings(rate_window_s=2))

        async def error_rate() -> tuple[float, ...]:
            end = datetime.now(UTC)
            window = Window(start=end - timedelta(seconds=5), end=end, step_s=1)
            try:
                found = await eyes.range("error_rate", payments, window)
            except ToolError:
                return ()
            assert len(found.counts) == len(found.values)
            return found.values

        values = await until(error_rate, lambda values: len(values) >= 3)
        assert all(value == pytest.approx(0.25, abs=0.01) for value in values)
        end = datetime.now(UTC)
        window = Window(start=end - timedelta(seconds=2), end=end, step_s=1)
        latency = await eyes.range("latency_p95", payments, window)
        assert all(0.1 < value <= 0.25 for value in latency.values)
        assert latency.values
        assert (await eyes.range("up", Selector(service="down"), window)).values[-1] == 0.0
        assert (await eyes.range("error_rate", Selector(service="ghost"), window)).values == ()


async def test_a_silence_is_made_seen_and_ended(alertmanager: str, prometheus: str) -> None:
    endpoint = Endpoint(url=alertmanager)
    async with open_client(endpoint) as http:
        client = AlertmanagerClient(Remote.at("alertmanager", http, endpoint))
        where = identity("alertmanager", "real", "lab", endpoint=endpoint)
        tools = AlertmanagerToolset(client, where, RealClock())
        await tools.environment()
        named: JsonObject = {"name": "deploy-1"}
        ends_at = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        new: JsonObject = {
            **named,
            "matchers": {
                "alertname": {"op": "=", "value": "PaymentsErrors"},
                "service": {"op": "=~", "value": 'pay.*|quoted "x" \\\\ 한'},
            },
            "ends_at": ends_at,
            "comment": 'deployment of "v2"\nsecond line',
        }
        assert await call(tools, "get_silence", named) == {"exists": False}
        made = await call(tools, "create_silence", new)
        seen = await call(tools, "get_silence", named)
        assert seen == {"exists": True, **{key: new[key] for key in ("matchers", "ends_at", "comment")}}
        assert await call(tools, "create_silence", new) == made
        silenced = await until(
            lambda: call(tools, "alerts", {"filter": [{"label": "alertname", "value": "PaymentsErrors"}]}),
            lambda answer: any(alert["state"] == "suppressed" for alert in answer["alerts"]),
        )
        assert silenced["alerts"][0]["silenced_by"] == [made["id"]]
        assert await call(tools, "expire_silence", named) == {"ids": [made["id"]]}
        assert await call(tools, "expire_silence", named) == {"ids": []}
        assert await call(tools, "get_silence", named) == {"exists": False}
        assert (await call(tools, "silence", {"id": made["id"]}))["silence"]["state"] == "expired"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    endpoint = Endpoint(url=f"http://127.0.0.1:{free_port()}", timeout_s=2)
    async with open_client(endpoint) as http:
        client = PrometheusClient(Remote.at("prometheus", http, endpoint))
        tools = PrometheusToolset(
            client,
            identity("prometheus", "none", "lab", endpoint=endpoint),
            Checker(PrometheusSource(client, RealClock()), RealClock()),
        )
        with pytest.raises(UnavailableError, match="is it up"):
            await tools.environment()
