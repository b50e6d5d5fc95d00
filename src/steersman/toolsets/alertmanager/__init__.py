"""Alertmanager: alerts and silences."""

from steersman.toolsets.alertmanager.client import AlertmanagerClient
from steersman.toolsets.alertmanager.operations import OPERATIONS, AlertmanagerToolset
from steersman.toolsets.alertmanager.source import AlertmanagerSource

__all__ = ["OPERATIONS", "AlertmanagerClient", "AlertmanagerSource", "AlertmanagerToolset"]
