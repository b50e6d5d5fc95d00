"""create, update, patch, apply, delete: strict about fields, types, versions, owners."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from steersman.testing.kubernetes import defaults, ownership, patching, validation
from steersman.testing.kubernetes.asking import APPLY, JSON, JSON_PATCH, MERGE, STRATEGIC, YAML, Ask, Target
from steersman.testing.kubernetes.fields import places
from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.names import spelled
from steersman.testing.kubernetes.schema import mistyped, pruned, unknown
from steersman.testing.kubernetes.status import (
    Document,
    Refused,
    Reply,
    already_exists,
    bad_request,
    details_of,
    invalid,
    modified,
    not_found,
    refused,
    success,
    unsupported_media,
)
from steersman.testing.kubernetes.store import Store

KEPT = ("uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds")
KNOWN_PATCHES = (JSON_PATCH, MERGE, STRATEGIC, APPLY)


@dataclass(frozen=True, slots=True)
class Writing:
    """Answers that change objects."""

    store: Store

    def create(self, ask: Ask, target: Target) -> Reply:
        """A new object: 201."""
        kind = target.kind
        if ask.media_type not in (JSON, YAML):
            raise unsupported_media(())
        document = ask.document(kind.kind)
        headers = self._admitted(ask, kind, document)
        self._named(document, target)
        name = document["metadata"]["name"]
        if self.store.get(kind.qualified, target.namespace, name) is not None:
            raise already_exists(kind, name)
        self._namespace_open(target, name)
        if "status" in kind.subresources:
            document.pop("status", None)
        return Reply(201, self._new(ask, kind, document), headers=headers)

    def update(self, ask: Ask, target: Target) -> Reply:
        """The whole object anew."""
        kind = target.kind
        document = ask.document(kind.kind)
        was = self._existing(target)
        headers = self._admitted(ask, kind, document)
        self._same_version(document, was, target)
        document.setdefault("metadata", {})["name"] = target.name
        return Reply(200, self.changed(was, document, target, ask=ask), headers=headers)

    def patch(self, ask: Ask, target: Target) -> Reply:
        """One of four kinds of patch."""
        kind = target.kind
        if ask.media_type not in KNOWN_PATCHES:
            raise unsupported_media(())
        if ask.media_type == APPLY:
            return self.apply(ask, target)
        if ask.media_type == STRATEGIC and kind.custom:
            raise unsupported_media((JSON_PATCH, MERGE, APPLY))
        was = self._existing(target)
        document = _patched(was, ask, kind)
        self._same_version(document, was, target)
        self._typed(document, kind, target.name, patched=True)
        return Reply(200, self.changed(was, document, target, ask=ask))

    def apply(self, ask: Ask, target: Target) -> Reply:
        """Server-side apply: creates what is not there; 409 where another manager's field would change."""
        kind, writer = target.kind, ownership.Writer(ask.manager, "Apply", target.subresource, self.store.stamp())
        if not ask.query.get("fieldManager"):
            raise _unmanaged()
        wanted = ask.document(kind.kind)
        self._declared(wanted, target)
        was = self.store.get(kind.qualified, target.namespace, target.name)
        wanted.setdefault("metadata", {}).setdefault("name", target.name)
        if was is None:
            return self._apply_new(ask, target, wanted, writer=writer)
        merged = patching.applied(was, wanted, kind.schema)
        owned = places(wanted, kind.schema, dots=False)
        found = ownership.conflicts(was, merged, owned, writer)
        if not ask.flag("force"):
            ownership.refuse_conflicts(found, kind)
        merged = patching.without(merged, ownership.given_up(was, owned, writer))
        fields = ownership.after_apply(was, merged, owned, kind=kind, writer=writer)
        return Reply(200, self._stored(was, merged, target, fields=fields, ask=ask))

    def _apply_new(self, ask: Ask, target: Target, wanted: Document, *, writer: ownership.Writer) -> Reply:
        self._named(wanted, target)
        self._namespace_open(target, target.name)
        owned = places(wanted, target.kind.schema, dots=False)
        fields = ownership.after_apply({}, wanted, owned, kind=target.kind, writer=writer)
        return Reply(201, self._new(ask, target.kind, wanted, fields=fields))

    def delete(self, ask: Ask, target: Target) -> Reply:
        """Takes an object away, or marks it where finalizers hold it."""
        kind = target.kind
        was = self._existing(target)
        options = ask.document("DeleteOptions") if ask.body else {}
        condition = options.get("preconditions", {})
        if condition.get("uid") not in (None, was["metadata"]["uid"]):
            raise modified(kind, target.name)
        headers = {}
        policy = options.get("propagationPolicy") if ask.body else ask.query.get("propagationPolicy")
        if kind.kind == "Job" and policy is None:
            headers["warning"] = (
                '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to '
                'remove them or set propagationPolicy=Orphan to suppress this warning"'
            )
        # With a body the server looks at no query.
        if options.get("dryRun") == ["All"] or (ask.rehearses and not ask.body):
            return Reply(200, _deleted(was, kind), headers=headers)
        if kind.kind == "Namespace":
            return Reply(200, self._terminating(was, kind))
        if was["metadata"].get("finalizers"):
            was["metadata"].setdefault("deletionTimestamp", self.store.stamp())
            return Reply(200, self.store.put(kind, was), headers=headers)
        self.store.remove(kind, was)
        return Reply(200, _deleted(was, kind), headers=headers)

    def changed(self, was: Document, now: Document, target: Target, *, ask: Ask) -> Document:
        """The object after an update or patch of it or of one of its sub-resources."""
        kind = target.kind
        if target.subresource == "status":
            now = {**copy.deepcopy(was), "status": now.get("status", {})}
        elif "status" in kind.subresources:
            now = (
                {**now, "status": was["status"]} if "status" in was else {k: v for k, v in now.items() if k != "status"}
            )
        return self._stored(was, now, target, fields=None, ask=ask)

    def _stored(
        self, was: Document, now: Document, target: Target, *, fields: list[Document] | None, ask: Ask
    ) -> Document:
        kind = target.kind
        now = pruned(now, kind.schema)
        now.setdefault("metadata", {})
        for name in KEPT:
            if name in was["metadata"]:
                now["metadata"][name] = was["metadata"][name]
        now["metadata"]["name"] = target.name
        if target.namespace:
            now["metadata"]["namespace"] = target.namespace
        if target.subresource != "status":
            defaults.fill(kind.kind, now)
            validation.check(kind, now, was)
        writer = ownership.Writer(ask.manager, "Update", target.subresource, self.store.stamp())
        lines = fields if fields is not None else ownership.updated(was, now, kind, writer)
        now["metadata"]["managedFields"] = lines
        now = {"kind": kind.kind, "apiVersion": kind.api_version, **now}
        if _same(was, now):
            return was
        if kind.has_generation and target.subresource != "status" and was.get("spec") != now.get("spec"):
            now["metadata"]["generation"] = was["metadata"].get("generation", 1) + 1
        if ask.rehearses:
            return now
        if now["metadata"].get("deletionTimestamp") and not now["metadata"].get("finalizers"):
            self.store.remove(kind, now)
            return now
        return self.store.put(kind, now)

    def _new(self, ask: Ask, kind: Kind, document: Document, *, fields: list[Document] | None = None) -> Document:
        document = pruned(document, kind.schema)
        metadata = document["metadata"]
        for name in ("resourceVersion", "uid", "generation", "managedFields", "deletionTimestamp"):
            metadata.pop(name, None)
        metadata["uid"] = self.store.uid()
        metadata["creationTimestamp"] = self.store.stamp()
        if kind.has_generation:
            metadata["generation"] = 1
        defaults.fill(kind.kind, document)
        validation.check(kind, document)
        writer = ownership.Writer(ask.manager, "Update", "", self.store.stamp())
        lines = fields if fields is not None else ownership.updated(None, _own(document), kind, writer)
        metadata["managedFields"] = lines
        document = {"kind": kind.kind, "apiVersion": kind.api_version, **document}
        return document if ask.rehearses else self.store.put(kind, document)

    def _admitted(self, ask: Ask, kind: Kind, document: Document) -> dict[str, str]:
        """Unknown fields by fieldValidation, wrong types always."""
        strange = list(unknown(document, kind.schema))
        mode = ask.query.get("fieldValidation", "Warn")
        if strange and mode == "Strict":
            listed = ", ".join(f'unknown field "{path}"' for path in strange)
            raise bad_request(
                f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
                f"strict decoding error: {listed}"
            )
        self._typed(document, kind, "", patched=False)
        quoted = ", ".join(f'299 - "unknown field \\"{path}\\""' for path in strange)
        return {"warning": quoted} if strange and mode == "Warn" else {}

    def _typed(self, document: Document, kind: Kind, name: str, *, patched: bool) -> None:
        for path, value, wanted in mistyped(document, kind.schema):
            if kind.custom:
                message = f'Invalid value: "{type(value).__name__}": {path} in body must be of type {wanted}'
                raise invalid(kind, name or document.get("metadata", {}).get("name", ""),
                              [(path, "FieldValueTypeInvalid", message)])  # fmt: skip
            said = f"json: cannot unmarshal {_go_type(value)} into Go struct field {path} of type {wanted}"
            if patched:
                raise refused(422, "Invalid", f' "" is invalid: patch: Invalid value: {said}', details={"causes": [
                    {"reason": "FieldValueInvalid", "message": said, "field": "patch"}]})  # fmt: skip
            raise bad_request(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {said}')

    def _declared(self, wanted: Document, target: Target) -> None:
        """Unknown fields of an apply are a 500: the typed patch object cannot be made."""
        kind, place = target.kind, "/".join(filter(None, (target.namespace, target.name)))
        said = f"{kind.api_version}, Kind={kind.kind}"
        if wanted.get("kind", kind.kind) != kind.kind or wanted.get("apiVersion", kind.api_version) != kind.api_version:
            raise bad_request(f"the object provided does not match the resource: {said}")
        for path in unknown(wanted, kind.schema):
            raise refused(500, "", f"failed to create typed patch object ({place}; {said}): .{path}: field not "
                          "declared in schema")  # fmt: skip
        for path, value, kind_wanted in mistyped(wanted, kind.schema):
            raise refused(500, "", f"failed to create typed patch object ({place}; {said}): .{path}: expected "
                          f"{kind_wanted}, got &value.valueUnstructured{{Value:{value!r}}}")  # fmt: skip

    def _named(self, document: Document, target: Target) -> None:
        metadata = document.setdefault("metadata", {})
        if "name" not in metadata and "generateName" in metadata:
            metadata["name"] = f"{metadata['generateName']}{spelled(self.store.version)}"
        if not metadata.get("name"):
            said = "Required value: name or generateName is required"
            raise invalid(target.kind, "", [("metadata.name", "FieldValueRequired", said)])
        if metadata.get("namespace", target.namespace) != target.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if target.namespace:
            metadata["namespace"] = target.namespace

    def _namespace_open(self, target: Target, name: str) -> None:
        if not target.namespace:
            return
        found = self.store.get("namespaces", "", target.namespace)
        if found is None:
            raise not_found(self.store.kind("namespaces"), target.namespace)
        if found["metadata"].get("deletionTimestamp"):
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {target.namespace} is being terminated",
                     "field": "metadata.namespace"}  # fmt: skip
            message = (
                f'{target.kind.qualified} "{name}" is forbidden: unable to create new content in namespace '
                f"{target.namespace} because it is being terminated"
            )
            raise refused(403, "Forbidden", message, details=details_of(target.kind, name, causes=[cause]))

    def _existing(self, target: Target) -> Document:
        found = self.store.get(target.kind.qualified, target.namespace, target.name)
        if found is None:
            raise not_found(target.kind, target.name)
        return found

    def _same_version(self, document: Document, was: Document, target: Target) -> None:
        asked = document.get("metadata", {}).get("resourceVersion")
        if asked not in (None, "", was["metadata"]["resourceVersion"]):
            raise modified(target.kind, target.name)

    def _terminating(self, was: Document, kind: Kind) -> Document:
        was["metadata"].setdefault("deletionTimestamp", self.store.stamp())
        was["status"] = {"phase": "Terminating"}
        return self.store.put(kind, was)


