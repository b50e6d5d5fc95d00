"""What a lab is started with: apart from the code that runs it, which nobody needs who only asks a lab."""

from __future__ import annotations

from pathlib import Path

from steersman.domain.fact import Fact


class Options(Fact):
    """What the controller is started with."""

    home: Path
    name: str
    rate: float
    seed: int
    keep: bool
