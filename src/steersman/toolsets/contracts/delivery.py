"""Delivery: Helm, the gateway, feature flags, CI, the forge, the registry, the CDN, DNS."""

from __future__ import annotations

from steersman.domain.operation import Operation
from steersman.toolsets.contracts.thing import COUNT, FLAG, NAME, OBJECT, PERCENT, TEXT, WORDS, Thing, reading

NAMED = {"namespace": NAME, "name": NAME}
ROUTE = Thing(
    "gateway",
    "route",
    keys={"service": NAME},
    state={"weights": OBJECT, "requests_per_second": COUNT, "timeout_ms": COUNT, "retries": COUNT, "fallback": FLAG},
)
REGION = Thing("gateway", "regions", keys={"service": NAME}, state={"shares": OBJECT}, observed={"healthy": FLAG})
RULE = Thing("gateway", "firewall_rule", keys={"name": NAME}, state={"match": TEXT, "action": NAME})
FLAGS = Thing("flags", "flag", keys={"name": NAME}, state={"enabled": FLAG, "percent": PERCENT})
RECORD = Thing("dns", "record", keys={"name": NAME}, state={"kind": NAME, "value": NAME, "ttl_s": COUNT})
CACHE = Thing("cdn", "path", keys={"path": NAME}, state={"generation": NAME})

OPERATIONS: tuple[Operation, ...] = (
    ROUTE.change("set_rate_limit", "Limits the requests per second of a route", "requests_per_second"),
    ROUTE.change("set_timeout", "Sets timeout and number of retries of a route", "timeout_ms retries"),
    ROUTE.change("set_fallback", "Answers from the fallback instead of the dependency", "fallback"),
    *REGION.reads(),
    REGION.change("set_regions", "Sets the shares of traffic of regions", "shares", blast="environment"),
    *RULE.reads(),
    *RULE.create("create_firewall_rule", blast="environment"),
    *FLAGS.reads(),
    FLAGS.change("set_flag", "Turns a feature flag on or off, for a share of users", "enabled percent"),
    *RECORD.reads(),
    RECORD.change("set_record", "Changes a DNS record", "kind value ttl_s", blast="environment"),
    *CACHE.reads(),
    CACHE.final("purge", "Drops what the edge holds of a path", "generation"),
    reading(
        "forge.scan_secrets",
        "Looks for secrets in the history of a repository",
        {"repository": NAME},
        {"count": COUNT, "kinds": WORDS},
    ),
)
