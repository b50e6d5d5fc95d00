"""Requests that show whether a service works and that change nothing."""

from __future__ import annotations

import json

from steersman.lab.kit.identity import Service
from steersman.lab.wire.message import Request

QUOTE = {"order_id": "smoke", "amount": 1_250, "customer": {"name": "smoke", "tier": "gold"}}
TOTALS = {"items": [{"sku": "a", "quantity": 1}], "prices": {"a": 250}}


def smoke_requests(service: Service) -> list[Request]:
    """The requests of one round."""
    ready = Request("GET", "/-/ready")
    match service:
        case "front":
            return [ready, Request("GET", "/browse", "category=boats")]
        case "catalog":
            return [ready, Request("GET", "/products", "category=boats"), Request("GET", "/prices", "skus=boats-01")]
        case "checkout":
            return [ready, Request("POST", "/totals", body=json.dumps(TOTALS).encode())]
        case "payments":
            return [ready, Request("POST", "/quote", body=json.dumps(QUOTE).encode())]
