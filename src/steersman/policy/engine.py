"""Rules to decisions. Deny by default, forbid wins, an error in any rule is a denial."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import translate
from typing import Literal
from urllib.parse import unquote

from pydantic import JsonValue

from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import ConfigError
from steersman.domain.fact import Digest, digest
from steersman.domain.ids import OperationName, PrincipalId, ResourceId, RuleId
from steersman.domain.policy import PolicyDecision, PolicyRequest, Requirement
from steersman.policy.builtin import BUILTIN, NEW_BACKUP
from steersman.policy.document import Case, Freeze, Rule, parse
from steersman.policy.expressions import cel
from steersman.policy.schema import SCHEMA, Facts, facts, samples
from steersman.policy.typecheck import ExpressionError, check

DEFAULT = RuleId("default")
Match = Literal["matches", "no", "error"]

REMEMBERED = 4_096
"""Decisions in memory."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule with its program."""

    rule: Rule
    program: cel.Program

    def match(self, known: cel.Context) -> Match:
        """Whether the rule holds; anything but a clean true or false is an error."""
        try:
            result = self.program.execute(known)
        except Exception:  # noqa: BLE001 - one of the three borders: in a guard any error is a denial
            return "error"
        return "matches" if result is True else "no" if result is False else "error"


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules in force. Make it with `load`."""

    rules: tuple[Compiled, ...]
    freezes: tuple[Freeze, ...]
    protected: tuple[re.Pattern[str], ...]
    digest: Digest
    tests: tuple[Case, ...] = ()
    names: tuple[str, ...] = ()
    """Variables that some rule reads."""
    _decided: dict[tuple[object, ...], PolicyDecision] = field(default_factory=dict, compare=False, repr=False)
    """Decisions by all that a rule can read: rules have no other input, so the same question has the same answer."""

    def decide(self, request: PolicyRequest) -> PolicyDecision:
        """Allow, require approval, or deny; with the rule that decided."""
        known = facts(request)
        question = tuple(tuple(value) if isinstance(value, list) else value for value in known.values())
        decided = self._decided.get(question)
        if decided is None:
            if len(self._decided) >= REMEMBERED:
                self._decided.clear()
            decided = self._decided[question] = self._decide(known)
        return decided

    def _decide(self, facts_known: Facts) -> PolicyDecision:
        known = self._context(facts_known)
        allowed: Rule | None = None
        demands: list[Rule] = []
        forbidden: Rule | None = None
        for compiled in self.rules:
            match compiled.match(known):
                case "error":
                    reason = f"rule {compiled.rule.id!r} could not be evaluated, which counts as a denial"
                    return self._decision("deny", RuleId(compiled.rule.id), reason)
                case "matches":
                    rule = compiled.rule
                    forbidden = forbidden or (rule if rule.effect == "deny" else None)
                    allowed = allowed or (rule if rule.effect == "allow" else None)
                    demands += [rule] if rule.effect == "require_approval" else []
                case "no":
                    pass
        if forbidden is not None:
            return self._decision("deny", RuleId(forbidden.id), forbidden.reason)
        if demands:
            return self._demand(demands)
        if allowed is not None:
            return self._decision("allow", RuleId(allowed.id), allowed.reason)
        return self._decision("deny", DEFAULT, "no rule allows it, and what no rule allows is denied")

    def explain(self, request: PolicyRequest) -> tuple[tuple[Rule, Match], ...]:
        """Each rule, and whether it holds for the request."""
        known = self._context(facts(request))
        return tuple((compiled.rule, compiled.match(known)) for compiled in self.rules)

    def may_approve(self, approver: Principal, requirement: Requirement, requester: PrincipalId) -> bool:
        """Whether this person's approval counts for this requirement now."""
        if approver.kind != "human" or (requirement.not_requester and approver.id == requester):
            return False
        return bool(approver.roles & requirement.roles)

    def is_protected(self, resource: ResourceId, operation: OperationName) -> bool:
        """Whether a resource, or an operation by its name, lies in the protected set, however it is spelled."""
        forms = {resource, _plain(resource), operation}
        return any(pattern.match(form) for pattern in self.protected for form in forms)

    def admits_new(self, resource: str) -> bool:
        """Whether something new may be made at a place of the protected set; the same that `deny-protected` says."""
        return re.search(NEW_BACKUP, resource) is not None

    def is_frozen(self, at: datetime, environment: Environment) -> bool:
        """Whether a freeze window of the environment's tier is open."""
        return any(environment.tier in freeze.tiers and freeze.covers(at) for freeze in self.freezes)

    def _demand(self, rules: Sequence[Rule]) -> PolicyDecision:
        """All demands at once: the most approvals, by roles that satisfy each, by others if any wants others."""
        wanted = [rule.approvals for rule in rules if rule.approvals is not None]
        roles = frozenset.intersection(*(each.roles for each in wanted))
        strictest = max(rules, key=_strictness)
        if not roles:
            names = ", ".join(repr(rule.id) for rule in rules)
            reason = f"rules {names} demand approval by roles that exclude each other; give them one in common"
            return self._decision("deny", RuleId(strictest.id), reason)
        merged = Requirement(
            count=max(each.count for each in wanted),
            roles=roles,
            not_requester=any(each.not_requester for each in wanted),
        )
        return PolicyDecision(
            effect="require_approval",
            rule=RuleId(strictest.id),
            reason=strictest.reason,
            requirement=merged,
            policy_digest=self.digest,
        )

    def _context(self, known: Facts) -> cel.Context:
        """What the rules read, converted once for all of them: that costs ten times as much as a rule."""
        return cel.Context({name: known[name] for name in self.names})

    def _decision(
        self, effect: Literal["allow", "require_approval", "deny"], rule: RuleId, reason: str
    ) -> PolicyDecision:
        return PolicyDecision(effect=effect, rule=rule, reason=reason, policy_digest=self.digest)


