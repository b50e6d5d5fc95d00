"""What the gate tells OpenTelemetry, seen by a real SDK in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, json, sys, tempfile
from pathlib import Path
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([reader]))

from tests.unit.gate.bench import STORE, bench, call, forward, step
from steersman.testing.toolset import Twist

async def main(folder):
    made = step("s", "set", {"name": "a", "items": ["the-argument"]})
    async with bench(folder) as b:
        grant = await b.stored(made)
        await b.gate.call(forward(made, grant))
        b.store.twist("get", Twist(before=ZeroDivisionError("the-argument")))
        for name in ("store.get", "evil." + "x" * 500):
            try:
                await b.gate.call(call(name, arguments={"name": "a"}, environment=STORE))
            except Exception:
                pass

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
print(json.dumps([json.loads(span.to_json()) for span in exporter.get_finished_spans()]))
print(reader.get_metrics_data().to_json(indent=None))
"""


def test_each_call_is_a_span_and_a_measurement_without_its_arguments():
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=True)
    spans, measured = (json.loads(line) for line in ran.stdout.strip().splitlines()[-2:])
    assert [span["name"] for span in spans] == [
        "call store.get",
        "call store.get",
        "call store.set",
        "call store.get",
        "call unknown",
    ]
    assert spans[0]["parent_id"] == spans[2]["context"]["span_id"]
    assert [span["attributes"].get("error.type") for span in spans[2:]] == [None, "ZeroDivisionError", "InputError"]
    assert "the-argument" not in ran.stdout
    assert "evil" not in ran.stdout
    (metric,) = measured["resource_metrics"][0]["scope_metrics"][0]["metrics"]
    assert (metric["name"], metric["unit"]) == ("steersman.gate.call.duration", "s")
    assert sum(point["count"] for point in metric["data"]["data_points"]) == 5
