"""Names of services, instances and versions that come from telemetry: what is none never gets out as one."""

from __future__ import annotations

import hashlib
import re

_WORD = "A-Za-z0-9\uac00-\ud7a3"
NAME = re.compile(f"(?!.*:/)[{_WORD}](?:[{_WORD}._:/@+-]{{0,126}}[{_WORD}])?")
"""What a name looks like: one word, as systems name services, pods and images, also Korean.

A sentence has spaces; an URL and a path with a drive have a colon before a slash.
"""
STAND_IN = 8


def is_name(value: object) -> bool:
    """Whether something is a name, and not a sentence that stands where a name should."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def name_or(value: str, kind: str) -> str:
    """The name; for anything else a name made here, the same for the same text: `service-1f3a9c2e`."""
    if not value or is_name(value):
        return value
    return f"{kind}-{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:STAND_IN]}"
