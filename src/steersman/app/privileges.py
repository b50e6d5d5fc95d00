"""Least privilege: what each operation of a cluster needs, what we have, and the manifest that grants exactly that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from steersman.app.environments import named
from steersman.app.settings import Settings
from steersman.domain.errors import InputError
from steersman.domain.operation import Operation
from steersman.domain.privilege import Privilege

ACCOUNT = "steersman"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
AT_ONCE = 8
Grants = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Held:
    """One privilege, whether we have it, and what does not work without it."""

    privilege: Privilege
    has: bool
    operations: tuple[str, ...]
    writes: bool
    """Whether only writes need it: then read-only mode does not miss it."""


async def held(settings: Settings, env: str, namespace: str) -> list[Held]:
    """Every privilege that the operations of an environment's cluster need, asked of the cluster itself."""
    from steersman.app.systems.kubernetes import access_of
    from steersman.remote.kubernetes.api import Api, Ask
    from steersman.remote.kubernetes.credentials import Limits, open_http
    from steersman.remote.together import together

    called, section = named(settings, env)
    if section.kubernetes is None:
        raise InputError(f"environments.{called} has no cluster, whose privileges could be asked for")
    access = access_of(section.kubernetes)
    where = namespace or section.kubernetes.namespace or access.namespace
    async with open_http(access, Limits(plugins=section.kubernetes.plugins)) as http:
        api = Api(http, access.context)

        async def ask(privilege: Privilege) -> bool:
            review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
            spec = {"resourceAttributes": _attributes(privilege, where)}
            answer = await api.json(Ask("POST", REVIEW, {}, {**review, "spec": spec}))
            return bool((answer.get("status") or {}).get("allowed"))

        wanted = _needed(_operations())
        answers = await together(*(ask(each) for each in wanted), at_once=AT_ONCE)
    return [_held(each, has=has) for each, has in zip(wanted, answers, strict=True)]


def manifest(*, namespaces: Sequence[str], grants: Grants = "read") -> str:
    """RBAC for a service account of Steersman's own: to read, and with `write` to change, in these namespaces."""
    from steersman.toolsets.kubernetes.privileges import SECRET_READS

    operations = _operations()
    reads = [each for each in operations if each.effect == "read" and each.name not in SECRET_READS]
    documents: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ACCOUNT}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": ACCOUNT}},
        *_granted("steersman-read", _needed(reads), namespaces),
    ]
    if grants == "write":
        writes = [each for each in operations if each not in reads]
        beyond = tuple(each for each in _needed(writes) if each not in _needed(reads))
        documents += _granted("steersman-write", beyond, namespaces)
    head = "# Made by `steer doctor --rbac` out of what each operation declares; do not edit, make it anew.\n"
    return head + yaml.safe_dump_all(documents, sort_keys=False)


def _operations() -> list[Operation]:
    from steersman.toolsets import argo_rollouts, gateway, kubernetes

    return [*kubernetes.OPERATIONS, *argo_rollouts.OPERATIONS, *gateway.OPERATIONS]


def _needed(operations: Sequence[Operation]) -> tuple[Privilege, ...]:
    from steersman.toolsets.kubernetes.privileges import needed

    return needed(each.name for each in operations)


def _held(privilege: Privilege, *, has: bool) -> Held:
    from steersman.toolsets.kubernetes.privileges import IDENTITY, NEEDS

    using = [each for each in _operations() if privilege in NEEDS.get(each.name, ())]
    names = ("every operation",) if privilege in IDENTITY else tuple(each.name for each in using)
    writes = privilege not in IDENTITY and all(each.effect != "read" for each in using)
    return Held(privilege, has, names, writes)


def _attributes(privilege: Privilege, namespace: str) -> dict[str, str]:
    resource, _, below = privilege.resource.partition("/")
    found = {"verb": privilege.verb, "group": privilege.group, "resource": resource}
    found |= {"subresource": below} if below else {}
    found |= {"name": privilege.name} if privilege.name else {}
    return found if privilege.everywhere else {**found, "namespace": namespace}


def _granted(name: str, privileges: Sequence[Privilege], namespaces: Sequence[str]) -> list[dict[str, Any]]:
    """Roles and their bindings: what is needed everywhere apart from what is needed in some namespaces."""
    found: list[dict[str, Any]] = []
    for everywhere, called in ((False, name), (True, f"{name}-cluster")):
        rules = _rules([each for each in privileges if each.everywhere == everywhere])
        if not rules:
            continue
        found.append(_object("ClusterRole", called, rules=rules))
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": called}
        subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": ACCOUNT}]
        if everywhere:
            found.append(_object("ClusterRoleBinding", called, roleRef=reference, subjects=subjects))
        else:
            found += [
                _object("RoleBinding", called, namespace=each, roleRef=reference, subjects=subjects)
                for each in namespaces
            ]
    return found


def _rules(privileges: Sequence[Privilege]) -> list[dict[str, Any]]:
    """One rule for each resource, with exactly its verbs."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for each in privileges:
        verbs.setdefault((each.group, each.resource, each.name), []).append(each.verb)
    return [
        {
            "apiGroups": [group],
            "resources": [resource],
            **({"resourceNames": [name]} if name else {}),
            "verbs": sorted(found),
        }
        for (group, resource, name), found in sorted(verbs.items())
    ]


def _object(kind: str, name: str, *, namespace: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, **more}
