"""The local engine: LangGraph and SQLite, embedded. LangGraph is imported when the first run starts, not before."""

from steersman.engines.local.engine import LocalEngine
from steersman.engines.local.mermaid import mermaid
from steersman.engines.local.ports import Authority, Deps, Judge, Settings

__all__ = ["Authority", "Deps", "Judge", "LocalEngine", "Settings", "mermaid"]
