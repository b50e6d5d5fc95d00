"""Vault and OpenBao: secrets by version, credentials by lease, keys that never leave. No value leaves."""

from steersman.toolsets.vault.operations import OPERATIONS
from steersman.toolsets.vault.session import AppRoleAuth, KubernetesAuth, Session, TokenAuth, VaultAuth
from steersman.toolsets.vault.toolset import VaultToolset

__all__ = ["OPERATIONS", "AppRoleAuth", "KubernetesAuth", "Session", "TokenAuth", "VaultAuth", "VaultToolset"]
