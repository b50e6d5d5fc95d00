"""How a method was broken down: frames of subtasks, their names, and references between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.expression import is_expression
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.domain.plan import Check
from steersman.domain.scenario import Subtask
from steersman.planning.fill import fill_check, fill_object, fill_text
from steersman.planning.names import nearest


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One method applied to one task."""

    number: int
    scope: JsonObject
    parent: Item | None = None
    """The subtask that the method breaks down; None: the goal."""
    sequence: bool = False
    depth: int = 0
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Each name that a sibling may use, and the subtasks that it stands for; filled when the frame is made."""
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A subtask in its frame, once for each repetition."""

    subtask: Subtask
    frame: Frame
    name: str
    scope: JsonObject
    final: bool = False
    """Whether its arguments are final already (made by the vocabulary); checks and holds are the asking subtask's."""

    @property
    def phase(self) -> str | None:
        """Its phase, or the one of the task around it."""
        if self.subtask.phase is not None:
            return fill_text(self.subtask.phase, self.scope)
        return self.frame.parent.phase if self.frame.parent else None

    def arguments(self) -> JsonObject:
        """Its arguments, with references that hold in any frame."""
        filled = self.subtask.arguments if self.final else fill_object(self.subtask.arguments, self.scope)
        found = qualified(filled, self.frame)
        return found if isinstance(found, dict) else {}

    def checks(self, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        """Its checks, likewise."""
        filled = tuple(fill_check(check, self.scope) for check in checks)
        return tuple(Check.model_validate(qualified(check.model_dump(mode="json"), self.frame)) for check in filled)

    def after(self) -> tuple[str, ...]:
        """The names that it must follow."""
        return tuple(fill_text(name, self.scope) for name in self.subtask.after)

    def chain(self) -> Iterator[Item]:
        """Itself, and the subtasks that it is a part of, innermost first."""
        item: Item | None = self
        while item is not None:
            yield item
            item = item.frame.parent


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """A subtask that is a call, with the arguments of its place in the plan."""

    item: Item
    operation: Operation
    arguments: JsonObject


def opened(frame: Frame, subtasks: tuple[Subtask, ...], *, final: bool = False) -> Frame:
    """The frame with its subtasks in it, repeated ones spread out."""
    for subtask in subtasks:
        made = list(_repetitions(frame, subtask, final=final))
        frame.items.extend(made)
        for item in made:
            if item.name in frame.names:
                raise InputError(f"two subtasks of one method are called {item.name!r}: give them ids")
            frame.names[item.name] = (item.name,)
        if subtask.for_each is not None:
            frame.names.setdefault(subtask.name, tuple(item.name for item in made))
    return frame


def _repetitions(frame: Frame, subtask: Subtask, *, final: bool) -> Iterator[Item]:
    if subtask.for_each is None:
        name = subtask.name if final else fill_text(subtask.name, frame.scope)
        yield Item(subtask, frame, name, frame.scope, final)
        return
    values = frame.scope.get(subtask.for_each)
    if not isinstance(values, list):
        raise InputError(f"subtask {subtask.name!r} is repeated for each of {subtask.for_each!r}, which is {values!r}")
    for index, value in enumerate(values):
        scope: JsonObject = {**frame.scope, "item": value, "index": index}
        name = fill_text(subtask.name, scope)
        yield Item(subtask, frame, name if name != subtask.name else f"{name}-{index + 1}", scope)


def qualified(value: JsonValue, frame: Frame) -> JsonValue:
    """The value with `$from` pointing to frame and name, so that it means the same in every other frame."""
    match value:
        case dict() if is_expression(value) and "$from" in value:
            body = value["$from"]
            if not isinstance(body, dict) or not isinstance(body.get("step"), str):
                raise InputError(f"malformed $from {body!r}: wants step, path and bounds")
            return {"$from": {**body, "step": _place(str(body["step"]), frame)}}
        case dict():
            return {key: qualified(item, frame) for key, item in value.items()}
        case list():
            return [qualified(item, frame) for item in value]
        case _:
            return value


def _place(name: str, frame: Frame) -> str:
    if name.startswith("@"):
        return name  # came in by a parameter, from another frame
    here: Frame | None = frame
    known: dict[str, None] = {}
    while here is not None:
        if name in here.names:
            return f"@{here.number}/{name}"
        known |= dict.fromkeys(here.names)
        here = here.parent.frame if here.parent else None
    raise InputError(
        f"the scenario refers to the output of {name!r}, which is no subtask there: {nearest(name, known)}"
    )


def scope_of(parameters: JsonObject, arguments: Mapping[str, JsonValue]) -> JsonObject:
    """What a method sees: the goal's parameters, and over them the arguments of its task."""
    return {**parameters, **arguments}
