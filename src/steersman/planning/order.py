"""The partial order of a plan's actions: only what data, resources and methods ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from steersman.domain.errors import InputError
from steersman.domain.expression import from_steps
from steersman.domain.ids import ResourceId
from steersman.planning.frame import Action, Item
from steersman.planning.graph import reduced
from steersman.planning.names import nearest
from steersman.planning.simulation import target, used
from steersman.planning.world import World

Groups = dict[tuple[int, str], list[int]]
"""Which actions a subtask of a frame has become, by frame number and name."""


def groups_of(actions: Sequence[Action]) -> Groups:
    """The actions of each subtask."""
    groups: Groups = {}
    for index, action in enumerate(actions):
        for item in action.item.chain():
            groups.setdefault((item.frame.number, item.name), []).append(index)
    return groups


def ordered(actions: Sequence[Action], groups: Groups, world: World) -> list[tuple[int, ...]]:
    """For each action the earlier ones that it must wait for, and no more than it must."""
    by_resource = _resources(actions, world)
    needs: list[tuple[int, ...]] = []
    ancestors: list[int] = []
    for index, action in enumerate(actions):
        wanted = set(by_resource[index])
        wanted.update(_data(index, action, groups))
        for item in action.item.chain():
            wanted.update(earlier for earlier in _declared(item, groups) if _before(earlier, index, item))
        kept = reduced(sorted(wanted), ancestors)
        needs.append(kept)
        mask = 0
        for need in kept:
            mask |= ancestors[need] | 1 << need
        ancestors.append(mask)
    return needs


def referred(step: str, groups: Groups) -> int:
    """The one action behind a qualified reference. Raises InputError when there are none or several."""
    number, _, name = step.removeprefix("@").partition("/")
    found = groups.get((int(number), name), [])
    if len(found) != 1:
        many = f"{len(found)} steps" if found else "no step"
        raise InputError(f"the scenario refers to the output of {name!r}, which became {many}: refer to one call")
    return found[0]


def _before(earlier: int, index: int, item: Item) -> bool:
    if earlier >= index:
        raise InputError(f"subtask {item.name!r} is to come after one that stands behind it: list them in order")
    return True


def _data(index: int, action: Action, groups: Groups) -> Iterator[int]:
    checks = action.item.checks((*action.item.subtask.preconditions, *action.item.subtask.postconditions))
    for value in (action.arguments, *(check.call.arguments for check in checks)):
        for source in from_steps(value):
            earlier = referred(source.step, groups)
            if earlier != index:
                yield earlier


def _declared(item: Item, groups: Groups) -> Iterator[int]:
    frame = item.frame
    for name in item.after():
        if name not in frame.names:
            raise InputError(f"subtask {item.name!r} is to come after {name!r}: {nearest(name, frame.names)}")
        for each in frame.names[name]:
            yield from _ends(each, item, groups)
    if frame.sequence:
        place = next(i for i, other in enumerate(frame.items) if other is item)
        for other in reversed(frame.items[:place]):
            if found := groups.get((frame.number, other.name)):
                yield from found
                return


def _ends(name: str, item: Item, groups: Groups) -> Iterator[int]:
    """The actions of a sibling; where it came to nothing, of those that it would have waited for."""
    frame = item.frame
    found = groups.get((frame.number, name))
    if found:
        yield from found
        return
    sibling = next(other for other in frame.items if other.name == name)
    if sibling is not item:
        yield from _declared(sibling, groups)


def _resources(actions: Sequence[Action], world: World) -> list[set[int]]:
    """Conflicts: a reader waits for the last writer; a writer waits for that one, and for who has read since."""
    writer: dict[ResourceId, int] = {}
    readers: dict[ResourceId, list[int]] = {}
    found = []
    for index, action in enumerate(actions):
        wanted: set[int] = set()
        reads, written = _touched(action, world)
        for resource in reads:
            wanted.update([writer[resource]] if resource in writer else [])
            readers.setdefault(resource, []).append(index)
        if written is not None:
            wanted.update([writer[written]] if written in writer else [])
            wanted.update(readers.pop(written, []))
            writer[written] = index
        wanted.discard(index)
        found.append(wanted)
    return found


def _touched(action: Action, world: World) -> tuple[set[ResourceId], ResourceId | None]:
    operation, subtask = action.operation, action.item.subtask
    reads = set(used(operation, action.arguments))
    for check in action.item.checks((*subtask.preconditions, *subtask.postconditions)):
        asked = world.catalogue.get(check.call.operation)
        seen = target(asked, check.call.arguments) if asked else None
        reads |= {seen} if seen else set()
    own = target(operation, action.arguments)
    if operation.effect == "read":
        return (reads | {own} if own else reads), None
    return reads - ({own} if own else set()), own
