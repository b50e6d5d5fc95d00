"""The wire that kills: at the request that was meant, at the point that was meant, once."""

import httpx
import pytest

from steersman.testing.serving import serving
from steersman.testing.tripwire import Point, Trip, Tripwire


@pytest.mark.parametrize(("point", "applied", "heard"), [("before", 1, 1), ("applied", 2, 1), ("answered", 2, 2)])
def test_it_kills_at_one_point_of_the_second_such_request(point: Point, applied: int, heard: int) -> None:
    done, answers, killed = [], [], []

    def server(request: httpx.Request) -> httpx.Response:
        done.append(request.method)
        return httpx.Response(200)

    with serving(server) as url, Tripwire(int(url.rpartition(":")[2])) as wire:
        wire.arm(Trip(rb"PATCH /things", point, nth=2), lambda: killed.append(point))
        for address in ("/others", "/things?dryRun=All", "/things", "/things"):
            try:
                answers.append(httpx.patch(f"{wire.url}{address}", trust_env=False))
            except httpx.TransportError:
                break
        assert wire.sprung.wait(10)
        assert (len(done), len(answers)) == (applied + 2, heard + 2)
        assert httpx.patch(f"{wire.url}/things", trust_env=False).is_success
    assert killed == [point]


def test_it_waits_for_what_must_have_gone_over_the_connection_before() -> None:
    killed = []
    with serving(lambda _: httpx.Response(200)) as url, Tripwire(int(url.rpartition(":")[2])) as wire:
        wire.arm(Trip(b"GET /end", "answered", after=b"GET /begin"), lambda: killed.append(1))
        assert httpx.get(f"{wire.url}/end", trust_env=False).is_success
        assert not killed
        with httpx.Client(base_url=wire.url, trust_env=False) as client:
            client.get("/begin")
            client.get("/end")
        assert wire.sprung.wait(10)
    assert killed == [1]
