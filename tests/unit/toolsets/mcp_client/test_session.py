"""Sessions with MCP servers, before anything is connected."""

import sys

import pytest

from steersman.domain.errors import ConfigError
from steersman.toolsets.mcp_client.session import Launch, open_session


async def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ConfigError, match=r"mcp server 'files' needs a package: pip install 'steersman\[mcp\]'$"):
        async with open_session("files", Launch(command=("true",))):
            pass
