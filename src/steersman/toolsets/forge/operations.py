"""The verbs of a forge."""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.typed import read_operation, schema_of, state_schema
from steersman.toolsets.forge import facts

NAME = "forge"
BRANCH_ID = "forge/branch/{repository}/{branch}"
FILE_ID = "forge/file/{repository}/{branch}/{path}"
PULL_ID = "forge/pull_request/{repository}/{branch}"
COMMENT_ID = "forge/comment/{repository}/{branch}/{name}"


def _read(verb: str, summary: str, *, takes: type[Fact], gives: type[Fact], **more: object) -> Operation:
    return read_operation(f"{NAME}.{verb}", summary, takes=takes, gives=gives).model_copy(update=more)


def _state(verb: str, summary: str, *, takes: type[Fact], gives: type[Fact], resource: str) -> Operation:
    found = _read(verb, summary, takes=takes, gives=gives)
    return found.model_copy(update={"resource": resource, "output_schema": state_schema(gives)})


def _invoke(verb: str, **arguments: JsonValue) -> Invocation:
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments=arguments)


def _args(names: str) -> JsonObject:
    return {name: {"$arg": f"/{name}"} for name in names.split()}


def _before(names: str) -> JsonObject:
    return {name: {"$before": f"/{name}"} for name in names.split()}


def _write(verb: str, summary: str, *, takes: type[Fact], gives: type[Fact], **more: object) -> Operation:
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "blast_radius": "instance",
            "idempotent": "natural",
            "timeout_s": 60.0,
            "input_schema": schema_of(takes),
            "output_schema": schema_of(gives),
            **more,
        }
    )


_ON_BRANCH: dict[str, object] = {"resource": BRANCH_ID, "probe": _invoke("get_branch", **_args("repository branch"))}
_ON_FILE: dict[str, object] = {
    "resource": FILE_ID,
    "uses": (BRANCH_ID,),
    "probe": _invoke("get_file", **_args("repository branch base path")),
}
_ON_PULL: dict[str, object] = {
    "resource": PULL_ID,
    "probe": _invoke("get_pull_request", **_args("repository branch")),
}
_ON_COMMENT: dict[str, object] = {
    "resource": COMMENT_ID,
    "probe": _invoke("get_comment", **_args("repository branch name")),
}
_GONE: JsonObject = {"exists": False}
_REVERT = _invoke("revert_file", **_args("repository branch base path"), message="Take the last change back")

