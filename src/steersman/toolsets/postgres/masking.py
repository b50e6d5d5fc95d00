"""Statements without what people put into them: literals are customers' data, and sometimes passwords."""

from __future__ import annotations

import re

from steersman.remote.text import one_line

_LITERALS = re.compile(
    r"""(?xs)
    \$([A-Za-z_]\w*)?\$.*?(?:\$\1\$|\Z)      # dollar quotes, also those that are cut off
  | [eEbBxXnN]?'(?:[^'\\]|''|\\.)*(?:'|\Z)
  | --[^\n]* | /\*.*?(?:\*/|\Z)              # comments may hold anything
  | (?<![\w$])[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?
    """
)
LONGEST = 500


def masked(statement: str) -> str:
    """The statement's shape on one line, each literal a question mark, comments gone."""
    shape = _LITERALS.sub(lambda m: "" if m[0].startswith(("--", "/*")) else "?", statement)
    return one_line(shape, limit=LONGEST)
