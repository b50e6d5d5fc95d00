"""`metadata.managedFields` after each kind of write, and the conflicts of server-side apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steersman.testing.kubernetes.fields import Places, changed, decoded, encoded, places, shown, value_at
from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.status import Document, refused


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, how, and to which part."""

    manager: str
    operation: str = "Update"
    subresource: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of managedFields."""

    manager: str
    operation: str
    subresource: str
    time: str
    owned: Places


def entries(document: Document) -> list[Entry]:
    """The managers of an object."""
    return [
        Entry(each["manager"], each["operation"], each.get("subresource", ""), each["time"], decoded(each["fieldsV1"]))
        for each in document.get("metadata", {}).get("managedFields", [])
    ]


def written(found: list[Entry], kind: Kind) -> list[Document]:
    """As managedFields; who owns nothing any more is left out."""
    ordered = sorted(found, key=lambda each: (each.operation != "Apply", each.time, each.manager))
    return [_written(each, kind) for each in ordered if each.owned]


def _written(entry: Entry, kind: Kind) -> Document:
    line: Document = {
        "manager": entry.manager,
        "operation": entry.operation,
        "apiVersion": kind.api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": encoded(entry.owned),
    }
    return {**line, "subresource": entry.subresource} if entry.subresource else line


def updated(was: Document | None, now: Document, kind: Kind, writer: Writer) -> list[Document]:
    """Managers after an update: what it changed is the writer's."""
    before = places(was, kind.schema, dots=True) if was else frozenset()
    after = places(now, kind.schema, dots=True)
    mine = (after - before) | changed(was or {}, now, after & before)
    mine = frozenset(place for place in mine if place not in before or not _is_container(value_at(now, place)))
    rest: list[Entry] = []
    own: Places = frozenset()
    time = ""
    for entry in entries(was) if was else []:
        if (entry.manager, entry.operation, entry.subresource) == (writer.manager, "Update", writer.subresource):
            own, time = entry.owned & after, entry.time
        else:
            rest.append(
                Entry(entry.manager, entry.operation, entry.subresource, entry.time, (entry.owned & after) - mine)
            )
    stamp = writer.time if mine else time
    return written([*rest, Entry(writer.manager, "Update", writer.subresource, stamp, own | mine)], kind)


def _is_container(value: Any) -> bool:
    """Its presence is owned, its content by those who own the content."""
    return isinstance(value, (dict, list))


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply leaves."""

    document: Document
    fields: list[Document]


def conflicts(live: Document, merged: Document, wanted: Places, writer: Writer) -> list[tuple[Entry, Places]]:
    """Which managers own fields that an apply would change."""
    found = []
    for entry in entries(live):
        if (entry.manager, entry.operation, entry.subresource) == (writer.manager, "Apply", writer.subresource):
            continue
        clash = changed(live, merged, entry.owned & wanted)
        if clash:
            found.append((entry, clash))
    return found


def refuse_conflicts(found: list[tuple[Entry, Places]], kind: Kind) -> None:
    """409, naming managers and fields. Raises Refused when there is any."""
    said, causes = [], []
    for entry, clash in found:
        who = f'conflict with "{entry.manager}"'
        who += f' with subresource "{entry.subresource}"' if entry.subresource else ""
        # An update's owner is named with the version that it used.
        who += f" using {kind.api_version}" if entry.operation == "Update" else ""
        for place in sorted(clash):
            causes.append({"reason": "FieldManagerConflict", "message": who, "field": shown(place)})
            said.append(f"{who}: {shown(place)}")
    if not said:
        return
    plural = "conflict" if len(said) == 1 else "conflicts"
    listed = said[0] if len(said) == 1 else "\n" + "\n".join(f"- {each}" for each in said)
    message = f"Apply failed with {len(said)} {plural}: {listed}"
    raise refused(409, "Conflict", message, details={"causes": causes})


def after_apply(live: Document, merged: Document, wanted: Places, *, kind: Kind, writer: Writer) -> list[Document]:
    """Managers after an apply that was let through, forced or not."""
    lost = frozenset().union(*(clash for _, clash in conflicts(live, merged, wanted, writer)))
    rest = [
        Entry(each.manager, each.operation, each.subresource, each.time, each.owned - lost)
        for each in entries(live)
        if (each.manager, each.operation, each.subresource) != (writer.manager, "Apply", writer.subresource)
    ]
    return written([*rest, Entry(writer.manager, "Apply", writer.subresource, writer.time, wanted)], kind)


def given_up(live: Document, wanted: Places, writer: Writer) -> Places:
    """What the writer applied before, applies no more, and nobody else owns: an apply removes it."""
    mine: Places = frozenset()
    others: set[tuple[str, ...]] = set()
    for entry in entries(live):
        if (entry.manager, entry.operation, entry.subresource) == (writer.manager, "Apply", writer.subresource):
            mine = entry.owned
        else:
            others |= entry.owned
    return frozenset(place for place in mine - wanted if place not in others)
