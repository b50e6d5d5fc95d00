"""Runs the unit tests of an artifact, argv[1], and prints `{"passed", "tests", "failures"}`: a process of its own."""

from __future__ import annotations

import importlib
import json
import sys
import traceback

from steersman.lab.shop import PACKAGE


def main() -> None:
    """Every function `check_*` of the artifact's module of checks is a test."""
    sys.path.insert(0, sys.argv[1])
    module = importlib.import_module(f"{PACKAGE}.checks")
    tests = [thing for name, thing in vars(module).items() if name.startswith("check_")]
    failures = []
    for test in tests:
        try:
            test()
        except Exception:  # noqa: BLE001 - a test may fail in any way, and the others are run all the same
            failures.append(f"{test.__name__}: {traceback.format_exc(limit=1)}")
    json.dump({"passed": bool(tests) and not failures, "tests": len(tests), "failures": failures}, sys.stdout)


if __name__ == "__main__":
    main()
