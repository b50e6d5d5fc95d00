"""What the shop's services are written with: routes, calls to others, a database, a queue; all of it observed."""

from steersman.lab.kit.app import App, Kit, RefusedError
from steersman.lab.wire.message import Request, Response, answer

__all__ = ["App", "Kit", "RefusedError", "Request", "Response", "answer"]
