"""A context for calls of handlers."""

from datetime import UTC, datetime

from steersman.domain.ports import CallContext

NOW = datetime(2026, 11, 22, 23, 20, tzinfo=UTC)
CONTEXT = CallContext(key="k1", deadline=NOW)
