"""Text of a server made safe for one line of a message: it is untrusted."""

from __future__ import annotations

import unicodedata

LIMIT = 300


def one_line(text: str, *, limit: int = LIMIT) -> str:
    """The text without control, bidi and other invisible characters, in one line, cut with an ellipsis."""
    cut = text[: limit * 4]
    plain = "".join(" " if c.isspace() else c for c in cut if c.isspace() or unicodedata.category(c)[0] != "C")
    line = " ".join(plain.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
