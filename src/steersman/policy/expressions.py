"""CEL without its command line, which the package imports with it: that costs each `steer` half a second of CPU."""

from __future__ import annotations

import sys
from types import ModuleType

_COMMAND_LINE = "cel.cli"
_left_out = _COMMAND_LINE not in sys.modules
if _left_out:
    sys.modules[_COMMAND_LINE] = ModuleType(_COMMAND_LINE)

import cel  # noqa: E402 - after its command line was left out

if _left_out:
    del sys.modules[_COMMAND_LINE]  # whoever wants it gets the real one

__all__ = ["cel"]
