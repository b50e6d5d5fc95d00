"""Figures of a load run in a real Pushgateway, and in a real Prometheus by remote write, asked back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.toolsets.servers import binary, free_port, running

from steersman.domain.errors import ToolError
from steersman.domain.load_samples import MetricSample
from steersman.remote.endpoint import Endpoint, identity, open_client
from steersman.remote.exchange import Remote, Request
from steersman.toolsets.prometheus import PrometheusClient
from steersman.toolsets.prometheus.facts import InstantQuery
from steersman.toolsets.pushgateway import STARTED, Group, Push, PushgatewayToolset
from steersman.toolsets.remote_write import RemoteWriteToolset, Write

pytestmark = pytest.mark.integration
LABELS = {"run": "nightly-1", "profile": 'odd "name" \\ 한', "generator": "k6"}


def samples(started: float = 1_790_000_000.123) -> tuple[MetricSample, ...]:
    plain = {"steersman_load_requests": 1_200.0, "steersman_load_rate": 19.97, STARTED: started}
    gauges = [MetricSample(family=name, name=name, labels=LABELS, value=value) for name, value in plain.items()]
    family = "steersman_load_duration_seconds"
    parts = {("bucket", "0.1"): 900, ("bucket", "+Inf"): 1_200, ("sum", ""): 61.5, ("count", ""): 1_200}
    rows = [
        MetricSample(
            family=family,
            kind="histogram",
            name=f"{family}_{part}",
            labels={**LABELS, **({"le": le} if le else {})},
            value=value,
        )
        for (part, le), value in parts.items()
    ]
    return (*gauges, *rows)


@pytest.fixture
async def pushgateway(tmp_path: Path) -> AsyncIterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    listening = f"--web.listen-address={url.removeprefix('http://')}"
    arguments = [
        binary("prometheus-pushgateway"),
        listening,
        "--persistence.file=",
    ]  # Debian's default is the machine's
    async with running(arguments, url, tmp_path / "pushgateway.log"):
        yield url


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1m}\n")
    arguments = [
        binary("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--web.enable-remote-write-receiver",
    ]
    async with running(arguments, url, tmp_path / "prometheus.log"):
        yield url


async def test_a_pushgateway_shows_a_run_once_and_lets_it_go(pushgateway: str) -> None:
    endpoint = Endpoint(url=pushgateway)
    async with open_client(endpoint) as http:
        remote = Remote.at("pushgateway", http, endpoint)
        toolset = PushgatewayToolset(remote, identity("pushgateway", "t", "lab", endpoint=endpoint))
        assert await toolset.version()
        run = Group(run="nightly-1")
        assert not (await toolset.get_run(run)).exists
        for _ in range(2):
            await toolset.push_run(Push(run="nightly-1", samples=samples()))
        assert (await toolset.get_run(run)).exists
        shown = (await remote.ask(Request("GET", "/metrics"))).text
        assert 'steersman_load_duration_seconds_bucket{generator="k6",instance="",job="steersman_load"' in shown
        assert 'profile="odd \\"name\\" \\\\ 한"' in shown
        with pytest.raises(ToolError, match="another run"):
            await toolset.push_run(Push(run="nightly-1", samples=samples(started=1.0)))
        await toolset.delete_run(run)
        assert not (await toolset.get_run(run)).exists
        await toolset.delete_run(run)


async def test_prometheus_takes_a_run_by_remote_write_and_gives_every_number_back(receiver: str) -> None:
    now = datetime.now(UTC)
    asked, written = Endpoint(url=receiver), Endpoint(url=f"{receiver}/api/v1/write")
    async with open_client(asked) as reading, open_client(written) as writing:
        toolset = RemoteWriteToolset(
            Remote.at("remote_write", writing, written), identity("remote_write", "t", "lab", endpoint=written)
        )
        write = Write(run="nightly-1", at_ms=round(now.timestamp() * 1_000), samples=samples())
        for _ in range(2):
            assert (await toolset.push_run(write)).samples == len(samples())
        client = PrometheusClient(Remote.at("prometheus", reading, asked))
        answer = await client.query(InstantQuery(query='{run="nightly-1"}', time=now + timedelta(seconds=1)))
        found = {(row.labels["__name__"], row.labels.get("le", "")): row.points[0][1] for row in answer.series}
        assert found == {(each.name, each.labels.get("le", "")): each.value for each in samples()}
        assert {row.labels["profile"] for row in answer.series} == {LABELS["profile"]}
        old = write.model_copy(update={"at_ms": 1_000})
        with pytest.raises(ToolError, match="400"):
            await toolset.push_run(old)
