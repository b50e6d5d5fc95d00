"""Every convention of exporters that is known, by signal, the likeliest first."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.signal import SignalName
from steersman.queries.matching import number
from steersman.queries.signals import LABELS, QUANTILE, STATUS, Recipe


@dataclass(frozen=True, slots=True)
class Requests:
    """How a kind of server counts and times its requests."""

    total: str
    """A counter of requests."""
    failed: str
    """Matchers of those that failed; `$status` is the label of the status."""
    bucket: str = ""
    """The buckets of a histogram of their durations."""
    in_seconds: float = 1.0
    """Seconds in a unit of the histogram."""
    only: str = ""
    """Matchers that hold always."""
    service: tuple[str, ...] = ()
    status: tuple[str, ...] = STATUS


_5XX = '$status=~"5.."'
REQUESTS = (
    Requests("http_server_request_duration_seconds_count", _5XX, "http_server_request_duration_seconds_bucket"),
    Requests("http_server_duration_milliseconds_count", _5XX, "http_server_duration_milliseconds_bucket", 0.001),
    Requests("http_server_requests_seconds_count", _5XX, "http_server_requests_seconds_bucket"),
    Requests("http_request_duration_seconds_count", _5XX, "http_request_duration_seconds_bucket"),
    Requests("http_requests_total", _5XX, "http_request_duration_seconds_bucket"),
    Requests(
        "rpc_server_duration_milliseconds_count",
        '$status=~"2|4|8|13|14|15"',
        "rpc_server_duration_milliseconds_bucket",
        0.001,
        status=("rpc_grpc_status_code",),
    ),
    Requests(
        "grpc_server_handled_total",
        '$status=~"Unknown|DeadlineExceeded|ResourceExhausted|Internal|Unavailable|DataLoss"',
        "grpc_server_handling_seconds_bucket",
        status=("grpc_code",),
    ),
    Requests(
        "istio_requests_total",
        '$status=~"5..|0"',
        "istio_request_duration_milliseconds_bucket",
        0.001,
        only='reporter="destination"',
        service=(
            "destination_service_name",
            "destination_workload",
            "destination_canonical_service",
            "destination_app",
        ),
        status=("response_code",),
    ),
    Requests(
        "nginx_ingress_controller_requests",
        '$status=~"5.."',
        "nginx_ingress_controller_request_duration_seconds_bucket",
        service=("exported_service", "service", "ingress"),
        status=("status",),
    ),
    Requests(
        "traces_spanmetrics_calls_total",
        '$status="STATUS_CODE_ERROR"',
        "traces_spanmetrics_latency_bucket",
        only='span_kind="SPAN_KIND_SERVER"',
        status=("status_code",),
    ),
)


def _red(of: Requests) -> tuple[Recipe, ...]:
    held = f"{of.only}," if of.only else ""
    total = f"sum(rate({of.total}{{{held}$selector}}[$window]))"
    failed = f"sum(rate({of.total}{{{held}{of.failed},$selector}}[$window]))"
    counts = f"{total} * $seconds"
    # A service that never failed has no series of failures: zero then, but only where there are requests at all.
    ratio = f"({failed} or {total} * 0) / ({total} > 0)"
    return (
        Recipe("request_rate", of.total, total, counts, of.service),
        Recipe("error_rate", of.total, ratio, counts, of.service, of.status),
        *(_latency(of, signal, quantile, held) for signal, quantile in QUANTILE.items() if of.bucket),
    )


def _latency(of: Requests, signal: SignalName, quantile: float, held: str) -> Recipe:
    buckets = f"sum by (le) (rate({of.bucket}{{{held}$selector}}[$window]))"
    scale = "" if of.in_seconds == 1 else f" * {number(of.in_seconds)}"
    counts = f'sum(rate({of.bucket}{{{held}le="+Inf",$selector}}[$window])) * $seconds'
    return Recipe(signal, of.bucket, f"histogram_quantile({quantile}, {buckets}){scale}", counts, of.service)


def _gauge(signal: SignalName, metric: str, how: str = "avg", *, only: str = "") -> Recipe:
    held = f"{only}," if only else ""
    return Recipe(signal, metric, f"{how}({metric}{{{held}$selector}})")


def _rate(signal: SignalName, metric: str, *, only: str = "") -> Recipe:
    held = f"{only}," if only else ""
    return Recipe(signal, metric, f"avg(rate({metric}{{{held}$selector}}[$window]))")


def _share(signal: SignalName, used: str, limit: str, *, only: str = "") -> Recipe:
    held = f"{only}," if only else ""
    return Recipe(
        signal, used, f"max(sum by (instance) ({used}{{{held}$selector}}) / sum by (instance) ({limit}{{$selector}}))"
    )


_RUNNING = 'container!="",container!="POD"'
USE = (
    _gauge("cpu", "process_cpu_utilization_ratio"),
    Recipe(
        "cpu",
        "container_cpu_usage_seconds_total",
        f"avg(sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{{{_RUNNING},$selector}}[$window])))",
    ),
    _rate("cpu", "process_cpu_seconds_total"),
    _gauge("cpu", "jvm_cpu_recent_utilization_ratio"),
    Recipe("cpu", "node_cpu_seconds_total", '1 - avg(rate(node_cpu_seconds_total{mode="idle",$selector}[$window]))'),
    _gauge("memory", "process_memory_usage_bytes"),
    Recipe(
        "memory",
        "container_memory_working_set_bytes",
        f"avg(sum by (namespace, pod) (container_memory_working_set_bytes{{{_RUNNING},$selector}}))",
    ),
    _gauge("memory", "process_resident_memory_bytes"),
    Recipe(
        "memory",
        "node_memory_MemAvailable_bytes",
        "avg(node_memory_MemTotal_bytes{$selector} - node_memory_MemAvailable_bytes{$selector})",
    ),
    Recipe(
        "disk_latency",
        "node_disk_write_time_seconds_total",
        "max(rate(node_disk_write_time_seconds_total{$selector}[$window]) / "
        "(rate(node_disk_writes_completed_total{$selector}[$window]) > 0))",
    ),
    Recipe(
        "disk_latency",
        "db_client_operation_duration_seconds_bucket",
        "histogram_quantile(0.95, sum by (le) (rate(db_client_operation_duration_seconds_bucket{$selector}[$window])))",
        'sum(rate(db_client_operation_duration_seconds_bucket{le="+Inf",$selector}[$window])) * $seconds',
    ),
    _gauge("queue_depth", "messaging_queue_depth", "max"),
    _gauge("queue_depth", "queue_depth", "max"),
    _gauge("queue_depth", "rabbitmq_queue_messages_ready", "max"),
    Recipe(
        "queue_depth", "kafka_consumergroup_lag", "max(sum by (consumergroup) (kafka_consumergroup_lag{$selector}))"
    ),
    _gauge("queue_depth", "celery_queue_length", "max"),
    _gauge("pool_usage", "http_client_pool_usage_ratio", "max"),
    _share("pool_usage", "db_client_connection_count", "db_client_connection_max", only='state="used"'),
    _share("pool_usage", "db_client_connections_usage", "db_client_connections_max", only='state="used"'),
    _share("pool_usage", "hikaricp_connections_active", "hikaricp_connections_max"),
    _share("pool_usage", "go_sql_stats_connections_in_use", "go_sql_stats_connections_max_open"),
    _gauge("restarts", "kube_pod_container_status_restarts_total", "max"),
    _gauge("restarts", "container_restarts", "max"),
    Recipe("restarts", "process_start_time_seconds", "max(changes(process_start_time_seconds{$selector}[1h]))"),
    _gauge("up", "up"),
)


@dataclass(frozen=True, slots=True)
class CallMetric:
    """A counter of calls between services, as a mesh or a trace store keeps it."""

    metric: str
    callers: tuple[str, ...]
    """Labels that may name who calls, the likeliest first."""
    callees: tuple[str, ...]
    only: str = ""


CALLS = (
    CallMetric("traces_service_graph_request_total", ("client",), ("server",)),
    CallMetric(
        "istio_requests_total",
        ("source_canonical_service", "source_workload", "source_app"),
        ("destination_service_name", "destination_canonical_service", "destination_workload", "destination_app"),
        'reporter="source"',
    ),
    CallMetric("http_client_request_duration_seconds_count", LABELS["service"], ("peer_service", "server_address")),
    CallMetric("rpc_client_duration_milliseconds_count", LABELS["service"], ("peer_service", "server_address")),
)
"""Sources: Tempo's metrics generator, Istio standard metrics, OpenTelemetry semantic conventions."""
RECIPES: tuple[Recipe, ...] = (*(recipe for of in REQUESTS for recipe in _red(of)), *USE)


def recipes(signal: SignalName) -> tuple[Recipe, ...]:
    """Every way to measure a signal, the likeliest first."""
    return tuple(recipe for recipe in RECIPES if recipe.signal == signal)
