"""Every operation that is known here, built in, imported or approved: to be found by words, and shown."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.app import apis, mcp_servers
from steersman.app.catalogue import all_operations, operation_named
from steersman.app.settings import Settings
from steersman.domain.errors import InputError
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.index.operations import OperationIndex, OperationText, text_of


def index(settings: Settings, toolset: str = "") -> OperationIndex:
    """An index over all, or over one toolset. Raises InputError for a toolset that there is not."""
    texts = [text for text in _texts(settings, toolset) if not toolset or text.name.partition(".")[0] == toolset]
    if not texts:
        raise InputError(f"there is no toolset {toolset!r}; `steer tools list` shows all")
    return OperationIndex.of(texts)


def operation_anywhere(settings: Settings, name: str) -> Operation:
    """One operation by name. Raises InputError with the nearest known one."""
    toolset = name.partition(".")[0]
    if apis.is_imported(settings, toolset):
        return apis.operation(settings, name)
    if mcp_servers.is_approved(settings, toolset):
        known = {str(each.name): each for each in mcp_servers.operations_of(settings, toolset)}
        if name not in known:
            raise InputError(f"there is no operation {name!r}; `steer tools list --toolset {toolset}` shows all")
        return known[name]
    return operation_named(name)


def _texts(settings: Settings, toolset: str) -> Iterator[OperationText]:
    for name in apis.names(settings):
        if toolset in ("", name):
            for line, _ in apis.lines(settings, name):
                yield OperationText(
                    OperationName(f"{name}.{line.verb}"), line.summary, line.words, line.method, line.path
                )
    for name in mcp_servers.names(settings):
        if toolset in ("", name):
            yield from map(text_of, mcp_servers.operations_of(settings, name))
    yield from map(text_of, all_operations())
