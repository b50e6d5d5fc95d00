"""One lab for the tests that only look at it or leave it as it was."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from pytest_socket import enable_socket

from steersman.lab.control import LabClient, down, up
from steersman.lab.state import LabInfo
from steersman.toolsets.lab import LabToolset
from steersman.toolsets.lab_telemetry import LabSource


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="package")
def lab(home: Path) -> Iterator[LabInfo]:
    enable_socket()
    started = up(home, "tests", rate=25, keep=False, seed=7)
    yield started.info
    down(home, "tests")
    assert started.process is not None
    started.process.communicate(timeout=10)


@pytest.fixture
def client(lab: LabInfo) -> Iterator[LabClient]:
    with LabClient(lab) as made:
        yield made


@pytest.fixture
async def toolset(lab: LabInfo) -> AsyncIterator[LabToolset]:
    headers = {"authorization": f"Bearer {lab.token}"}
    async with httpx.AsyncClient(base_url=lab.url, headers=headers, trust_env=False) as http:
        yield LabToolset(http)


@pytest.fixture
async def source(lab: LabInfo) -> AsyncIterator[LabSource]:
    headers = {"authorization": f"Bearer {lab.collector_token}"}
    async with httpx.AsyncClient(base_url=lab.collector_url, headers=headers, trust_env=False) as http:
        yield LabSource(http)
