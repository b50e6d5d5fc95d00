"""A cluster double and a Prometheus that says what a file says, in a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml

from steersman.testing.kubernetes import Cluster, kubeconfig, served

REQUESTS, CPU, DEPTH = "http_server_request_duration_seconds_count", "process_cpu_utilization_ratio", "queue_depth"
SHOWN = ("deployments.apps", "rollouts.argoproj.io", "horizontalpodautoscalers.autoscaling")
NAMES = {
    "label/__name__/values": [REQUESTS, CPU, DEPTH],
    "labels": ["__name__", "service", "http_response_status_code"],
    "label/service/values": ["pay", "cart", "worker"],
}


async def prometheus(folder: Path) -> asyncio.Server:
    """Every question about a range is answered with the number in `value`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        path = urlsplit(head.split(" ")[1])
        asked = {**parse_qs(path.query), **parse_qs(body)}
        query = asked.get("query", [""])[0]
        counts = "rate(" in query and " or " not in query and "cpu" not in query
        value = "1000" if counts else (folder / "value").read_text().strip()
        result: object = NAMES.get(path.path.removeprefix("/api/v1/"), [])
        if path.path.endswith("query_range"):
            start, end, step = (float(asked[name][0]) for name in ("start", "end", "step"))
            times = [start + step * i for i in range(int((end - start) / step) + 1)]
            # What stands still is no sign of life: the last digits move, from each point to the next, without a trend.
            moving = [(t, (int(t * 1_000) * 7919) % 11) for t in times]
            level = 40.0 if DEPTH in query else float(value)
            values = [[t, f"{level * (1 + 0.01 * by):.6g}"] for t, by in moving]
            result = [{"metric": {}, "values": values}]
        elif path.path.endswith("query"):
            result = [{"metric": {}, "value": [time.time(), value]}]
        kind = "matrix" if path.path.endswith("query_range") else "vector"
        data: object = {"resultType": kind, "result": result} if "query" in path.path else result
        body = json.dumps({"status": "success", "data": data})
        encoded = body.encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
        writer.write(f"content-length: {len(encoded)}\r\n\r\n".encode() + encoded)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def main(folder: Path) -> None:
    cluster = Cluster(folder.name, virtual=False)
    cluster.make(*filter(None, yaml.safe_load_all((folder / "objects.yaml").read_text())))
    (folder / "value").write_text("0.01")
    metrics = await prometheus(folder)
    async with served(cluster) as url:
        path = kubeconfig(url, folder)
        said = {"kubeconfig": str(path), "prometheus": f"http://127.0.0.1:{metrics.sockets[0].getsockname()[1]}"}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        written = 0
        while True:
            await asyncio.sleep(0.2)
            if cluster.store.version == written:
                continue
            written = cluster.store.version
            shown = [each for name in SHOWN for each in cluster.store.all(name)]
            (folder / "state.tmp").write_text(json.dumps(shown))
            (folder / "state.tmp").rename(folder / "state.json")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    asyncio.run(main(parser.parse_args().folder))
