"""The labelled faults of the lab, and the controls that have none."""

from __future__ import annotations

from typing import Literal

from steersman.domain.fact import Fact
from steersman.domain.finding import FaultKind
from steersman.lab.kit.identity import Service

Seam = Literal["service", "version", "network", "world"]
"""Where it is switched: in the running service, by a release, in the proxy, or outside of the shop."""


class LabFault(Fact):
    """One way to make one service ill. Kind and service are its label."""

    kind: FaultKind
    service: Service
    seam: Seam
    version: str = ""
    """The release that has it, where the seam is `version`."""
    shows: str
    """What is seen of it, and where."""


FAULTS: tuple[LabFault, ...] = (
    LabFault(
        kind="error_bug",
        service="payments",
        seam="version",
        version="v2",
        shows="payments answers 500 for guests with an AttributeError in its log; checkout and front answer 502",
    ),
    LabFault(
        kind="error_bug",
        service="catalog",
        seam="service",
        shows="catalog answers 500 to every third request with a KeyError; front answers 502",
    ),
    LabFault(
        kind="wrong_result",
        service="checkout",
        seam="version",
        version="v2",
        shows="no errors and no delay; front warns that charges differ from baskets",
    ),
    LabFault(
        kind="latency_regression",
        service="payments",
        seam="version",
        version="v3",
        shows="payments takes 140 ms longer without computing more; checkout and front wait for it",
    ),
    LabFault(
        kind="n_plus_one",
        service="catalog",
        seam="version",
        version="v2",
        shows="25 database spans in one request of catalog; browsing is slower",
    ),
    LabFault(
        kind="memory_leak",
        service="catalog",
        seam="service",
        shows="memory of catalog rises by 16 MB a second up to 160 MB; its cache's warnings",
    ),
    LabFault(
        kind="memory_leak",
        service="front",
        seam="service",
        shows="memory of front rises by 16 MB a second up to 160 MB",
    ),
    LabFault(
        kind="cpu_burn",
        service="catalog",
        seam="service",
        shows="catalog computes a third of a core more; its requests wait for the interpreter",
    ),
    LabFault(kind="cpu_burn", service="checkout", seam="service", shows="checkout computes a third of a core more"),
    LabFault(
        kind="dependency_timeout",
        service="payments",
        seam="world",
        shows="the card network hangs: payments answers 504 after 2 s, checkout and front follow",
    ),
    LabFault(
        kind="pool_exhaustion",
        service="checkout",
        seam="service",
        shows="checkout's connections are all in use; its requests wait and end as 502",
    ),
    LabFault(
        kind="bad_config",
        service="front",
        seam="service",
        shows="a configuration change gives front timeouts of 2 ms: it answers 504 while the others are well",
    ),
    LabFault(
        kind="crash_loop",
        service="payments",
        seam="service",
        shows="payments ends itself after each start; restarts rise, the proxy answers 503",
    ),
    LabFault(kind="crash_loop", service="catalog", seam="service", shows="the same, for catalog"),
    LabFault(
        kind="slow_disk",
        service="payments",
        seam="service",
        shows="each commit of payments takes 18 ms more, one after the other; charges queue behind them",
    ),
    LabFault(
        kind="retry_storm",
        service="checkout",
        seam="service",
        shows="checkout throws slow answers away and asks payments 4 times: payments gets a multiple of its requests",
    ),
    LabFault(
        kind="queue_backlog",
        service="checkout",
        seam="service",
        shows="checkout's outbox grows to its bound, after which orders are refused with 503",
    ),
    LabFault(
        kind="network_delay",
        service="catalog",
        seam="network",
        shows="callers wait 120 ms longer for catalog than catalog takes",
    ),
    LabFault(
        kind="network_delay",
        service="payments",
        seam="network",
        shows="callers wait 120 ms longer for payments than payments takes",
    ),
)

CONTROLS: dict[str, str] = {
    "traffic_step": "60 % more customers: rates rise, nothing is ill",
    "good_release": "payments v2-good takes over: a change, and nothing is ill",
    "quiet": "nothing happens",
}


def find(service: str, kind: str) -> LabFault | None:
    """The fault with this label."""
    return next((fault for fault in FAULTS if (fault.service, fault.kind) == (service, kind)), None)
