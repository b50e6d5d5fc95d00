"""Unit tests may not open sockets; integration and end-to-end tests may, on the loopback."""

import os

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

settings.register_profile("steersman", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("steersman")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("integration") or item.get_closest_marker("e2e"):
        enable_socket()
        socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    else:
        disable_socket(allow_unix_socket=True)


SHOP = (
    "tests/integration/lab/",
    "tests/integration/load/",
    "tests/e2e/test_demo.py",
    "tests/e2e/test_bench.py",
    "tests/e2e/test_conversation.py",
)
"""Tests in which time counts (real traffic, real load): never two of them at once."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.as_posix()
        for folder, mark in (("tests/integration/", pytest.mark.integration), ("tests/e2e/", pytest.mark.e2e)):
            if folder in path:
                item.add_marker(mark)
        item.add_marker(pytest.mark.xdist_group("shop" if _in_shop(item) else path))
    items.sort(key=lambda item: not _in_shop(item))  # the longest group first, the others beside it


def _in_shop(item: pytest.Item) -> bool:
    return any(part in item.path.as_posix() for part in SHOP)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI sets SKIP_NOTHING: there a skipped test is a failure, with its reason in the summary."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter else 0
    if skipped and os.environ.get("SKIP_NOTHING") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
