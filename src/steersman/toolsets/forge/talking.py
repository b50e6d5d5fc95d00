"""Pull requests, comments on them, and what CI says."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Clock
from steersman.domain.typed import parse
from steersman.remote.text import one_line
from steersman.toolsets.forge import facts
from steersman.toolsets.forge.access import Access
from steersman.toolsets.forge.port import Comment, CommitCheck, NewProposal, Proposal

POLL_S = 5.0
SHOWN_CHECKS = 100


@dataclass(frozen=True, slots=True)
class PullRequests:
    """At most one open pull request for each branch."""

    access: Access

    async def observe(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The open one, or that there is none."""
        ask = parse(facts.OnBranch, arguments)
        await self.access.repository(ask.repository)
        found = await self.access.forge.open_proposal(ask.repository, ask.branch)
        return _state(found).model_dump(mode="json", exclude_none=True)

    async def open(self, new: facts.NewPullRequest) -> facts.Opened:
        """Opens it, or finds that it is open. Raises ToolError when another one is open from that branch."""
        await self.access.branch(new.repository, new.branch)
        found = await self.access.forge.open_proposal(new.repository, new.branch)
        wanted = facts.PullRequestState(exists=True, base=new.base, title=new.title, body=new.body)
        if found is not None and _state(found) != wanted:
            raise ToolError(f"another pull request is open from {new.branch!r}: number {found.number}")
        if found is None:
            proposal = NewProposal(branch=new.branch, base=new.base, title=new.title, body=new.body)
            found = await self.access.forge.propose(new.repository, proposal)
        return facts.Opened(number=found.number, url=found.url)

    async def close(self, ask: facts.OnBranch) -> facts.Done:
        """Closes the open one; none is no error."""
        await self.access.repository(ask.repository)
        found = await self.access.forge.open_proposal(ask.repository, ask.branch)
        if found is not None:
            await self.access.forge.close(ask.repository, found.number)
        return facts.Done(changed=found is not None)


@dataclass(frozen=True, slots=True)
class Remarks:
    """Comments by Steersman, found again by a mark that the forge does not show."""

    access: Access

    async def observe(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The comment of that name, or that there is none."""
        ask = parse(facts.CommentName, arguments)
        found = (await self._find(ask))[1]
        text = found.body.removesuffix(_mark(ask.name)).strip() if found else None
        return facts.CommentState(exists=found is not None, body=text).model_dump(mode="json", exclude_none=True)

    async def add(self, new: facts.NewComment) -> facts.Done:
        """Adds it, or finds that it is there."""
        proposal, found = await self._find(new)
        if proposal is None:
            raise ToolError(f"no pull request is open from {new.branch!r}; open one first")
        body = f"{new.body}\n\n{_mark(new.name)}"
        if found is not None and found.body.strip() != body:
            raise ToolError(f"a comment {new.name!r} is there with another text; delete it first")
        if found is None:
            await self.access.forge.comment(new.repository, proposal.number, body)
        return facts.Done(changed=found is None)

    async def delete(self, ask: facts.CommentName) -> facts.Done:
        """Deletes it; none is no error."""
        proposal, found = await self._find(ask)
        if proposal is not None and found is not None:
            await self.access.forge.delete_comment(ask.repository, proposal.number, comment_id=found.id)
        return facts.Done(changed=found is not None)

    async def _find(self, ask: facts.CommentName) -> tuple[Proposal | None, Comment | None]:
        await self.access.repository(ask.repository)
        proposal = await self.access.forge.open_proposal(ask.repository, ask.branch)
        if proposal is None:
            return None, None
        comments = await self.access.forge.comments(ask.repository, proposal.number)
        return proposal, next((each for each in comments if each.body.strip().endswith(_mark(ask.name))), None)


@dataclass(frozen=True, slots=True)
class CheckReading:
    """What CI says of a branch's head."""

    access: Access
    clock: Clock

    async def look(self, ask: facts.OnBranch) -> facts.Checks:
        """As it is now."""
        branch = await self.access.branch(ask.repository, ask.branch)
        return _told(branch.head, await self.access.forge.checks(ask.repository, branch.head))

    async def watch(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Until nothing is pending any more, the wait is used up, or the call's deadline is near."""
        ask = parse(facts.Waiting, arguments)
        room_s = (context.deadline - self.clock.now()).total_seconds() - POLL_S
        end = self.clock.monotonic() + min(ask.wait_s, room_s)
        while True:
            found = await self.look(ask)
            left_s = end - self.clock.monotonic()
            if found.settled or left_s <= 0:
                return found.model_dump(mode="json")
            await self.clock.sleep(min(POLL_S, left_s))


def _state(found: Proposal | None) -> facts.PullRequestState:
    if found is None:
        return facts.PullRequestState(exists=False)
    body = found.body.replace("\r\n", "\n").strip()
    return facts.PullRequestState(exists=True, base=found.base, title=found.title, body=body)


def _mark(name: str) -> str:
    return f"<!-- steersman:{name} -->"


def _told(commit: str, found: tuple[CommitCheck, ...]) -> facts.Checks:
    shown = tuple(facts.Check(name=one_line(each.name), state=each.state, url=one_line(each.url)) for each in found)
    settled = bool(shown) and all(each.state != "pending" for each in shown)
    failed = tuple(each.name for each in shown if each.state == "failed")
    return facts.Checks(
        commit=commit,
        settled=settled,
        passed=settled and not failed,
        failed=failed[:SHOWN_CHECKS],
        checks=shown[:SHOWN_CHECKS],
    )
