"""What is wanted."""

from __future__ import annotations

from steersman.domain.fact import Fact, JsonObject


class Goal(Fact):
    """Text in Korean or English, and parameters that were given outright (they win over what the text says)."""

    text: str
    parameters: JsonObject = {}
