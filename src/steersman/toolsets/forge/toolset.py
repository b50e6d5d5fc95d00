"""A forge as a toolset, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steersman.domain.environment import Environment
from steersman.domain.ports import Binding, Clock
from steersman.domain.typed import bind
from steersman.toolsets.forge import facts
from steersman.toolsets.forge import operations as ops
from steersman.toolsets.forge.access import Access
from steersman.toolsets.forge.talking import CheckReading, PullRequests, Remarks
from steersman.toolsets.forge.writing import BranchWriting, FileWriting


@dataclass(frozen=True, slots=True)
class ForgeToolset:
    """The operations of one forge."""

    access: Access
    where: Environment
    clock: Clock
    name: str = ops.NAME

    async def environment(self) -> Environment:
        """Where it is. Raises what any call raises when nothing like this forge answers there."""
        await self.access.forge.version()
        return self.where

    async def repository(self, ask: facts.InRepository) -> facts.RepositoryState:
        """The repository, or that there is none that is open to us."""
        found = await self.access.forge.repository(ask.repository) if self.access.allows(ask.repository) else None
        return facts.RepositoryState(exists=found is not None, default_branch=found.default_branch if found else None)

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        branches, files = BranchWriting(self.access), FileWriting(self.access)
        pulls, remarks, checks = PullRequests(self.access), Remarks(self.access), CheckReading(self.access, self.clock)
        return (
            bind(ops.GET_REPOSITORY, facts.InRepository, self.repository),
            bind(ops.GET_BRANCH, facts.OnBranch, branches.observe),
            bind(ops.BRANCH_HEAD, facts.OnBranch, branches.head),
            Binding(ops.GET_FILE, files.observe),
            Binding(ops.GET_PIN, files.observe_pin),
            Binding(ops.GET_PULL, pulls.observe),
            Binding(ops.GET_COMMENT, remarks.observe),
            bind(ops.CHECKS, facts.OnBranch, checks.look),
            Binding(ops.WATCH_CHECKS, checks.watch),
            bind(ops.CREATE_BRANCH, facts.NewBranch, branches.create),
            bind(ops.DELETE_BRANCH, facts.NewBranch, branches.delete),
            Binding(ops.CREATE_FILE, files.create),
            Binding(ops.SET_FILE, files.set),
            Binding(ops.DELETE_FILE, files.delete),
            Binding(ops.GET_CHANGE, files.observe_change),
            Binding(ops.REVERT_FILE, files.revert),
            Binding(ops.SET_PIN, files.set_pin),
            bind(ops.OPEN_PULL, facts.NewPullRequest, pulls.open),
            bind(ops.CLOSE_PULL, facts.OnBranch, pulls.close),
            bind(ops.COMMENT, facts.NewComment, remarks.add),
            bind(ops.DELETE_COMMENT, facts.CommentName, remarks.delete),
        )
