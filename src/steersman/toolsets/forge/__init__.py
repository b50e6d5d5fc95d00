"""Forges: branches, files, pull requests and checks, through one interface."""

from steersman.toolsets.forge.access import Access
from steersman.toolsets.forge.operations import OPERATIONS
from steersman.toolsets.forge.toolset import ForgeToolset

__all__ = ["OPERATIONS", "Access", "ForgeToolset"]
