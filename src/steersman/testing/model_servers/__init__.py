"""Local servers that speak the protocols of model providers, and behave as badly as a script says.

async with ModelServer("openai", [Say("hello"), Status(429), Cut("hel")]) as server:
    ... a real provider client at server.url ...
"""

from steersman.testing.model_servers.replies import Cut, Garbage, Hang, Say, Status
from steersman.testing.model_servers.server import PROTOCOLS, ModelServer

__all__ = ["PROTOCOLS", "Cut", "Garbage", "Hang", "ModelServer", "Say", "Status"]