def _unmanaged() -> Refused:
    said = "Required value: is required for apply patch"
    cause = {"reason": "FieldValueRequired", "message": said, "field": "fieldManager"}
    details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [cause]}
    return refused(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {said}', details=details)


def _patched(was: Document, ask: Ask, kind: Kind) -> Document:
    patch = ask.value()
    if ask.media_type == JSON_PATCH:
        return patching.json_patch(was, patch)
    if ask.media_type == MERGE:
        return dict(patching.merge_patch(was, patch))
    return dict(patching.strategic(was, patch, kind.schema))


def _own(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "status"}


def _same(was: Document, now: Document) -> bool:
    """Whether nothing but times of managers would change: then nothing is written."""
    return _plain(was) == _plain(now)


def _plain(document: Document) -> Document:
    lines = [{k: v for k, v in each.items() if k != "time"} for each in document["metadata"].get("managedFields", [])]
    metadata = {**document["metadata"], "managedFields": lines, "resourceVersion": ""}
    return {**document, "metadata": metadata}


def _deleted(was: Document, kind: Kind) -> Document:
    """Pods and jobs answer with the object, most others with a Status."""
    if kind.kind in ("Pod", "Job"):
        return was
    group = {"group": kind.group} if kind.group else {}
    return success(name=was["metadata"]["name"], **group, kind=kind.plural, uid=was["metadata"]["uid"])


def _go_type(value: Any) -> str:
    names = {str: "string", int: "number", float: "number", bool: "bool", dict: "object", list: "array"}
    return names.get(type(value), "null")
