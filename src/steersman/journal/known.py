"""What was verified and parsed already, by its raw content: other content is verified anew."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

KEPT = 256


class Known:
    """A bounded memory from raw rows to what they hold. One for each connection."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, raw: Hashable, make: Callable[[], T]) -> T:
        """What `make` gave for exactly this content; errors are not kept."""
        if raw in self._found:
            self._found.move_to_end(raw)
            found: T = self._found[raw]
            return found
        made = make()
        self._found[raw] = made
        if len(self._found) > KEPT:
            self._found.popitem(last=False)
        return made
