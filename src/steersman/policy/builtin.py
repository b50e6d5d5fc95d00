"""The rules that are shipped. Operators add to them (`policy.files`); nothing takes away from them."""

from __future__ import annotations

from steersman.domain.policy import Requirement
from steersman.policy.document import Case, Document, Rule

APPROVERS = frozenset({"approver", "admin"})
ONE = Requirement(count=1, roles=APPROVERS)
OTHER = Requirement(count=1, roles=APPROVERS, not_requester=True)
TWO_OTHERS = Requirement(count=2, roles=APPROVERS, not_requester=True)

PROTECTED = (
    "kubernetes/*/kube-system/*",
    "kubernetes/kube-system/*",
    "*/namespace/kube-system",
    "*backup*",
    "*audit*",
    "vault/sys/*",
    "vault.sys_*",
    "*/.github/workflows/*",
    "*/.gitlab-ci.yml",
    "*/Jenkinsfile",
    "steersman/*",
)

FORBID = (
    Rule(
        id="deny-read-only",
        effect="deny",
        when='mode == "read-only" && effect != "read"',
        reason="Steersman is in read-only mode",
    ),
    Rule(
        id="deny-suggest",
        effect="deny",
        when='mode == "suggest" && effect != "read"',
        reason="Steersman is in suggest mode: it plans and changes nothing",
    ),
    Rule(
        id="deny-protected",
        effect="deny",
        when='protected && effect != "read" && route != "undo"',
        reason="the target lies in the protected set",
    ),
    Rule(
        id="deny-frozen",
        effect="deny",
        when='frozen && effect != "read" && route != "undo"',
        reason="a freeze window is open",
    ),
    Rule(
        id="deny-agent-writes",
        effect="deny",
        when='effect != "read" && route in ["agent", "engine"]',
        reason="agents and the engine's own looks only read; changes go through a plan",
    ),
    Rule(
        id="deny-agent-principal",
        effect="deny",
        when='principal_kind == "agent" && effect != "read" && !(route in ["plan", "undo"])',
        reason="an agent changes nothing outside of a plan",
    ),
    Rule(
        id="deny-without-role",
        effect="deny",
        when='effect != "read" && !("operator" in roles || "admin" in roles)',
        reason="only an operator or admin may ask for a change",
    ),
)

DEMAND = (
    Rule(
        id="review-writes",
        effect="require_approval",
        when='mode == "review" && effect != "read" && route != "undo"',
        reason="in review mode each change is approved",
        approvals=ONE,
    ),
    Rule(
        id="another-person-outside-the-lab",
        effect="require_approval",
        when='tier != "lab" && effect != "read" && route != "undo" && (mode == "review" || tier == "prod")',
        reason="outside of the lab another person approves",
        approvals=OTHER,
    ),
    Rule(
        id="irreversible",
        effect="require_approval",
        when='effect != "read" && !reversible && route != "undo"',
        reason="it cannot be undone",
        approvals=ONE,
    ),
    Rule(
        id="destructive",
        effect="require_approval",
        when='effect == "destructive" && route != "undo"',
        reason="it destroys something",
        approvals=ONE,
    ),
    Rule(
        id="two-persons",
        effect="require_approval",
        when='tier == "prod" && route != "undo" && effect != "read" '
        '&& (effect == "destructive" || !reversible || blast_radius in ["namespace", "environment"])',
        reason="in production two others approve what is destructive, irreversible, or wide",
        approvals=TWO_OTHERS,
    ),
    Rule(
        id="wide",
        effect="require_approval",
        when='effect != "read" && route != "undo" && blast_radius in ["namespace", "environment"]',
        reason="its blast radius is wider than one service",
        approvals=ONE,
    ),
    Rule(
        id="made-by-a-model",
        effect="require_approval",
        when='planner == "model" && effect != "read" && route != "undo"',
        reason="a language model made the plan",
        approvals=ONE,
    ),
    Rule(
        id="made-by-a-model-outside-the-lab",
        effect="require_approval",
        when='planner == "model" && effect != "read" && route != "undo" && tier != "lab"',
        reason="a language model made the plan",
        approvals=OTHER,
    ),
    Rule(
        id="outside-of-a-plan",
        effect="require_approval",
        when='effect != "read" && route in ["cli", "mcp", "openapi", "healing"]',
        reason="a change outside of a plan is approved one by one",
        approvals=ONE,
    ),
)

ALLOW = (
    Rule(id="reads", effect="allow", when='effect == "read" && size(roles) > 0', reason="reads are allowed"),
    Rule(
        id="undo",
        effect="allow",
        when='route == "undo"',
        reason="the approval of a plan is that of its inverses",
    ),
    Rule(
        id="autonomous",
        effect="allow",
        when='mode == "autonomous" && route == "plan" && effect == "write" && reversible && tier != "prod"',
        reason="autonomous mode allows reversible changes outside of production",
    ),
)

TESTS = (
    Case(name="a read is allowed", request={"effect": "read"}, expect="allow"),
    Case(name="a write in review waits", request={"effect": "write"}, expect="require_approval"),
    Case(name="no write in read-only", request={"effect": "write", "mode": "read-only"}, expect="deny"),
    Case(name="no write by an agent", request={"effect": "write", "route": "agent"}, expect="deny"),
    Case(name="no write to backups", request={"effect": "write", "resource": "s3/backup/db"}, expect="deny"),
    Case(
        name="autonomous writes in the lab",
        request={"effect": "write", "mode": "autonomous", "tier": "lab"},
        expect="allow",
    ),
    Case(
        name="no autonomy in production",
        request={"effect": "write", "mode": "autonomous", "tier": "prod"},
        expect="require_approval",
    ),
)

BUILTIN = Document(rules=(*FORBID, *DEMAND, *ALLOW), protected=PROTECTED, tests=TESTS)
