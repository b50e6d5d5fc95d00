"""What a secret holds, as something that can be compared and handed on but not looked at."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.domain.fact import canonical


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """The fields of one version. Its representation names the fields only."""

    fields: Mapping[str, JsonValue]

    def __repr__(self) -> str:
        return f"Content({sorted(self.fields)})"

    def digest(self, key: bytes) -> str:
        """HMAC-SHA256 over the canonical form: without the key nobody can try out guesses against it."""
        return "hmac-sha256:" + hmac.digest(key, canonical(dict(self.fields)), "sha256").hex()

    def names(self) -> tuple[str, ...]:
        """The fields that there are."""
        return tuple(sorted(self.fields))

    def texts(self) -> dict[str, str]:
        """All values as text; what is no text is JSON."""
        return {name: v if isinstance(v, str) else json.dumps(v, sort_keys=True) for name, v in self.fields.items()}

    def values(self) -> tuple[str, ...]:
        """What must stand in no message."""
        return tuple(self.texts().values())

    def one(self, field: str) -> str:
        """The value of one field. Raises ToolError that names those that there are."""
        found = self.texts().get(field)
        if found is None:
            raise ToolError(f"the secret has no field {field!r}; it has {', '.join(self.names()) or 'none'}")
        return found

    def replaced(self, changes: Mapping[str, str]) -> Content:
        """The same with some fields new."""
        return Content({**self.fields, **changes})
