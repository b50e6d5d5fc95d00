"""Identifiers. Each is a string with its own type, so that one is never passed for another."""

from __future__ import annotations

from typing import NewType

RunId = NewType("RunId", str)
StepId = NewType("StepId", str)
ConditionId = NewType("ConditionId", str)
OperationName = NewType("OperationName", str)
"""`toolset.verb`, for example `lab.set_weights`."""
ResourceId = NewType("ResourceId", str)
"""`kind/name` path of a thing that can be changed, for example `lab/route/payments`."""
ApprovalId = NewType("ApprovalId", str)
PrincipalId = NewType("PrincipalId", str)
ScenarioId = NewType("ScenarioId", str)
EvidenceId = NewType("EvidenceId", str)
IncidentId = NewType("IncidentId", str)
RuleId = NewType("RuleId", str)
