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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for folder, mark in (("tests/integration/", pytest.mark.integration), ("tests/e2e/", pytest.mark.e2e)):
            if folder in item.path.as_posix():
                item.add_marker(mark)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI sets SKIP_NOTHING: there a skipped test is a failure, with its reason in the summary."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter else 0
    if skipped and os.environ.get("SKIP_NOTHING") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
