import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import grafana
from tests.unit.toolsets.replaying import remote_of
from tests.unit.toolsets.times import NOW

from steersman.domain.errors import InputError, NoSourceError, ToolError
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.domain.signal import Selector, Window
from steersman.toolsets.grafana import OPERATIONS, GrafanaClient, GrafanaSource

MODEL: JsonObject = {"title": "Payments", "tags": ["shop"], "panels": [{"id": 1, "type": "timeseries"}]}
BOARD: JsonObject = {"uid": "payments-1", "folder_uid": "", "model": MODEL}
AT_MS = 1795389441000
MARK: JsonObject = {"name": "deploy-1", "at_ms": AT_MS, "text": "payments v2", "tags": ["service:payments"]}


class Fake:
    """Strict: refuses what Grafana refuses, numbers versions as Grafana does."""

    def __init__(self) -> None:
        self.boards: dict[str, dict[str, Any]] = {}
        self.folders: dict[str, str] = {}
        self.marks: dict[int, dict[str, Any]] = {}
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path.startswith("/api/dashboards/"):
            return self.dashboards(request, path.rsplit("/", 1)[1])
        if path.startswith("/api/annotations"):
            return self.annotations(request)
        if path == "/apis/dashboard.grafana.app":
            return httpx.Response(404, text="404 page not found")
        raise AssertionError(path)

    def dashboards(self, request: httpx.Request, last: str) -> httpx.Response:
        if request.method == "POST":
            return self.store(json.loads(request.content))
        if last not in self.boards:
            return httpx.Response(404, json={"message": "Dashboard not found"})
        if request.method == "DELETE":
            del self.boards[last]
            return httpx.Response(200, json={"title": "x"})
        return httpx.Response(200, json={"dashboard": self.boards[last], "meta": {"folderUid": self.folders[last]}})

    def store(self, body: dict[str, Any]) -> httpx.Response:
        board, uid = body["dashboard"], body["dashboard"]["uid"]
        assert body["overwrite"] is False
        assert board["id"] is None
        if uid in self.boards and board.get("version") != self.boards[uid]["version"]:
            return httpx.Response(412, json={"status": "version-mismatch", "message": "changed by someone else"})
        version = self.boards[uid]["version"] + 1 if uid in self.boards else 1
        self.boards[uid] = {**board, "id": 7, "version": version}
        self.folders[uid] = body["folderUid"]
        return httpx.Response(200, json={"uid": uid, "version": version, "url": f"/d/{uid}", "status": "success"})

    def annotations(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            number = len(self.marks) + 1
            self.marks[number] = {"id": number, **json.loads(request.content)}
            return httpx.Response(200, json={"id": number, "message": "Annotation added"})
        if request.method == "DELETE":
            found = self.marks.pop(int(request.url.path.rsplit("/", 1)[1]), None)
            return httpx.Response(200 if found else 404, json={"message": ""})
        wanted = set(request.url.params.get_list("tags"))
        start, end = (int(request.url.params.get(name, default)) for name, default in (("from", "0"), ("to", "9" * 15)))
        return httpx.Response(
            200,
            json=[
                {**mark, "timeEnd": mark["time"]}
                for mark in self.marks.values()
                if wanted <= set(mark["tags"]) and start <= mark["time"] <= end
            ],
        )


async def call(
    server: Callable[[httpx.Request], httpx.Response],
    verb: str,
    arguments: JsonObject,
    before: JsonObject | None = None,
) -> JsonObject:
    return await call_on(grafana(remote_of(server, "grafana")), verb, arguments, before)


def operation(verb: str) -> Operation:
    return next(o for o in OPERATIONS if o.name == f"grafana.{verb}")


CHANGED: JsonObject = {**BOARD, "model": {**MODEL, "title": "Payments, new"}}
WRITES: list[tuple[str, JsonObject, list[tuple[str, JsonObject]]]] = [
    ("create_dashboard", BOARD, []),
    ("update_dashboard", CHANGED, [("create_dashboard", BOARD)]),
    ("delete_dashboard", {"uid": "payments-1"}, [("create_dashboard", BOARD)]),
    ("create_annotation", MARK, []),
    ("delete_annotation", {"name": "deploy-1"}, [("create_annotation", MARK)]),
]


@pytest.mark.parametrize(("verb", "arguments", "given"), WRITES, ids=[verb for verb, _, _ in WRITES])
async def test_what_a_write_promises_is_what_the_probe_shows_and_the_inverse_restores(
    verb: str, arguments: JsonObject, given: list[tuple[str, JsonObject]]
) -> None:
    server, write = Fake(), operation(verb)
    for earlier, its in given:
        await call(server, earlier, its)
    assert write.probe is not None
    assert write.inverse is not None
    probed = write.probe.operation.partition(".")[2]
    asked = resolve(write.probe.arguments, Scope(arguments=arguments))
    before = await call(server, probed, asked)
    await call(server, verb, arguments, before)
    after = await call(server, probed, asked)
    assert after == write.expected(arguments, before)
    inverse = resolve(write.inverse.arguments, Scope(arguments=arguments, before=before))
    await call(server, write.inverse.operation.partition(".")[2], inverse, after)
    assert await call(server, probed, asked) == before


@pytest.mark.parametrize(("verb", "arguments", "given"), WRITES, ids=[verb for verb, _, _ in WRITES])
async def test_a_write_done_twice_is_done_once(
    verb: str, arguments: JsonObject, given: list[tuple[str, JsonObject]]
) -> None:
    server = Fake()
    for earlier, its in given:
        await call(server, earlier, its)
    await call(server, verb, arguments)
    state = (dict(server.boards), dict(server.marks))
    await call(server, verb, arguments)
    assert (server.boards, server.marks) == state


@pytest.mark.parametrize(
    ("verb", "arguments"), [("update_dashboard", CHANGED), ("delete_dashboard", {"uid": "payments-1"})]
)
async def test_what_somebody_else_has_changed_is_not_overwritten(verb: str, arguments: JsonObject) -> None:
    server = Fake()
    await call(server, "create_dashboard", BOARD)
    before = await call(server, "get_dashboard", {"uid": "payments-1"})
    await call(server, "update_dashboard", {**BOARD, "model": {**MODEL, "title": "Ann's"}})
    with pytest.raises(ToolError, match="changed meanwhile"):
        await call(server, verb, arguments, before)
    assert server.boards["payments-1"]["title"] == "Ann's"


async def test_a_change_between_look_and_write_is_refused_by_the_server() -> None:
    server = Fake()
    await call(server, "create_dashboard", BOARD)

    def racing(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            server.boards["payments-1"]["version"] += 1
        return server(request)

    with pytest.raises(ToolError, match="changed by someone else"):
        await call(racing, "update_dashboard", CHANGED)


async def test_a_uid_that_is_taken_is_not_created_over() -> None:
    server = Fake()
    await call(server, "create_dashboard", BOARD)
    with pytest.raises(ToolError, match="other content"):
        await call(server, "create_dashboard", CHANGED)


@pytest.mark.parametrize(
    "wrong",
    [{"uid": "../api"}, {"uid": ""}, {"model": {}}, {"model": {**MODEL, "id": 3}}, {"model": {**MODEL, "version": 3}}],
)
async def test_a_dashboard_that_is_none_is_refused(wrong: JsonObject) -> None:
    server = Fake()
    with pytest.raises(InputError):
        await call(server, "create_dashboard", {**BOARD, **wrong})
    assert not server.asked


async def test_the_annotations_of_others_are_never_deleted() -> None:
    server = Fake()
    server.marks[1] = {"id": 1, "time": AT_MS, "text": "theirs", "tags": ["deploy-1"]}
    assert await call(server, "delete_annotation", {"name": "deploy-1"}) == {"deleted": False}
    assert len(server.marks) == 1


async def test_annotations_are_changes_of_the_service_that_a_tag_names() -> None:
    server = Fake()
    await call(server, "create_annotation", MARK)
    server.marks[2] = {"id": 2, "time": AT_MS + 5_000, "text": "dns\n\x1b[31mchanged", "tags": ["network"]}
    start = datetime.fromtimestamp(AT_MS / 1000, UTC)
    window = Window(start=start, end=start + timedelta(minutes=1))
    eyes = GrafanaSource(GrafanaClient(remote_of(server, "grafana")))
    found = await eyes.changes(window)
    assert [(change.service, change.what) for change in found] == [("payments", "payments v2"), ("", "dns [31mchanged")]


async def test_signals_logs_and_spans_name_who_has_them() -> None:
    eyes = GrafanaSource(GrafanaClient(remote_of(Fake(), "grafana")))
    window = Window(start=NOW, end=NOW + timedelta(minutes=1))
    with pytest.raises(NoSourceError, match="Prometheus"):
        await eyes.range("cpu", Selector(), window)
    with pytest.raises(NoSourceError, match="Loki"):
        await eyes.logs(Selector(), window)
    with pytest.raises(NoSourceError, match="Tempo"):
        await eyes.spans(Selector(), window)


READS: list[tuple[str, JsonObject, Any, JsonObject]] = [
    (
        "search",
        {"query": "pay", "tags": ["shop"]},
        [{"uid": "a", "title": "Payments", "url": "/d/a", "tags": ["shop"], "type": "dash-db"}],
        {
            "dashboards": [{"uid": "a", "title": "Payments", "url": "/d/a", "tags": ["shop"], "folder": ""}],
            "complete": True,
        },
    ),
    (
        "datasources",
        {},
        [{"uid": "p", "name": "Prom", "type": "prometheus", "isDefault": True, "basicAuthPassword": "hunter2"}],
        {"sources": [{"uid": "p", "name": "Prom", "type": "prometheus", "is_default": True}]},
    ),
    ("health", {}, {"version": "12.3.0", "database": "ok"}, {"version": "12.3.0", "database": "ok"}),
]


@pytest.mark.parametrize(("verb", "arguments", "document", "expected"), READS, ids=[r[0] for r in READS])
async def test_a_read_shows_what_is_needed_and_no_settings(
    verb: str, arguments: JsonObject, document: Any, expected: JsonObject
) -> None:
    assert await call(lambda _: httpx.Response(200, json=document), verb, arguments) == expected


async def test_the_queries_of_panels_are_found_in_collapsed_rows_too() -> None:
    prom = {"type": "prometheus", "uid": "p"}
    inner = {"id": 2, "title": "Errors", "datasource": prom, "targets": [{"expr": "up", "refId": "A"}, {"refId": "B"}]}
    model = {
        **MODEL,
        "panels": [{"id": 1, "type": "row", "collapsed": True, "panels": [inner]}, {"id": 3, "type": "text"}],
    }
    server = Fake()
    await call(server, "create_dashboard", {**BOARD, "model": model})
    answer = await call(server, "panels", {"uid": "payments-1"})
    (query,) = answer["queries"]
    assert (query["panel_id"], query["datasource_uid"], query["query"]) == (2, "p", "up")
    assert await call(server, "panels", {"uid": "none"}) == {"found": False, "queries": []}


async def test_every_operation_is_bound() -> None:
    assert tuple(b.operation for b in grafana(remote_of(Fake())).bindings()) == OPERATIONS
