"""What an operator knows better than the conventions of exporters."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from steersman.app.section import Section
from steersman.domain.errors import ConfigError


class SignalSection(Section):
    """How signals are measured and things are named here; what is not said is found by asking."""

    queries: dict[str, str] = {}
    """PromQL by signal, with `$selector`, `$window` and `$seconds`, giving one series:
    `{queue_depth: "max(my_backlog{$selector})"}`.
    """
    labels: dict[str, tuple[str, ...]] = {}
    """Labels that name a `service`, `version`, `pool`, `instance` or `namespace`, tried before all others."""
    rate_window_s: float = Field(default=60.0, ge=1, le=86_400)
    """Seconds that rates look back at least; four scrapes or more."""

    def settings(self) -> Any:
        """As `queries.signals.SignalSettings`. Raises ConfigError naming the key that is wrong."""
        from steersman.queries.signals import SignalSettings

        try:
            return SignalSettings.model_validate(self.model_dump())
        except ValidationError as e:
            first = e.errors()[0]
            place = ".".join(str(part) for part in first["loc"] if part != "[key]")
            raise ConfigError(f"signals.{place} = {first['input']!r}: {first['msg']}") from e
