"""Every kept run in one line of a small database, so that many can be looked over at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from steersman.domain.load import GeneratorName, LoadProfile
from steersman.domain.load_result import HistoryLine, LoadResult, LoadVerdict

FILE = "history.db"
TABLE = """CREATE TABLE IF NOT EXISTS runs (
    generator TEXT NOT NULL, name TEXT NOT NULL, profile TEXT NOT NULL, fingerprint TEXT NOT NULL, target TEXT NOT NULL,
    environment TEXT NOT NULL, started_at TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (generator, name))"""


@dataclass(frozen=True, slots=True)
class History:
    """The lines of all generators, under one folder."""

    root: Path

    def add(self, profile: LoadProfile, result: LoadResult, verdict: LoadVerdict, environment: str) -> None:
        """Keeps a line; one of the same name is replaced."""
        line = line_of(profile, result, verdict, environment)
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    line.generator,
                    line.name,
                    line.profile,
                    line.fingerprint,
                    line.target,
                    line.environment,
                    line.started_at.isoformat(),
                    line.model_dump_json(),
                ),
            )

    def delete(self, generator: GeneratorName, name: str) -> None:
        """Forgets a line."""
        if (self.root / FILE).is_file():
            with self._open() as connection:
                connection.execute("DELETE FROM runs WHERE generator = ? AND name = ?", (generator, name))

    def lines(self, *, profile: str = "", limit: int = 1_000) -> list[HistoryLine]:
        """The newest lines, oldest first; only those of one profile, if it is named."""
        if not (self.root / FILE).is_file():
            return []
        with self._open() as connection:
            rows = connection.execute(
                "SELECT line FROM runs WHERE ? IN ('', profile) ORDER BY started_at DESC LIMIT ?", (profile, limit)
            ).fetchall()
        return [HistoryLine.model_validate_json(row[0]) for row in reversed(rows)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(sqlite3.connect(self.root / FILE, timeout=10)) as connection, connection:
            connection.execute(TABLE)
            yield connection


def line_of(profile: LoadProfile, result: LoadResult, verdict: LoadVerdict, environment: str) -> HistoryLine:
    """A run in short."""
    latency = result.latency
    p50, p95, p99 = (latency.quantile_ms(q) if latency.count else 0.0 for q in (0.5, 0.95, 0.99))
    return HistoryLine(
        name=result.name,
        generator=result.generator,
        profile=profile.name,
        fingerprint=result.profile_digest,
        target=profile.target,
        environment=environment,
        started_at=result.started_at,
        requests=result.requests,
        rate=result.rate,
        error_ratio=result.failures / result.requests if result.requests else 0.0,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        verdict=verdict.result,
        reason=verdict.reason,
    )
