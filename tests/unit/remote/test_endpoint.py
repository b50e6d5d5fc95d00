from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from steersman.domain.errors import ConfigError
from steersman.remote.endpoint import BasicAuth, BearerAuth, Endpoint, identity, open_client

URL = "https://mimir.test/prometheus"


async def sent(endpoint: Endpoint) -> httpx.Request:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers={"location": "https://elsewhere.test/"})

    async with open_client(endpoint, transport=httpx.MockTransport(server)) as client:
        await client.get("/api/v1/query")
    assert len(seen) == 1, "a redirect was followed"
    return seen[0]


async def test_nothing_is_sent_that_was_not_asked_for() -> None:
    request = await sent(Endpoint(url=URL))
    assert "authorization" not in request.headers
    assert "x-scope-orgid" not in request.headers
    assert str(request.url) == f"{URL}/api/v1/query"


async def test_credentials_tenant_and_headers_are_sent() -> None:
    request = await sent(Endpoint(url=URL, auth=BearerAuth(token="t0k3n"), tenant="a|b", headers={"X-Team": "sre"}))
    assert request.headers["authorization"] == "Bearer t0k3n"
    assert (request.headers["x-scope-orgid"], request.headers["x-team"]) == ("a|b", "sre")
    basic = await sent(Endpoint(url=URL, auth=BasicAuth(username="u", password="p")))
    assert basic.headers["authorization"] == "Basic dTpw"


def test_secrets_are_not_shown() -> None:
    endpoint = Endpoint(url=URL, auth=BearerAuth(token="t0k3n"))
    assert "t0k3n" not in repr(endpoint)
    assert "t0k3n" not in endpoint.model_dump_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://a.test"},
        {"url": "a.test"},
        {"url": "https://user:secret@a.test"},
        {"url": "https://a.test/?q=1"},
        {"tenant": "a\r\nX-Evil: 1"},
        {"headers": {"X-A": "b\nc"}},
        {"headers": {"X A": "b"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"Host": "x"}},
        {"auth": {"kind": "kerberos"}},
    ],
)
def test_an_endpoint_that_would_smuggle_or_leak_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Endpoint.model_validate({"url": URL, **wrong})


@pytest.mark.parametrize("field", ["ca_file", "client_cert_file"])
def test_a_certificate_that_is_not_there_is_the_operators_to_mend(field: str, tmp_path: Path) -> None:
    endpoint = Endpoint.model_validate({"url": URL, field: tmp_path / "none.pem"})
    with pytest.raises(ConfigError, match="ca_file"):
        open_client(endpoint)


def test_the_same_url_and_tenant_are_the_same_system() -> None:
    one, other = Endpoint(url=f"{URL}/", tenant="a"), Endpoint(url=URL, tenant="b")
    assert identity("prometheus", "x", "prod", endpoint=one) == identity(
        "prometheus", "x", "prod", endpoint=Endpoint(url=URL, tenant="a", auth=BearerAuth(token="new"))
    )
    assert (
        identity("prometheus", "x", "prod", endpoint=one).uid != identity("prometheus", "x", "prod", endpoint=other).uid
    )
