"""Any load generator as a toolset: its process, the folder of its runs, its operations."""

from steersman.toolsets.load.history import History
from steersman.toolsets.load.runs import Runs
from steersman.toolsets.load.toolset import LoadToolset

__all__ = ["History", "LoadToolset", "Runs"]
