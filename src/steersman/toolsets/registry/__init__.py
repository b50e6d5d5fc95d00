"""Registries of images, by the OCI distribution API."""

from steersman.toolsets.registry.client import RegistryClient
from steersman.toolsets.registry.operations import OPERATIONS
from steersman.toolsets.registry.toolset import Registries, RegistryToolset

__all__ = ["OPERATIONS", "Registries", "RegistryClient", "RegistryToolset"]