def _plain(resource: str) -> str:
    """The path without detours: escapes, odd letters, empty and dotted parts undone, as a server would."""
    text, before = resource, None
    while text != before:
        text, before = unquote(text), text
    text = unicodedata.normalize("NFKC", text).replace("\\", "/")
    return posixpath.normpath("/".join(part.strip() for part in text.split("/")))


def _strictness(rule: Rule) -> tuple[int, bool]:
    return (rule.approvals.count, rule.approvals.not_requester) if rule.approvals else (0, False)


def load(*documents: tuple[str, JsonValue]) -> Policy:
    """The shipped rules with an operator's documents (name, parsed YAML) added. Raises ConfigError for any defect."""
    named = [("builtin", BUILTIN), *((name, parse(name, data)) for name, data in documents)]
    compiled: dict[str, Compiled] = {}
    for name, document in named:
        for rule in document.rules:
            if rule.id in compiled:
                raise ConfigError(f"{name}: a rule {rule.id!r} exists already; rules are added, never replaced")
            compiled[rule.id] = _compile(name, rule)
    parts = [document for _, document in named]
    content: JsonValue = [document.model_dump(mode="json", exclude={"tests"}) for document in parts]
    return Policy(
        rules=tuple(compiled.values()),
        freezes=tuple(freeze for document in parts for freeze in document.freezes),
        protected=tuple(
            re.compile(translate(each), re.IGNORECASE) for document in parts for each in document.protected
        ),
        digest=digest(_ordered(content)),
        tests=tuple(case for document in parts for case in document.tests),
        names=tuple(sorted({name for each in compiled.values() for name in each.program.variables()})),
    )


def _compile(name: str, rule: Rule) -> Compiled:
    where = f"{name}: rule {rule.id!r}"
    try:
        program = cel.compile(rule.when)
        check(rule.when, SCHEMA)
    except ValueError as e:
        raise ConfigError(f"{where}: not a CEL expression: {' '.join(str(e).split())}") from e
    except ExpressionError as e:
        raise ConfigError(f"{where}: {e}") from e
    compiled = Compiled(rule=rule, program=program)
    if any(compiled.match(cel.Context(sample)) == "error" for sample in samples()):
        raise ConfigError(f"{where}: {rule.when!r} fails for some requests (a division by 0?); rule it out")
    return compiled


def _ordered(value: JsonValue) -> JsonValue:
    """Sets dump in any order; the digest must not depend on it."""
    if isinstance(value, dict):
        return {
            key: _sorted(item) if key in ("roles", "tiers", "days") else _ordered(item) for key, item in value.items()
        }
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _sorted(items: JsonValue) -> JsonValue:
    return [*sorted(str(item) for item in items)] if isinstance(items, list) else items
