"""Docs cannot drift: links lead somewhere, Python blocks run, shell blocks name commands and options that exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from steersman.cli.main import COMMANDS, load

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def blocks(kind: str) -> list[tuple[Path, str]]:
    return [(page, body) for page in PAGES for found, body in FENCE.findall(page.read_text()) if found == kind]


def commands() -> list[str]:
    lines = [line.strip() for _, body in blocks("sh") for line in body.splitlines()]
    return [line.split("#")[0].removeprefix("$ ").strip() for line in lines if "steer " in line.split("#")[0]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    gone = [
        target
        for target in LINK.findall(page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not gone


@pytest.mark.parametrize(("page", "body"), blocks("python"), ids=lambda value: getattr(value, "name", ""))
def test_python_blocks_run(page: Path, body: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", body], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{page.name}: {done.stderr}"


@pytest.mark.parametrize("line", commands())
def test_shell_blocks_name_commands_and_options_that_exist(line: str) -> None:
    words = shlex.split(line[line.index("steer ") :])[1:]
    assert words[0] in COMMANDS
    command = load(words[0])
    rest = words[1:]
    while hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, f"{line}: no {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    unknown = [
        word
        for word in rest
        if word.startswith("-") and not word.lstrip("-").isdigit() and word.split("=")[0] not in known
    ]
    assert not unknown


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
