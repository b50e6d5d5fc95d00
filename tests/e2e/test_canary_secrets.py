"""Forty made-up secrets put into every input, and looked for in everything that Steersman leaves: none may be there."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from tests.e2e.data_servers import Shop, prepared
from tests.integration.data.servers import Bao, Postgres, bao_server, postgres_server, postgres_wanted

from steersman.testing.canaries import canaries, found_in, found_under

PLANTED = canaries(20261125)
ONE_LINE = {name: secret for name, secret in PLANTED.items() if "\n" not in secret}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bao, Postgres]]:
    postgres_wanted()
    with bao_server(tmp_path_factory.mktemp("bao")) as bao, postgres_server() as postgres:
        yield bao, postgres


@pytest.fixture
def shop(servers: tuple[Bao, Postgres], tmp_path: Path) -> Shop:
    bao, postgres = servers
    for path in ("shop/db", "_steersman-staged/shop/db/next"):
        bao.ask("DELETE", f"secret/metadata/{path}")
    return prepared(tmp_path / "home", bao, postgres)


def clean(shop: Shop, *done: subprocess.CompletedProcess[str]) -> None:
    for each in done:
        assert found_in((each.stdout + each.stderr).encode(), PLANTED) == [], each.args
    assert found_under(shop.home / "state", PLANTED) == {}


def test_in_goals_and_parameters(shop: Shop) -> None:
    goal = "back the database shop up, here is what you need: " + " ".join(PLANTED.values())
    planned = shop.steer("plan", goal, "-s", "backup-postgres-before-migration", "-p", "database=shop", "-o", "json")
    assert planned.returncode == 0, planned.stderr
    path = shop.home / "plan.json"
    path.write_text(planned.stdout)
    ran = shop.steer("run", goal, "-s", "backup-postgres-before-migration", "-p", "database=shop", "--yes")
    assert ran.returncode == 0, ran.stderr
    shown = shop.steer("runs", "list")
    given = [word for name, secret in ONE_LINE.items() for word in ("-p", f"{name}={secret}")]
    refused = shop.steer("plan", "-s", "backup-postgres-before-migration", "-p", "database=shop", *given)
    words = ("run", "-s", "backup-postgres-before-migration", "-p", "database=shop")
    one = shop.steer(*words, "-p", f"backup={PLANTED['npm']}")
    assert refused.returncode == one.returncode == 2
    clean(shop, planned, ran, shown, refused, one)


def test_in_arguments_and_plan_files(shop: Shop) -> None:
    many = json.dumps({"database": "shop", "name": " ".join(PLANTED.values())})
    calls = [shop.steer("tools", "call", "postgres.get_backup", "--args", many)]
    named = json.dumps({"database": "shop", "name": PLANTED["npm"]})
    calls += [shop.steer("tools", "call", "postgres.get_backup", "--args", named)]
    write = json.dumps({"database": "shop", "name": PLANTED["docker-pat"], "kept_days": 3})
    calls += [shop.steer("tools", "call", "postgres.backup", "--args", write)]
    planned = shop.steer("plan", "-s", "backup-postgres-before-migration", "-p", "database=shop", "-o", "json")
    plan = json.loads(planned.stdout)
    plan["steps"][0]["why"] = " ".join(PLANTED.values())
    plan["steps"][0]["arguments"]["name"] = PLANTED["npm"]
    path = shop.home / "poisoned.json"
    path.write_text(json.dumps(plan))
    calls += [shop.steer("run", "-f", str(path), "--yes")]
    assert [call.returncode for call in calls[2:]] == [2, 2]
    clean(shop, *calls)


def test_in_secrets_that_are_rotated(shop: Shop) -> None:
    shop.bao.put(
        "shop/db", **{name.replace("-", "_"): secret for name, secret in PLANTED.items()}, password="pw-31415926"
    )
    words = ("rotate-secrets-vault", "-p", "path=shop/db", "-p", "service=shop", "-p", "restart=false")
    planned = shop.steer("plan", "-s", *words)
    ran = shop.steer("run", "-s", *words, "--yes", "-o", "json")
    assert ran.returncode == 0, ran.stderr
    described = shop.steer("tools", "call", "vault.describe_secret", "--args", '{"path": "shop/db"}')
    made = shop.bao.fields("shop/db")["password"]
    exported = shop.steer("runs", "show", json.loads(ran.stdout)["run_id"])
    audited = shop.steer("audit", "export")
    clean(shop, planned, ran, described, exported, audited)
    everything = {"made": made, "old": "pw-31415926", "root": shop.bao.token}
    for each in (planned, ran, described, exported, audited):
        assert found_in((each.stdout + each.stderr).encode(), everything) == []
    assert found_under(shop.home / "state", everything) == {}


def test_in_the_configuration(shop: Shop) -> None:
    document = yaml.safe_load((shop.home / "steersman.yaml").read_text())
    calls = []
    for place, value in (
        ("token", PLANTED["openbao-token"]),
        ("token", "plain-old-passphrase"),
        ("kind", PLANTED["jwt"]),
    ):
        document["environments"]["shop"]["vault"]["auth"][place] = value
        (shop.home / "steersman.yaml").write_text(yaml.safe_dump(document))
        calls += [shop.steer("config", "validate"), shop.steer("tools", "call", "vault.health")]
        document["environments"]["shop"]["vault"]["auth"] = {"kind": "token", "token": "env:BAO_TOKEN"}
    document["environments"]["shop"]["vault"]["url"] = f"https://user:{PLANTED['npm']}@127.0.0.1:1"
    (shop.home / "steersman.yaml").write_text(yaml.safe_dump(document))
    calls += [shop.steer("config", "validate"), shop.steer("tools", "call", "vault.health")]
    clean(shop, *calls)
    for each in calls:
        assert "plain-old-passphrase" not in each.stdout + each.stderr


def test_in_answers_and_errors_of_a_server(shop: Shop) -> None:
    text = " ".join(PLANTED.values())

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path.startswith("/v1/sys/health"):
                return self.answer(200, {"version": text, "cluster_id": "c-1", "standby": False})
            if "/metadata/list" in self.path:
                return self.answer(200, {"data": {"keys": [text]}})
            if "/metadata/broken" in self.path:
                return self.answer(200, {"data": {"versions": text}})
            if "/metadata/down" in self.path:
                return self.answer(500, {"errors": [text]})
            if "lookup-self" in self.path:
                return self.answer(200, {"data": {"ttl": 1, "policies": list(PLANTED.values()), "type": text}})
            return self.answer(400, {"errors": [text, *PLANTED.values()]})

        def answer(self, status: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    document = yaml.safe_load((shop.home / "steersman.yaml").read_text())
    document["environments"]["shop"]["vault"]["url"] = f"http://127.0.0.1:{server.server_port}"
    del document["environments"]["shop"]["postgres"]
    (shop.home / "steersman.yaml").write_text(yaml.safe_dump(document))
    asked = (
        ("vault.health", {}),
        ("vault.token", {}),
        ("vault.list_secrets", {"folder": "list"}),
        ("vault.get_secret", {"path": "broken"}),
        ("vault.get_secret", {"path": "down"}),
        ("vault.get_key", {"key": "refused"}),
    )
    calls = [shop.steer("tools", "call", name, "--args", json.dumps(arguments)) for name, arguments in asked]
    server.shutdown()
    server.server_close()
    clean(shop, *calls)
    assert calls[0].returncode == 0


def test_in_arguments_and_environment_of_children(shop: Shop) -> None:
    """The password of the writer comes from Vault; pg_dump and pg_restore get it, and nobody who looks at them does."""
    secret = {"writer": "writer-pw-9b8d7e", "root": shop.bao.token}
    shop.postgres.run(
        "CREATE TABLE IF NOT EXISTS big AS SELECT n, repeat(md5(n::text), 30) AS t FROM generate_series(1, 40000) n",
        "shop",
    )
    shop.postgres.run("ALTER TABLE big OWNER TO writer", "shop")
    words = ("run", "-s", "backup-postgres-before-migration", "-p", "database=shop", "--yes")
    process = subprocess.Popen(
        shop.command(*words), env=shop.variables, cwd=shop.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seen: dict[str, bytes] = {}
    own = Path(f"/proc/{process.pid}/exe").readlink().name  # forked and not yet another program: it is itself
    while process.poll() is None:
        for name, data in children(process.pid):
            if name != own:
                seen[name] = seen.get(name, b"") + data
        time.sleep(0.01)
    assert process.returncode == 0
    assert {"pg_dump", "pg_restore"} <= set(seen)
    for name, data in seen.items():
        assert found_in(data, secret) == [], name
        assert found_in(data, PLANTED) == [], name


def children(parent: int) -> Iterator[tuple[str, bytes]]:
    for folder in Path("/proc").iterdir():
        try:
            if not folder.name.isdigit() or f"PPid:\t{parent}\n" not in (folder / "status").read_text():
                continue
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            yield (folder / "exe").readlink().name, said
        except OSError:
            continue