GET_REPOSITORY = _read("get_repository", "Shows a repository", takes=facts.InRepository, gives=facts.RepositoryState)
GET_BRANCH = _state(
    "get_branch", "Tells whether a branch is there", takes=facts.OnBranch, gives=facts.BranchState, resource=BRANCH_ID
)
BRANCH_HEAD = _read("branch_head", "Shows where a branch stands", takes=facts.OnBranch, gives=facts.BranchHead)
GET_FILE = _state(
    "get_file",
    "Shows a file on a branch; its content is untrusted",
    takes=facts.FileName,
    gives=facts.FileState,
    resource=FILE_ID,
)
GET_CHANGE = _state(
    "get_change",
    "Shows a file, and what it was before Steersman's own last change; both are untrusted",
    takes=facts.FileName,
    gives=facts.ChangeState,
    resource=FILE_ID,
)
GET_PIN = _state(
    "get_pin",
    "Shows which version of an image or package a file uses",
    takes=facts.PinName,
    gives=facts.PinState,
    resource=FILE_ID,
)
GET_PULL = _state(
    "get_pull_request",
    "Shows the open pull request of a branch; its texts are untrusted",
    takes=facts.OnBranch,
    gives=facts.PullRequestState,
    resource=PULL_ID,
)
GET_COMMENT = _state(
    "get_comment",
    "Shows the comment that Steersman made under a name",
    takes=facts.CommentName,
    gives=facts.CommentState,
    resource=COMMENT_ID,
)
CHECKS = _read("checks", "Shows what CI says of the head of a branch", takes=facts.OnBranch, gives=facts.Checks)
WATCH_CHECKS = _read(
    "watch_checks",
    "Waits until CI has nothing pending on a branch, and shows what it says",
    takes=facts.Waiting,
    gives=facts.Checks,
    timeout_s=3_700.0,
)
CREATE_BRANCH = _write(
    "create_branch",
    "Makes a branch where its base stands",
    takes=facts.NewBranch,
    gives=facts.Done,
    access="create",
    after={"exists": True},
    inverse=_invoke("delete_branch", **_args("repository branch base")),
    **_ON_BRANCH,
)
DELETE_BRANCH = _write(
    "delete_branch",
    "Deletes a branch on which nobody but Steersman has worked",
    takes=facts.NewBranch,
    gives=facts.Done,
    access="delete",
    effect="destructive",
    after=_GONE,
    **_ON_BRANCH,
)
CREATE_FILE = _write(
    "create_file",
    "Makes a file on a branch where there is none",
    takes=facts.NewFile,
    gives=facts.Committed,
    access="create",
    after={"exists": True, **_args("content")},
    inverse=_REVERT,
    **_ON_FILE,
)
SET_FILE = _write(
    "set_file",
    "Changes a file on a branch; refused when somebody else has changed it meanwhile",
    takes=facts.NewFile,
    gives=facts.Committed,
    access="update",
    after={"exists": True, **_args("content")},
    inverse=_REVERT,
    **_ON_FILE,
)
DELETE_FILE = _write(
    "delete_file",
    "Deletes a file on a branch; the history keeps it",
    takes=facts.FileRemoval,
    gives=facts.Committed,
    access="delete",
    after=_GONE,
    inverse=_REVERT,
    **_ON_FILE,
)
REVERT_FILE = _write(
    "revert_file",
    "Takes Steersman's own last change of a file back, as a new commit",
    takes=facts.FileRemoval,
    gives=facts.Committed,
    access="update",
    resource=FILE_ID,
    uses=(BRANCH_ID,),
    probe=_invoke("get_change", **_args("repository branch base path")),
    idempotent="keyed",
    after={"exists": True, "now": {"$before": "/taken_back"}, "taken_back": {"$before": "/now"}},
    inverse=_REVERT,
)
SET_PIN = _write(
    "set_pin",
    "Changes the version of an image or package in a file, and not one other character",
    takes=facts.NewPin,
    gives=facts.Committed,
    access="update",
    resource=FILE_ID,
    uses=(BRANCH_ID,),
    probe=_invoke("get_pin", **_args("repository branch base path kind package")),
    after={"exists": True, **_args("value")},
    inverse=_invoke(
        "set_pin",
        **_args("repository branch base path kind package"),
        **_before("value"),
        message="Take the new version back",
    ),
)
OPEN_PULL = _write(
    "open_pull_request",
    "Opens a pull request from a branch",
    takes=facts.NewPullRequest,
    gives=facts.Opened,
    access="create",
    uses=(BRANCH_ID,),
    after={"exists": True, **_args("base title body")},
    inverse=_invoke("close_pull_request", **_args("repository branch")),
    **_ON_PULL,
)
CLOSE_PULL = _write(
    "close_pull_request",
    "Closes the open pull request of a branch without merging it",
    takes=facts.OnBranch,
    gives=facts.Done,
    access="delete",
    after=_GONE,
    inverse=_invoke("open_pull_request", **_args("repository branch"), **_before("base title body")),
    **_ON_PULL,
)
COMMENT = _write(
    "comment",
    "Comments on the open pull request of a branch",
    takes=facts.NewComment,
    gives=facts.Done,
    access="create",
    uses=(PULL_ID,),
    after={"exists": True, **_args("body")},
    inverse=_invoke("delete_comment", **_args("repository branch name")),
    **_ON_COMMENT,
)
DELETE_COMMENT = _write(
    "delete_comment",
    "Deletes the comment that Steersman made under a name; never anybody else's",
    takes=facts.CommentName,
    gives=facts.Done,
    access="delete",
    after=_GONE,
    inverse=_invoke("comment", **_args("repository branch name"), **_before("body")),
    **_ON_COMMENT,
)
OPERATIONS = (
    GET_REPOSITORY,
    GET_BRANCH,
    BRANCH_HEAD,
    GET_FILE,
    GET_CHANGE,
    GET_PIN,
    GET_PULL,
    GET_COMMENT,
    CHECKS,
    WATCH_CHECKS,
    CREATE_BRANCH,
    DELETE_BRANCH,
    CREATE_FILE,
    SET_FILE,
    DELETE_FILE,
    REVERT_FILE,
    SET_PIN,
    OPEN_PULL,
    CLOSE_PULL,
    COMMENT,
    DELETE_COMMENT,
)
