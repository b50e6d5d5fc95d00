"""What can be put under load by name: the lab's services, or what the configuration names."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.app.labs import find
from steersman.app.wiring import App, new_run_id
from steersman.domain.call import Call
from steersman.domain.ids import OperationName, StepId

LAB_PATHS: Mapping[str, str] = {
    "front": "/browse?category=boats",
    "catalog": "/products?category=boats",
    "payments": "/quote",
}
"""What of the lab's services changes nothing."""


async def load_targets(app: App) -> dict[str, str]:
    """URLs by name, in the environment that the application is connected to."""
    where = app.world.environment
    if where.kind == "lab":
        front = find(app.settings, uid=where.uid).shop_url
        found = {name: await _endpoint(app, name) for name in LAB_PATHS if name != "front"}
        return {name: f"{url}{LAB_PATHS[name]}" for name, url in {"front": front, **found}.items()}
    configured = app.settings.environments.get(where.name)
    return dict(configured.load.targets) if configured is not None and configured.load is not None else {}


async def _endpoint(app: App, service: str) -> str:
    call = Call(
        operation=OperationName("lab.get_endpoint"),
        arguments={"service": service},
        environment=app.world.environment,
        principal=app.user,
        route="cli",
        run_id=new_run_id("look"),
        step_id=StepId(f"endpoint:{service}"),
    )
    return str((await app.gate.call(call)).output["url"])
