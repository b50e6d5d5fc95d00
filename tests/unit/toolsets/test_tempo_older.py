"""A Tempo that only has version 1 of the API for tags."""

from collections.abc import Callable

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import CLIENTS
from tests.unit.toolsets.replaying import cassette, remote_of

from steersman.domain.errors import ToolError


def older(asked: list[str]) -> Callable[[httpx.Request], httpx.Response]:
    recorded = {cassette("tempo", name).path: cassette("tempo", name) for name in ("tags-v1", "tag-values-v1")}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        found = recorded.get(request.url.path)
        return httpx.Response(200, content=found.answer) if found else httpx.Response(404, text="404 page not found")

    return answer


async def test_names_and_values_of_tags_come_by_version_one_where_there_is_no_newer_one() -> None:
    asked: list[str] = []
    tools = CLIENTS["tempo"](remote_of(older(asked), "tempo"))
    tags = await call_on(tools, "tags", {})
    assert "service.name" in tags["scopes"]["none"]
    field = {"scope": "resource", "name": "service.name"}
    values = await call_on(tools, "tag_values", {"field": field})
    assert [each["value"] for each in values["values"]] == ["catalog", "checkout", "front", "payments"]
    assert asked[1::2] == ["/api/search/tags", "/api/search/tag/service.name/values"]


async def test_what_version_one_cannot_narrow_is_refused() -> None:
    tools = CLIENTS["tempo"](remote_of(older([]), "tempo"))
    field = {"scope": "resource", "name": "service.name"}
    spans = {"all_of": [{"field": field, "op": "=", "text": "payments"}]}
    with pytest.raises(ToolError, match="too old"):
        await call_on(tools, "tag_values", {"field": field, "spans": spans})
