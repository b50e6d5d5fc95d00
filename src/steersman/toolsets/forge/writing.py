"""Branches and files: every write is a commit of its own, made only on what was seen before the call."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext
from steersman.domain.typed import parse
from steersman.toolsets.forge import facts
from steersman.toolsets.forge.access import Access, is_ours, made_by, signed
from steersman.toolsets.forge.pins import pinned, repinned
from steersman.toolsets.forge.port import Branch, CommitInfo, FileChange, NewCommit, StoredFile


@dataclass(frozen=True, slots=True)
class BranchWriting:
    """Branches that Steersman makes; those of others are never deleted."""

    access: Access

    async def observe(self, ask: facts.OnBranch) -> facts.BranchState:
        """Whether it is there."""
        await self.access.repository(ask.repository)
        return facts.BranchState(exists=await self.access.forge.branch(ask.repository, ask.branch) is not None)

    async def head(self, ask: facts.OnBranch) -> facts.BranchHead:
        """Where it stands."""
        home = await self.access.repository(ask.repository)
        found = await self.access.forge.branch(ask.repository, ask.branch)
        if found is None:
            return facts.BranchHead(exists=False)
        ahead = () if ask.branch == home.default_branch else await self._ahead(ask, home.default_branch)
        return facts.BranchHead(exists=True, head=found.head, protected=found.protected, ahead=len(ahead))

    async def create(self, new: facts.NewBranch) -> facts.Done:
        """Makes it where its base stands; one that is there already is left as it is."""
        base = await self.access.branch(new.repository, new.base)
        if await self.access.forge.branch(new.repository, new.branch) is not None:
            return facts.Done(changed=False)
        await self.access.forge.create_branch(new.repository, new.branch, head=base.head)
        return facts.Done(changed=True)

    async def delete(self, ask: facts.NewBranch) -> facts.Done:
        """Deletes it, as long as every commit that only it has is ours."""
        home = await self.access.repository(ask.repository)
        found = await self.access.forge.branch(ask.repository, ask.branch)
        if found is None:
            return facts.Done(changed=False)
        if ask.branch in (home.default_branch, ask.base) or found.protected:
            raise ToolError(f"branch {ask.branch!r} of {ask.repository!r} is a base or protected; it is not deleted")
        theirs = [commit for commit in await self._ahead(ask, ask.base) if not is_ours(commit)]
        if theirs:
            raise ToolError(
                f"branch {ask.branch!r} has commits of others ({theirs[0].id[:12]}); it is not deleted by Steersman"
            )
        await self.access.forge.delete_branch(ask.repository, ask.branch, head=found.head)
        return facts.Done(changed=True)

    async def _ahead(self, ask: facts.OnBranch, base: str) -> tuple[CommitInfo, ...]:
        return await self.access.forge.ahead(ask.repository, ask.branch, base=base)


@dataclass(frozen=True, slots=True)
class FileWriting:
    """Files on branches. What somebody else has changed since it was looked at is never overwritten."""

    access: Access

    async def observe(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The file, or that there is none."""
        ask = parse(facts.FileName, arguments)
        branch = await self.access.readable(ask.repository, ask.branch, base=ask.base)
        return _shown(await self._stored(ask, branch))

    async def create(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Makes it where there is none; one that is there already and the same is done."""
        new = parse(facts.NewFile, arguments)
        branch = await self.access.writable(new.repository, new.branch)
        stored = await self._stored(new, branch)
        if stored is not None and text_of(stored) != new.content:
            raise ToolError(f"{new.path!r} is there with other content; use `set_file`")
        return await self._write(new, new.content, branch=branch, stored=stored, context=context)

    async def set(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Changes it, as long as it is what was seen before the call."""
        new = parse(facts.NewFile, arguments)
        branch = await self.access.writable(new.repository, new.branch)
        stored = await self._stored(new, branch)
        if stored is None:
            raise ToolError(f"there is no {new.path!r} on {new.branch!r}; use `create_file`")
        if text_of(stored) != new.content:
            _refuse_drift(new.path, stored, context)
        return await self._write(new, new.content, branch=branch, stored=stored, context=context)

    async def delete(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Deletes it, as long as it is what was seen before the call."""
        ask = parse(facts.FileRemoval, arguments)
        branch = await self.access.writable(ask.repository, ask.branch)
        stored = await self._stored(ask, branch)
        if stored is not None:
            _refuse_drift(ask.path, stored, context)
        return await self._write(ask, None, branch=branch, stored=stored, context=context)

    async def observe_change(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The file, and what it was before our own last change."""
        ask = parse(facts.FileName, arguments)
        branch = await self.access.readable(ask.repository, ask.branch, base=ask.base)
        now, last = _state(await self._stored(ask, branch)), await self._last(ask, branch)
        shown = facts.ChangeState(now=now, taken_back=now if last is None else await self._before(ask, last))
        return shown.model_dump(mode="json", exclude_none=True)

    async def revert(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Takes our own last change of it back by a new commit: the content comes out of the history.

        A repetition under the same key would take the revert back: the commit names its call, so that it is dropped.
        """
        ask = parse(facts.FileRemoval, arguments)
        branch = await self.access.writable(ask.repository, ask.branch)
        last = await self._last(ask, branch)
        if last is None:
            raise ToolError(f"the last change of {ask.path!r} is not one by Steersman; it is not taken back")
        if made_by(last, context.key):
            return facts.Committed(changed=False, commit=last.id).model_dump(mode="json")
        former = await self._before(ask, last)
        stored = await self._stored(ask, branch)
        return await self._write(ask, former.content, branch=branch, stored=stored, context=context)

    async def _last(self, ask: facts.FileName, branch: Branch) -> CommitInfo | None:
        """Our own last change of the file; None where the last one is somebody else's."""
        last = await self.access.forge.last_change(ask.repository, ask.path, ref=branch.name)
        return last if last is not None and is_ours(last) and len(last.parents) == 1 else None

    async def _before(self, ask: facts.FileName, change: CommitInfo) -> facts.FileState:
        return _state(await self.access.forge.file(ask.repository, ask.path, ref=change.parents[0]))

    async def observe_pin(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The version that the file uses, or that it names none."""
        ask = parse(facts.PinName, arguments)
        branch = await self.access.readable(ask.repository, ask.branch, base=ask.base)
        stored = await self._stored(ask, branch)
        value = pinned(ask.kind, text_of(stored), ask.package) if stored is not None else None
        state = facts.PinState(exists=value is not None, value=value)
        return state.model_dump(mode="json", exclude_none=True)

    async def set_pin(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Changes the version that the file uses and not one other character."""
        new = parse(facts.NewPin, arguments)
        branch = await self.access.writable(new.repository, new.branch)
        stored = await self._stored(new, branch)
        if stored is None:
            raise ToolError(f"there is no {new.path!r} on {new.branch!r}")
        edited = repinned(new.kind, text_of(stored), new.package, new.value)
        return await self._write(new, edited, branch=branch, stored=stored, context=context)

    async def _stored(self, ask: facts.FileName, branch: Branch) -> StoredFile | None:
        return await self.access.forge.file(ask.repository, ask.path, ref=branch.head)

    async def _write(
        self,
        ask: facts.NewFile | facts.FileRemoval | facts.NewPin,
        content: str | None,
        *,
        branch: Branch,
        stored: StoredFile | None,
        context: CallContext,
    ) -> JsonObject:
        if (None if stored is None else text_of(stored)) == content:
            return facts.Committed(changed=False).model_dump(mode="json")
        was = stored.id if stored is not None else None
        change = FileChange(ask.path, None if content is None else content.encode(), was)
        message = signed(ask.message, context.key)
        new = NewCommit(ask.branch, branch.head, message, (change,))
        made = await self.access.forge.commit(ask.repository, new)
        return facts.Committed(changed=True, commit=made).model_dump(mode="json")


def text_of(stored: StoredFile) -> str:
    """The content as text. Raises ToolError for a binary or very long file."""
    try:
        text = stored.content.decode("utf-8")
    except UnicodeDecodeError as e:
        raise ToolError(f"{stored.path!r} is no UTF-8 text; it is not changed by Steersman") from e
    if len(text) > LONGEST_FILE:
        raise ToolError(f"{stored.path!r} is longer than {LONGEST_FILE} characters; it is not changed by Steersman")
    return text


LONGEST_FILE = 200_000


def _state(stored: StoredFile | None) -> facts.FileState:
    return facts.FileState(exists=stored is not None, content=text_of(stored) if stored is not None else None)


def _shown(stored: StoredFile | None) -> JsonObject:
    return _state(stored).model_dump(mode="json", exclude_none=True)


def _refuse_drift(path: str, stored: StoredFile, context: CallContext) -> None:
    if context.before is not None and _shown(stored) != context.before:
        raise ToolError(f"{path!r} was changed meanwhile; look at it and plan again")
