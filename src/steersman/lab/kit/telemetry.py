"""OpenTelemetry of one process: traces, metrics and logs over OTLP/HTTP to the lab's collector."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import psutil
import requests  # noqa: F401 - the exporters import it when they are made; here it is imported once, before the forks
from opentelemetry import context as contexts
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from steersman.lab.kit.identity import Backend, Identity

EXPORT_MS = 400
METRICS_MS = 1_000
SCOPE = "steersman.lab"
SEVERITY = {
    "DEBUG": SeverityNumber.DEBUG,
    "INFO": SeverityNumber.INFO,
    "WARNING": SeverityNumber.WARN,
    "ERROR": SeverityNumber.ERROR,
    "CRITICAL": SeverityNumber.FATAL,
}


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The process's three providers."""

    traces: TracerProvider
    metrics: MeterProvider
    logs: LoggerProvider

    @property
    def tracer(self) -> Tracer:
        """Makes spans."""
        return self.traces.get_tracer(SCOPE)

    @property
    def meter(self) -> Meter:
        """Makes instruments."""
        return self.metrics.get_meter(SCOPE)

    def flush(self) -> None:
        """Sends what is still held; the collector may be gone."""
        self.traces.force_flush(1_000)
        self.logs.force_flush(1_000)
        self.metrics.force_flush(1_000)


class _OtlpHandler(logging.Handler):
    """Hands records of `logging` to OpenTelemetry, with the trace they belong to."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._logger = provider.get_logger(SCOPE)
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                context=contexts.get_current(),
                severity_text=record.levelname,
                severity_number=SEVERITY.get(record.levelname, SeverityNumber.INFO),
                body=self.format(record),
            )
        )


def start(identity: Identity, backend: Backend) -> Telemetry:
    """Telemetry under this identity; every process calls it once, after it was forked."""
    resource = Resource(
        {
            "service.name": identity.service,
            "service.instance.id": identity.instance,
            "service.version": identity.version,
            "deployment.pool": identity.pool,
        }
    )
    url = f"http://{backend.host}:{backend.port}/v1"
    headers = {"authorization": f"Bearer {backend.token}"}
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans = OTLPSpanExporter(endpoint=f"{url}/traces", headers=headers, timeout=2)
    traces.add_span_processor(BatchSpanProcessor(spans, max_queue_size=8_192, schedule_delay_millis=EXPORT_MS))
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    lines = OTLPLogExporter(endpoint=f"{url}/logs", headers=headers, timeout=2)
    logs.add_log_record_processor(BatchLogRecordProcessor(lines, schedule_delay_millis=EXPORT_MS))
    points = OTLPMetricExporter(endpoint=f"{url}/metrics", headers=headers, timeout=2)
    reader = PeriodicExportingMetricReader(points, export_interval_millis=METRICS_MS, export_timeout_millis=2_000)
    metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    telemetry = Telemetry(traces, metrics, logs)
    _observe_process(telemetry.meter)
    return telemetry


def logger_of(identity: Identity, telemetry: Telemetry) -> logging.Logger:
    """The process's logger: to OpenTelemetry, and to its standard error."""
    log = logging.getLogger(f"shop.{identity.service}")
    log.setLevel(logging.INFO)
    log.propagate = False
    plain = logging.StreamHandler()
    plain.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.handlers = [_OtlpHandler(telemetry.logs), plain]
    return log


def _observe_process(meter: Meter) -> None:
    process = psutil.Process()
    process.cpu_percent()

    def cpu(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(process.cpu_percent() / 100)

    def memory(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(process.memory_info().rss)

    meter.create_observable_gauge("process.cpu.utilization", [cpu], "1", "Share of one core")
    meter.create_observable_gauge("process.memory.usage", [memory], "By", "Resident memory")
