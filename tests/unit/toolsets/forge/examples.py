"""Calls that work on any forge that holds the repository of `git_repository.FILES`."""

from steersman.domain.fact import JsonObject
from steersman.testing.toolset_conformance import Example

HERE: JsonObject = {"repository": "shop/payments", "branch": "steersman/fix"}
BASED: JsonObject = {**HERE, "base": "main"}
BRANCH = ("forge.create_branch", BASED)
FILE: JsonObject = {**BASED, "path": "docs/new.md", "content": "new\n", "message": "Add a page"}
SET: JsonObject = {**BASED, "path": "README.md", "content": "# shop 2\n", "message": "Say more"}
PIN: JsonObject = {
    **BASED,
    "path": "Dockerfile",
    "kind": "dockerfile",
    "package": "python",
    "value": "3.12.12-slim",
    "message": "Patch the base image",
}
PULL: JsonObject = {**BASED, "title": "Patch the base image", "body": "It closes CVE-2026-1.\n\n- base image"}
SAID: JsonObject = {**HERE, "name": "scan", "body": "No critical vulnerability is left."}
OPENED = (BRANCH, ("forge.set_pin", PIN), ("forge.open_pull_request", PULL))

EXAMPLES = (
    Example("forge.create_branch", BASED),
    Example("forge.delete_branch", BASED, before=(BRANCH,)),
    Example("forge.create_file", FILE, before=(BRANCH,)),
    Example("forge.set_file", SET, before=(BRANCH,)),
    Example("forge.delete_file", {**BASED, "path": "README.md", "message": "Drop it"}, before=(BRANCH,)),
    Example(
        "forge.revert_file",
        {**BASED, "path": "README.md", "message": "Back"},
        before=(BRANCH, ("forge.set_file", SET)),
    ),
    Example("forge.set_pin", PIN, before=(BRANCH,)),
    Example("forge.open_pull_request", PULL, before=(BRANCH, ("forge.set_pin", PIN))),
    Example("forge.close_pull_request", HERE, before=OPENED),
    Example("forge.comment", SAID, before=OPENED),
    Example("forge.delete_comment", {**HERE, "name": "scan"}, before=(*OPENED, ("forge.comment", SAID))),
)
