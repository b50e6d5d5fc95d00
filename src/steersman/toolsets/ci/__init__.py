"""CI systems: pipelines started, waited for, read and cancelled, through one interface."""

from steersman.toolsets.ci.toolset import OPERATIONS, CiToolset

__all__ = ["OPERATIONS", "CiToolset"]
