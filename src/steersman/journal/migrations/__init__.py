"""The journal's schema, as numbered SQL files: each carries a journal from the version before to its own."""

from __future__ import annotations

from importlib.resources import files


def migrations() -> dict[int, tuple[str, ...]]:
    """The statements that lead to each schema version, in order."""
    found = sorted(file.name for file in files(__name__).iterdir() if file.name.endswith(".sql"))
    return {int(name[:4]): _statements((files(__name__) / name).read_text()) for name in found}


def _statements(script: str) -> tuple[str, ...]:
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("--"))
    return tuple(statement.strip() for statement in code.split(";") if statement.strip())
