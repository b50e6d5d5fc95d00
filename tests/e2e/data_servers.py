"""A shop's database and Vault, and `steer` with a configuration for both."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from tests.integration.data.servers import READER, WRITER, Bao, Postgres


@dataclass
class Shop:
    home: Path
    bao: Bao
    postgres: Postgres
    tier: str = "lab"
    settings: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        (self.home / "migrations").mkdir(exist_ok=True)
        self.write()

    def write(self) -> None:
        postgres = {
            "host": "127.0.0.1",
            "port": self.postgres.port,
            "reader": {"user": "reader", "password": "env:PG_READER"},
            "writer": {"user": "writer", "password": "vault:infra/postgres#writer"},
            "migrations": str(self.home / "migrations"),
        }
        vault = {"url": self.bao.url, "auth": {"kind": "token", "token": "env:BAO_TOKEN"}}
        environment = {"tier": self.tier, "vault": vault, "postgres": postgres}
        document = {"environment": "shop", "environments": {"shop": environment}, **self.settings}
        (self.home / "steersman.yaml").write_text(yaml.safe_dump(document))

    @property
    def variables(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STEER_")}
        return {
            **kept,
            "STEER_HOME": str(self.home / "state"),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "BAO_TOKEN": self.bao.token,
            "PG_READER": READER,
            **getattr(self, "more", {}),
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "steersman.cli.main", *words]

    def steer(self, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env=self.variables,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run(self, *words: str) -> tuple[int, dict]:
        done = self.steer("run", *words, "--yes", "-o", "json")
        assert done.stdout.strip(), done.stderr
        return done.returncode, json.loads(done.stdout)

    def resumed(self, run_id: str) -> subprocess.CompletedProcess[str]:
        """Resumes a run whose process was killed; its lease has to run out first."""
        until = time.monotonic() + 120
        while True:
            done = self.steer("runs", "resume", run_id, "-o", "json")
            if "by another process" not in done.stderr or time.monotonic() > until:
                return done
            time.sleep(1)

    def tool(self, operation: str, **arguments: object) -> dict:
        done = self.steer("tools", "call", operation, "--args", json.dumps(arguments), "-o", "json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        return found.get("output", found)


def prepared(home: Path, bao: Bao, postgres: Postgres, **more: object) -> Shop:
    bao.put("infra/postgres", writer=WRITER)
    return Shop(home, bao, postgres, **more)  # type: ignore[arg-type]
