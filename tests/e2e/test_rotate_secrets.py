"""`steer run -s rotate-secrets-vault` from the shell, on real servers: five ways that it can go."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.e2e.data_servers import Shop, prepared
from tests.integration.data.servers import (
    Bao,
    Postgres,
    bao_server,
    database_engine,
    postgres_server,
    postgres_wanted,
)

WORDS = ("-s", "rotate-secrets-vault", "-p", "path=shop/db", "-p", "service=shop", "-p", "restart=false")
OLD = "old-password-of-the-app-1c5e"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bao, Postgres]]:
    postgres_wanted()
    with bao_server(tmp_path_factory.mktemp("bao")) as bao, postgres_server() as postgres:
        database_engine(bao, postgres)
        postgres.run("CREATE ROLE app LOGIN")
        postgres.run("GRANT app TO writer WITH ADMIN OPTION")
        yield bao, postgres


@pytest.fixture
def shop(servers: tuple[Bao, Postgres], tmp_path: Path) -> Shop:
    bao, postgres = servers
    for path in ("shop/db", "_steersman-staged/shop/db/next", "_steersman-staged/shop/db/second"):
        bao.ask("DELETE", f"secret/metadata/{path}")
    bao.put("shop/db", username="app", password=OLD)
    postgres.run(f"ALTER ROLE app PASSWORD '{OLD}'")
    return prepared(tmp_path / "home", bao, postgres)


def lets_in(shop: Shop, user: str, password: str) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=shop.postgres.port, user=user, password=password, dbname="shop").close()
    except psycopg.OperationalError:
        return False
    return True


def versions(shop: Shop) -> int:
    return len(shop.bao.ask("GET", "secret/metadata/shop/db")["data"]["versions"])


def users(shop: Shop) -> set[str]:
    return {name for (name,) in shop.postgres.run("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'")}


def test_the_new_credential_is_proved_and_published_before_the_old_lease_ends(shop: Shop) -> None:
    database = ("-p", "role=app", "-p", "database=shop")
    assert shop.run(*WORDS, *database)[0] == 0
    first = shop.bao.fields("shop/db")
    code, run = shop.run(*WORDS, *database, "-p", "rotation=second", "-p", f"lease={first['lease_id']}")
    assert (code, run["state"]) == (0, "done")
    second = shop.bao.fields("shop/db")
    assert lets_in(shop, second["username"], second["password"])
    assert not lets_in(shop, first["username"], first["password"])
    assert [step["id"] for step in run["steps"]][-1] == "revoke-old"


def test_a_breach_before_publishing_leaves_no_user_and_the_secret_alone(shop: Shop) -> None:
    shop.postgres.run("DROP DATABASE IF EXISTS closed")
    shop.postgres.run("CREATE DATABASE closed")
    shop.postgres.run("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    there = users(shop)
    code, run = shop.run(*WORDS, "-p", "role=app", "-p", "database=closed")
    assert (code, run["state"]) == (5, "rolled_back")
    assert users(shop) == there
    assert versions(shop) == 1


def test_a_breach_after_publishing_brings_secret_and_password_back(shop: Shop) -> None:
    """The last step fails, since its token may not revoke; all before it is taken back."""
    lease = shop.bao.ask("GET", "database/creds/app")["lease_id"]
    rules = 'path "secret/*" { capabilities = ["create","read","update","patch","delete","list"] }\n'
    rules += 'path "sys/leases/lookup" { capabilities = ["update"] }'
    shop.bao.ask("PUT", "sys/policies/acl/narrow", policy=rules)
    token = shop.bao.ask("POST", "auth/token/create", policies=["narrow"], ttl="10m")["auth"]["client_token"]
    shop.more = {"BAO_TOKEN": token}
    code, run = shop.run(*WORDS, "-p", "login=app", "-p", "database=shop", "-p", f"lease={lease}")
    assert (code, run["state"]) == (5, "rolled_back"), run
    assert shop.bao.fields("shop/db") == {"username": "app", "password": OLD}
    assert versions(shop) == 3
    assert lets_in(shop, "app", OLD)


def test_the_password_of_a_role_changes_in_the_database_and_in_vault(shop: Shop) -> None:
    assert shop.run(*WORDS, "-p", "login=app", "-p", "database=shop")[0] == 0
    new = shop.bao.fields("shop/db")["password"]
    assert new != OLD
    assert lets_in(shop, "app", new)
    assert not lets_in(shop, "app", OLD)


def test_policy_refuses_and_nothing_is_made(shop: Shop) -> None:
    shop.settings["mode"] = "read-only"
    shop.write()
    done = shop.steer("run", *WORDS, "-p", "role=app", "--yes")
    assert done.returncode == 4, done.stderr
    assert versions(shop) == 1


def test_sys_is_left_alone(shop: Shop) -> None:
    shop.bao.put("sys/policies", password="p-0123456789")
    done = shop.steer("run", *WORDS, "-p", "path=sys/policies", "--yes")
    assert done.returncode in (2, 4)
    assert "protected" in done.stderr


def test_another_version_between_plan_and_run_is_drift_and_stays(shop: Shop) -> None:
    path = shop.home / "plan.json"
    path.write_text(shop.steer("plan", *WORDS, "-p", "role=app", "-o", "json").stdout)
    shop.bao.put("shop/db", username="app", password="set-by-somebody-else-77")
    done = shop.steer("run", "-f", str(path), "--yes")
    assert done.returncode == 4, done.stderr
    assert shop.bao.fields("shop/db")["password"] == "set-by-somebody-else-77"
    assert versions(shop) == 2


class Losing:
    """A proxy that keeps the answer to what publishes the secret, once: it was applied, and nobody hears of it."""

    def __init__(self, url: str) -> None:
        self.applied, self.armed = threading.Event(), True
        losing = self

        class Handler(BaseHTTPRequestHandler):
            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {k: v for k, v in self.headers.items() if k.lower().startswith(("x-vault", "content-type"))}
                got = httpx.request(self.command, url + self.path, headers=headers, content=body, trust_env=False)
                if losing.armed and self.command == "POST" and self.path == "/v1/secret/data/shop/db":
                    losing.applied.set()
                    time.sleep(30)
                    return
                self.send_response(got.status_code)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(got.content)))
                self.end_headers()
                self.wfile.write(got.content)

            do_GET = do_POST = do_PUT = do_DELETE = forward  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_a_kill_after_the_server_applied_is_settled_by_read_back_and_publishes_once(shop: Shop) -> None:
    losing = Losing(shop.bao.url)
    shop.bao, direct = Bao(losing.url, shop.bao.token), shop.bao
    shop.write()
    process = subprocess.Popen(
        shop.command("run", *WORDS, "-p", "role=app", "-p", "database=shop", "--yes"),
        env=shop.variables,
        cwd=shop.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert losing.applied.wait(90)
    process.send_signal(signal.SIGKILL)
    process.wait()
    losing.armed, shop.bao = False, direct
    (run_id,) = [each["run_id"] for each in json.loads(shop.steer("runs", "list", "-o", "json").stdout)]
    there = users(shop)
    resumed = shop.resumed(run_id)
    losing.server.shutdown()
    losing.server.server_close()
    assert resumed.returncode == 0, resumed.stderr
    assert versions(shop) == 2
    assert users(shop) == there
