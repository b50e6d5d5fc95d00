"""Load generators of a configured environment: only its hosts, only as hard as it says."""

from pathlib import Path

import pytest

from steersman.app.environments import connected
from steersman.app.loads import caps_of
from steersman.app.settings import load
from steersman.domain.errors import ConfigError, ToolError
from steersman.domain.ports import CallContext
from steersman.testing.clock import FakeClock

FILE = """
environments:
  shop:
    tier: staging
    load:
      hosts: [pay.test]
      max_rate: 50
      max_duration_s: 120
      targets: {payments: "https://pay.test/quote"}
"""


def settings(tmp_path: Path, text: str = FILE):
    file = tmp_path / "steersman.yaml"
    file.write_text(text)
    return load(file, {"STEER_HOME": str(tmp_path)})


def profile(host: str, level: float) -> dict[str, object]:
    return {
        "name": "a",
        "target": f"http://{host}",
        "stages": [{"duration_s": 10, "level": level}],
        "journeys": [{"name": "j", "requests": [{"name": "r"}]}],
    }


async def test_all_generators_come_with_the_bounds_of_the_configuration(tmp_path: Path) -> None:
    made = settings(tmp_path)
    async with connected(made, "shop") as connection:
        assert {toolset.name for toolset in connection.toolsets} == {"k6", "locust", "vegeta"}
        assert connection.environment.tier == "staging"
        caps = caps_of(made, connection.environment)
        assert (caps.hosts, caps.requests_s, caps.duration_s) == (("pay.test",), 50, 120)
        for toolset in connection.toolsets:
            run = next(each for each in toolset.bindings() if each.operation.name.endswith(".run"))
            context = CallContext(key="k", deadline=FakeClock().now(), dry_run=True)
            for host, level in (("other.test", 5), ("127.0.0.1", 5), ("pay.test", 51)):
                with pytest.raises(ToolError):
                    await run.run({"name": "a", "profile": profile(host, level)}, context)


@pytest.mark.parametrize("hosts", ["[]", '["*"]', '["http://a"]', '["a b"]', '["a/b"]', '["u@h"]'])
def test_hosts_are_whole_names(tmp_path: Path, hosts: str) -> None:
    with pytest.raises(ConfigError, match="hosts"):
        settings(tmp_path, f"environments: {{a: {{tier: lab, load: {{hosts: {hosts}}}}}}}")
