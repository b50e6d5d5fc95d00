"""Large answers, of which operations show a part: kept whole in files of the user's, without secrets, for a while."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Binding, CallContext, Clock, Handler, Toolset
from steersman.domain.typed import WHOLE
from steersman.gate.redaction import Redactor
from steersman.remote.hearing import Heard, listening

FOLDER = "answers"
LARGE_BYTES = 256 * 1024
"""An answer above this is kept even when all of it is shown: readers further on cut it."""
FILE_BYTES = 8 * 2**20
ALL_BYTES = 256 * 2**20
KEPT_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Keeper:
    """One folder. Files are readable by their owner alone; the oldest go when there are too many, or too old."""

    folder: Path
    redactor: Redactor
    clock: Clock

    def keep(self, operation: str, arguments: JsonObject, heard: Heard) -> str:
        """The file that holds an answer; empty when it cannot be written, which is no reason to fail a read.

        The first line tells what was asked, and how many bytes are missing; each other line is one body.
        """
        bodies = [self._clean(body) for body in heard.bodies]
        text, missed = "\n".join(bodies).encode(), heard.missed_bytes
        missed += max(len(text) - FILE_BYTES, 0)
        asked: JsonObject = {"operation": operation, "arguments": self.redactor.document(arguments)}
        head = json.dumps({**asked, "at": self.clock.now().isoformat(), "missing_bytes": missed}, ensure_ascii=False)
        name = f"{self.clock.now():%Y%m%dT%H%M%S}-{operation}-{token_hex(3)}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(head.encode() + b"\n" + text[:FILE_BYTES] + b"\n")
            self._tidy()
        except OSError:
            return ""
        return str(self.folder / name)

    def _clean(self, body: bytes) -> str:
        try:
            return json.dumps(self.redactor.value(json.loads(body)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return self.redactor.text(body.decode(errors="replace").replace("\n", "\\n"))

    def _tidy(self) -> None:
        oldest = (self.clock.now() - KEPT_FOR).timestamp()
        room = ALL_BYTES
        for path in sorted(self.folder.glob("*.jsonl"), key=lambda path: path.name, reverse=True):
            about = path.stat()
            room -= about.st_size
            if room < 0 or about.st_mtime < oldest:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Keeping:
    """A toolset whose large answers are kept."""

    inner: Toolset
    keeper: Keeper

    @property
    def name(self) -> str:
        """First part of its operations' names."""
        return self.inner.name

    async def environment(self) -> Environment:
        """That of the system."""
        return await self.inner.environment()

    def bindings(self) -> Sequence[Binding]:
        """The same operations; those whose answer can name a file do so."""
        return [self._kept(binding) if _can_name(binding) else binding for binding in self.inner.bindings()]

    def _kept(self, binding: Binding) -> Binding:
        return replace(binding, run=self._handler(binding.operation.name, binding.run))

    def _handler(self, operation: str, run: Handler) -> Handler:
        async def handler(arguments: JsonObject, context: CallContext) -> JsonObject:
            with listening() as heard:
                output = await run(arguments, context)
            if heard.bodies and (is_cut(output) or sum(map(len, heard.bodies)) > LARGE_BYTES):
                output[WHOLE] = await asyncio.to_thread(self.keeper.keep, operation, arguments, heard)
            return output

        return handler


def _can_name(binding: Binding) -> bool:
    properties = binding.operation.output_schema.get("properties")
    return isinstance(properties, dict) and WHOLE in properties


def is_cut(value: JsonValue) -> bool:
    """Whether an answer says that something of it is not shown."""
    if isinstance(value, dict):
        counts = (n for key, n in value.items() if key.startswith(("left_out", "cut_")))
        return any(isinstance(n, int) and n > 0 for n in counts) or any(map(is_cut, value.values()))
    return isinstance(value, list) and any(map(is_cut, value))
