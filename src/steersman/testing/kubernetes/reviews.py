"""Who am I, and what may I do: the review resources, which store nothing."""

from __future__ import annotations

from steersman.testing.kubernetes.access import MASTERS, Access, Attempt, User
from steersman.testing.kubernetes.asking import Ask
from steersman.testing.kubernetes.status import Document, Reply

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
AUTHENTICATION = "/apis/authentication.k8s.io/v1"


def reviewed(ask: Ask, user: User, access: Access) -> Reply | None:
    """The answer to a review; None for any other path."""
    if ask.method != "POST":
        return None
    if ask.path == f"{AUTHORIZATION}/selfsubjectaccessreviews":
        return Reply(201, _access(ask.document("SelfSubjectAccessReview"), user, access))
    if ask.path == f"{AUTHORIZATION}/selfsubjectrulesreviews":
        return Reply(201, _rules(ask.document("SelfSubjectRulesReview"), user, access))
    if ask.path == f"{AUTHENTICATION}/selfsubjectreviews":
        return Reply(201, _self(user))
    return None


def _access(document: Document, user: User, access: Access) -> Document:
    asked = document.get("spec", {}).get("resourceAttributes", {})
    resource = "/".join(filter(None, (asked.get("resource", ""), asked.get("subresource", ""))))
    attempt = Attempt(
        asked.get("verb", ""), asked.get("group", ""), resource, asked.get("namespace", ""), asked.get("name", "")
    )
    allowed, why = access.allows(user, attempt)
    return {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": document.get("spec", {}),
        "status": {"allowed": allowed, "reason": why} if why else {"allowed": allowed},
    }


def _rules(document: Document, user: User, access: Access) -> Document:
    namespace = document.get("spec", {}).get("namespace", "default")
    everything: Document = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    rules = [rule for rule, _ in access.rules(user, namespace)]
    if MASTERS in user.groups:
        rules.append(everything)
    return {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {},
        "status": {
            "resourceRules": [rule for rule in rules if "resources" in rule],
            "nonResourceRules": [],
            "incomplete": False,
        },
    }


def _self(user: User) -> Document:
    return {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "status": {"userInfo": {"username": user.name, "groups": sorted(user.groups)}},
    }
