"""Alertmanager: alerts and silences."""

from steersman.toolsets.alertmanager.client import AlertmanagerClient
from steersman.toolsets.alertmanager.operations import OPERATIONS, AlertmanagerToolset

__all__ = ["OPERATIONS", "AlertmanagerClient", "AlertmanagerToolset"]
