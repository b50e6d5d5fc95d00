"""Who asks, and what he may do: bearer tokens, impersonation, RBAC by the roles that are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.status import Document, details_of, refused
from steersman.testing.kubernetes.store import Store

RBAC = "rbac.authorization.k8s.io"
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class User:
    """An identity."""

    name: str
    groups: frozenset[str] = frozenset()


ANONYMOUS = User("system:anonymous", frozenset({"system:unauthenticated"}))
ADMIN = User("admin", frozenset({MASTERS, "system:authenticated"}))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that somebody wants to do."""

    verb: str
    group: str
    resource: str
    """With its sub-resource: `pods/log`."""
    namespace: str = ""
    name: str = ""


def service_account(namespace: str, name: str) -> User:
    """The identity of a service account."""
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
    return User(f"system:serviceaccount:{namespace}:{name}", frozenset(groups))


@dataclass(slots=True)
class Access:
    """Authentication and authorisation."""

    store: Store
    tokens: dict[str, User] = field(default_factory=dict)
    used: list[tuple[str, Attempt]] = field(default_factory=list)
    """What was asked of whom, in order: which privileges somebody really needs."""

    def user(self, headers: dict[str, str]) -> User:
        """Whoever sent a request with these headers. Raises Refused 401, and 403 for a forbidden impersonation."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not scheme:
            return ANONYMOUS
        if scheme.lower() != "bearer" or token not in self.tokens:
            raise refused(401, "Unauthorized", "Unauthorized")
        asked = self.tokens[token]
        wanted = headers.get("impersonate-user")
        if not wanted:
            return asked
        self.require(asked, Attempt("impersonate", "", "users", name=wanted))
        groups = frozenset(filter(None, headers.get("impersonate-group", "").split(",")))
        return User(wanted, groups | {"system:authenticated"})

    def require(self, user: User, attempt: Attempt, kind: Kind | None = None) -> None:
        """Raises Refused 403 in the words of the API server."""
        self.used.append((user.name, attempt))
        if self.allows(user, attempt)[0]:
            return
        where = f' in the namespace "{attempt.namespace}"' if attempt.namespace else " at the cluster scope"
        full = kind.qualified if kind else attempt.resource
        named = f'{full} "{attempt.name}"' if attempt.name else full
        message = (
            f'{named} is forbidden: User "{user.name}" cannot {attempt.verb} resource "{attempt.resource}" '
            f'in API group "{attempt.group}"{where}'
        )
        details = details_of(kind, attempt.name) if kind else {}
        raise refused(403, "Forbidden", message, details=details)

    def allows(self, user: User, attempt: Attempt) -> tuple[bool, str]:
        """Whether it is allowed, and by which binding."""
        if MASTERS in user.groups:
            return True, ""
        if attempt.resource.startswith("selfsubject") and "system:unauthenticated" not in user.groups:
            return True, ""
        for rule, why in self.rules(user, attempt.namespace):
            if _fits(rule, attempt):
                return True, why
        return False, ""

    def rules(self, user: User, namespace: str) -> Iterator[tuple[Document, str]]:
        """All rules that hold for somebody in a namespace, with the binding that gives them."""
        for binding in self.store.all(f"clusterrolebindings.{RBAC}"):
            if _is_subject(user, binding):
                yield from self._of(binding, "", "ClusterRoleBinding")
        if namespace:
            for binding in self.store.all(f"rolebindings.{RBAC}", namespace):
                if _is_subject(user, binding):
                    yield from self._of(binding, namespace, "RoleBinding")

    def _of(self, binding: Document, namespace: str, kind: str) -> Iterator[tuple[Document, str]]:
        reference = binding["roleRef"]
        if reference["kind"] == "Role":
            role = self.store.get(f"roles.{RBAC}", namespace, reference["name"])
        else:
            role = self.store.get(f"clusterroles.{RBAC}", "", reference["name"])
        name = binding["metadata"]["name"] + (f"/{namespace}" if namespace else "")
        why = f'RBAC: allowed by {kind} "{name}" of {reference["kind"]} "{reference["name"]}"'
        for rule in (role or {}).get("rules") or []:
            yield rule, why


def _is_subject(user: User, binding: Document) -> bool:
    for each in binding.get("subjects") or []:
        match each["kind"]:
            case "ServiceAccount":
                if user.name == f"system:serviceaccount:{each.get('namespace', '')}:{each['name']}":
                    return True
            case "User":
                if user.name == each["name"]:
                    return True
            case _:
                if each["name"] in user.groups:
                    return True
    return False


def _fits(rule: Document, attempt: Attempt) -> bool:
    def has(field_name: str, value: str) -> bool:
        values = rule.get(field_name) or []
        return "*" in values or value in values

    named = rule.get("resourceNames") or []
    return (
        has("verbs", attempt.verb)
        and has("apiGroups", attempt.group)
        and has("resources", attempt.resource)
        and (not named or attempt.name in named)
    )
