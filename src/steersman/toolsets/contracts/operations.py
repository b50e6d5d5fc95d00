"""Observability, security, cost: what Prometheus, Alertmanager and Loki keep in files, cert-manager, IAM, cloud."""

from __future__ import annotations

from steersman.domain.operation import Operation
from steersman.toolsets.contracts.thing import COUNT, FLAG, NAME, NUMBER, PERCENT, TEXT, WORDS, Thing, reading

RULE = Thing(
    "prometheus",
    "rule",
    keys={"group": NAME, "name": NAME},
    state={"expression": TEXT, "for_s": COUNT, "severity": NAME},
)
ROUTE = Thing(
    "alertmanager", "route", keys={"name": NAME}, state={"receiver": NAME, "group_by": TEXT, "repeat_h": COUNT}
)
STREAM = Thing("loki", "stream", keys={"tenant": NAME}, state={"retention_days": COUNT, "mb_per_s": COUNT})
COLLECTOR = Thing(
    "otel",
    "collector",
    keys={"name": NAME},
    state={"sampling_percent": PERCENT, "exporter": NAME},
    observed={"ready": FLAG},
)
CERTIFICATE = Thing(
    "certmanager",
    "certificate",
    keys={"namespace": NAME, "name": NAME},
    state={"renewal_token": TEXT},
    observed={"ready": FLAG, "days_left": NUMBER},
)
ROLE = Thing(
    "iam",
    "role",
    keys={"name": NAME},
    state={"permissions": WORDS},
    observed={"unused_permissions": WORDS, "unused": COUNT},
)
INSTANCE = Thing(
    "cloud", "instance", keys={"name": NAME}, state={"size": NAME, "running": FLAG}, observed={"healthy": FLAG}
)
VOLUME = Thing("cloud", "volume", keys={"name": NAME}, state={"size_gb": COUNT, "attached_to": TEXT})
BUDGET = Thing("cloud", "budget", keys={"name": NAME}, state={"monthly_usd": COUNT, "alert_percent": COUNT})
NETWORK = Thing(
    "terraform",
    "workspace",
    keys={"name": NAME},
    state={"applied_digest": NAME},
    observed={"drifted": COUNT, "planned": COUNT},
)
OPERATIONS: tuple[Operation, ...] = (
    *RULE.reads(),
    *RULE.create("create_rule", blast="none"),
    RULE.change(
        "set_rule",
        "Changes expression, duration and severity of an alert rule",
        "expression for_s severity",
        blast="none",
    ),
    *ROUTE.reads(),
    ROUTE.change(
        "set_route", "Changes receiver, grouping and repetition of a route", "receiver group_by repeat_h", blast="none"
    ),
    *STREAM.reads(),
    STREAM.change(
        "set_stream", "Sets retention and rate limit of a tenant's logs", "retention_days mb_per_s", blast="namespace"
    ),
    *COLLECTOR.reads(),
    *COLLECTOR.create("create_collector", blast="namespace"),
    COLLECTOR.change("set_sampling", "Sets the share of traces that are kept", "sampling_percent", blast="namespace"),
    *CERTIFICATE.reads(),
    CERTIFICATE.final(
        "renew", "Has a certificate issued again; the former one stays valid until it expires", "renewal_token"
    ),
    *ROLE.reads(),
    ROLE.change("set_permissions", "Sets the permissions of a role", "permissions", blast="environment"),
    *INSTANCE.reads(),
    INSTANCE.change("resize", "Changes the size of an instance; it restarts", "size", blast="instance"),
    *VOLUME.reads(),
    VOLUME.change("grow_volume", "Changes the size of a volume", "size_gb", blast="instance"),
    *BUDGET.reads(),
    BUDGET.change("set_budget", "Sets a budget and when it alerts", "monthly_usd alert_percent", blast="none"),
    *NETWORK.reads(),
    NETWORK.change("apply_workspace", "Applies a reviewed plan by its digest", "applied_digest", blast="environment"),
    reading(
        "cloud.costs",
        "Cost of a scope over days",
        {"scope": NAME, "days": COUNT},
        {"usd": NUMBER, "rise_percent": NUMBER, "top": WORDS},
    ),
)
