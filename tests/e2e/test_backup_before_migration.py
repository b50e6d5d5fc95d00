"""`steer run -s backup-postgres-before-migration` from the shell, on a real server: five ways that it can go."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.e2e.data_servers import Shop, prepared
from tests.integration.data.servers import Bao, Postgres, bao_server, postgres_server, postgres_wanted

SCENARIO = ("-s", "backup-postgres-before-migration", "-p", "database=shop")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bao, Postgres]]:
    postgres_wanted()
    with bao_server(tmp_path_factory.mktemp("bao")) as bao, postgres_server() as postgres:
        yield bao, postgres


@pytest.fixture
def shop(servers: tuple[Bao, Postgres], tmp_path: Path) -> Shop:
    bao, postgres = servers
    postgres.run("DROP TABLE IF EXISTS orders, notes, steersman_migrations", "shop")
    postgres.run("CREATE TABLE orders (id int PRIMARY KEY, note text)", "shop")
    postgres.run("INSERT INTO orders SELECT n, 'note ' || n FROM generate_series(1, 2000) n", "shop")
    postgres.run("ALTER TABLE orders OWNER TO writer", "shop")
    made = prepared(tmp_path / "home", bao, postgres)
    (made.home / "migrations" / "0001_notes.up.sql").write_text("CREATE TABLE notes (id int PRIMARY KEY)")
    (made.home / "migrations" / "0001_notes.down.sql").write_text("DROP TABLE notes")
    return made


def reviewed(shop: Shop) -> str:
    return str(shop.tool("postgres.describe_migration", database="shop", revision="0001_notes")["digest"])


def tables(shop: Shop) -> set[str]:
    found = shop.postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", "shop")
    return {name for (name,) in found}


def scratch(shop: Shop) -> list[tuple]:
    return shop.postgres.run("SELECT datname FROM pg_database WHERE datname LIKE 'steersman%'")


def backups(shop: Shop) -> list[str]:
    return sorted(path.parent.name for path in (shop.home / "state" / "backups" / "shop").glob("*/manifest.json"))


def test_a_backup_is_proved_by_a_restore_and_then_the_reviewed_migration_runs(shop: Shop) -> None:
    code, run = shop.run(*SCENARIO, "-p", "revision=0001_notes", "-p", f"digest={reviewed(shop)}")
    assert (code, run["state"]) == (0, "done")
    assert {"orders", "notes"} <= tables(shop)
    made = shop.tool("postgres.check_backup", database="shop", name="before-migration")
    assert (made["restorable"], made["rows"]) == (True, 2000)
    assert scratch(shop) == []


def test_a_breach_takes_the_migration_back_and_keeps_the_backup(shop: Shop) -> None:
    digest = reviewed(shop)
    address = f"{shop.postgres.url}/shop"
    with (
        contextlib.closing(psycopg.connect(address)) as holder,
        contextlib.closing(psycopg.connect(address, autocommit=True)) as waiter,
    ):
        holder.execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        waiter.pgconn.send_query(b"BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE")
        code, run = shop.run(*SCENARIO, "-p", "revision=0001_notes", "-p", f"digest={digest}")
    assert (code, run["state"]) == (5, "rolled_back")
    assert tables(shop) == {"orders", "steersman_migrations"}
    assert shop.tool("postgres.get_schema", database="shop")["revision"] == "base"
    assert backups(shop) == ["before-migration"]


def test_other_files_than_those_that_were_reviewed_are_not_run(shop: Shop) -> None:
    digest = reviewed(shop)
    (shop.home / "migrations" / "0001_notes.up.sql").write_text("DROP TABLE orders")
    code, run = shop.run(*SCENARIO, "-p", "revision=0001_notes", "-p", f"digest={digest}")
    assert (code, run["state"]) == (5, "rolled_back")
    assert "orders" in tables(shop)


def test_policy_refuses_and_nothing_is_made(shop: Shop) -> None:
    shop.settings["mode"] = "read-only"
    shop.write()
    done = shop.steer("run", *SCENARIO, "--yes")
    assert done.returncode == 4, done.stderr
    assert backups(shop) == []


def test_a_killed_backup_is_finished_once_by_resume(shop: Shop) -> None:
    shop.postgres.run(
        "INSERT INTO orders SELECT n, repeat(md5(n::text), 20) FROM generate_series(2001, 120000) n", "shop"
    )
    plan = json.loads(shop.steer("plan", *SCENARIO, "-o", "json").stdout)
    for step in plan["steps"]:
        step["timeout_s"] = 25.0
    path = shop.home / "plan.json"
    path.write_text(json.dumps(plan))
    process = subprocess.Popen(
        shop.command("run", "-f", str(path), "--yes"),
        env=shop.variables,
        cwd=shop.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = shop.home / "state" / "backups" / "shop"
    until = time.monotonic() + 300
    while not list(folder.glob(".making-*/archive.dump")) and time.monotonic() < until:
        time.sleep(0.01)
    assert list(folder.glob(".making-*/archive.dump"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert backups(shop) == []
    (run_id,) = [each["run_id"] for each in json.loads(shop.steer("runs", "list", "-o", "json").stdout)]
    resumed = shop.resumed(run_id)
    assert resumed.returncode == 0, resumed.stderr
    assert backups(shop) == ["before-migration"]
    assert scratch(shop) == []
    assert list(folder.glob(".making-*")) == []


def test_a_backup_that_appears_between_plan_and_run_is_drift(shop: Shop) -> None:
    path = shop.home / "plan.json"
    path.write_text(shop.steer("plan", *SCENARIO, "-o", "json").stdout)
    assert shop.run(*SCENARIO)[0] == 0
    (manifest,) = (shop.home / "state" / "backups" / "shop").glob("*/manifest.json")
    before = manifest.read_bytes()
    done = shop.steer("run", "-f", str(path), "--yes")
    assert done.returncode in (2, 4), done.stderr
    assert manifest.read_bytes() == before
