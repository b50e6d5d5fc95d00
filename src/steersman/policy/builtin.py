"""The rules that are shipped. Operators add to them (`policy.files`); nothing takes away from them."""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.policy import Requirement
from steersman.policy.document import Case, Document, Expected, Rule

APPROVERS = frozenset({"approver", "admin"})
ONE = Requirement(count=1, roles=APPROVERS)
OTHER = Requirement(count=1, roles=APPROVERS, not_requester=True)
TWO_OTHERS = Requirement(count=2, roles=APPROVERS, not_requester=True)

PROTECTED = (
    "kubernetes/*/kube-system/*",
    "kubernetes/kube-system/*",
    "kubernetes/*/kube-system",
    "*/namespace/kube-system",
    "*backup*",
    "*audit*",
    "vault/sys",
    "vault/sys/*",
    "vault/*/sys",
    "vault/*/sys/*",
    "vault.sys_*",
    "*/.github/workflows/*",
    "*/.gitea/workflows/*",
    "*/.forgejo/workflows/*",
    "*/.circleci/*",
    "*/.ci/*",
    "*/.gitlab-ci.yml",
    "*/azure-pipelines.yml",
    "*/bitbucket-pipelines.yml",
    "*/Jenkinsfile",
    "steersman/*",
)

NEW_BACKUP = "^[^/]+/backup/[^/%.][^/%]*/[^/%.][^/%]*$"
"""Targets in the protected set that may be created: the place of a backup, spelled plainly."""

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
        when='protected && effect != "read" && route != "undo" '
        f'&& !(access == "create" && resource.matches("{NEW_BACKUP}"))',
        reason="the target lies in the protected set, where nothing but new backups is made",
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
        when='effect != "read" && route != "undo" && !("operator" in roles || "admin" in roles)',
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
        when='tier != "lab" && effect != "read" && route != "undo" '
        '&& !(mode == "autonomous" && tier == "staging" && route == "plan" && planner != "model" && effect == "write" '
        '&& reversible && blast_radius in ["none", "instance", "service"])',
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


def _case(name: str, expect: Expected, **request: JsonValue) -> Case:
    return Case(name=name, request=request, expect=expect)


TESTS = (
    _case("a read is allowed", "allow", effect="read"),
    _case("a viewer reads", "allow", effect="read", roles=["viewer"]),
    _case("somebody unknown does not even read", "deny", effect="read", roles=[]),
    _case("a viewer changes nothing", "deny", roles=["viewer"]),
    _case("an approver alone changes nothing", "deny", roles=["approver"]),
    _case("a write in review waits", "require_approval"),
    _case("no write in read-only", "deny", mode="read-only"),
    _case("no undo in read-only", "deny", mode="read-only", route="undo"),
    _case("no write in suggest", "deny", mode="suggest"),
    _case("no write by an agent's route", "deny", route="agent"),
    _case("no write by the engine's looks", "deny", route="engine"),
    _case("no write by an agent on the command line", "deny", principal_kind="agent", route="cli"),
    _case("an agent's plan waits", "require_approval", principal_kind="agent"),
    _case("a frozen write is denied", "deny", frozen=True),
    _case("undo goes on in a freeze", "allow", frozen=True, route="undo"),
    _case("no write to backups", "deny", resource="s3/backup/db"),
    _case("a new backup is made", "require_approval", resource="postgres/backup/shop/today", access="create"),
    _case("no detour by way of backups", "deny", resource="postgres/backup/../sys", access="create"),
    _case("no write to kube-system", "deny", resource="kubernetes/deployment/kube-system/dns"),
    _case("nothing new in kube-system", "deny", resource="kubernetes/deployment/kube-system/x", access="create"),
    _case("no write to audit data", "deny", resource="postgres/schema/audit"),
    _case("no write to Vault sys", "deny", resource="vault/secret/sys/policies"),
    _case("no detour to Vault sys", "deny", resource="vault/secret/app/../SYS/policies"),
    _case("no write to CI workflows", "deny", resource="forge/file/shop/main/.github/workflows/ci.yml"),
    _case("no write to Steersman itself", "deny", resource="steersman/journal"),
    _case("autonomous writes in the lab", "allow", mode="autonomous"),
    _case("autonomous writes in staging", "allow", mode="autonomous", tier="staging"),
    _case("no autonomy in production", "require_approval", mode="autonomous", tier="prod"),
    _case("no autonomy for a model's plan", "require_approval", mode="autonomous", planner="model"),
    _case("no autonomy for destruction", "require_approval", mode="autonomous", effect="destructive"),
    _case("no autonomy without a way back", "require_approval", mode="autonomous", reversible=False),
    _case("no autonomy for a wide change", "require_approval", mode="autonomous", blast_radius="namespace"),
    _case("no autonomy on the command line", "require_approval", mode="autonomous", route="cli"),
    _case("no autonomy for an imported operation", "require_approval", mode="autonomous", route="openapi"),
    _case("no autonomy for healing", "require_approval", mode="autonomous", route="healing"),
)

BUILTIN = Document(rules=(*FORBID, *DEMAND, *ALLOW), protected=PROTECTED, tests=TESTS)
