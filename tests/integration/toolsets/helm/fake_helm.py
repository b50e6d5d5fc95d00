"""A `helm` with the answers of 3.17 and a cluster that is a file; it refuses arguments that it does not know."""

import argparse
import json
import os
import sys
from pathlib import Path

import yaml

NOT_FOUND = "Error: release: not found"


def fail(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    raise SystemExit(1)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> None:
    arguments = argparse.ArgumentParser(allow_abbrev=False)
    arguments.add_argument("words", nargs="*")
    for name in (
        "namespace",
        "output",
        "version",
        "values",
        "description",
        "timeout",
        "kube-context",
        "template",
        "repo",
        "revision",
    ):
        arguments.add_argument(f"--{name}")
    for name in ("atomic", "wait", "reset-values", "is-upgrade", "skip-tests"):
        arguments.add_argument(f"--{name}", action="store_true")
    given = arguments.parse_args()
    verb, *rest = given.words
    if verb == "version":
        say("v3.17.2")
        return
    cluster = Path(os.environ["KUBECONFIG"])
    if not cluster.exists():
        fail("Error: Kubernetes cluster unreachable: dial tcp 127.0.0.1:1: connect: connection refused")
    store = json.loads(cluster.read_text() or "{}")
    history = store.setdefault(f"{given.namespace}/{rest[1] if verb == 'get' else rest[0]}", [])
    if verb in ("install", "upgrade", "rollback", "uninstall"):
        write(verb, rest, given, history)
        cluster.write_text(json.dumps({name: each for name, each in store.items() if each}))
    else:
        read(verb, rest, int(given.revision or 0), history)


def write(verb: str, rest: list[str], given: argparse.Namespace, history: list[dict[str, object]]) -> None:
    if verb == "install" and history:
        fail("Error: INSTALLATION FAILED: cannot re-use a name that is still in use")
    if verb != "install" and not history:
        fail('Error: UPGRADE FAILED: "x" has no deployed releases' if verb == "upgrade" else NOT_FOUND)
    if verb == "uninstall":
        history.clear()
        return
    if verb == "rollback":
        former = next(each for each in history if each["revision"] == int(rest[1]))
        entry = {**former, "description": f"Rollback to {rest[1]}"}
    else:
        chart = yaml.safe_load((Path(rest[1]) / "Chart.yaml").read_text())
        values = json.loads(Path(given.values).read_text())
        if given.version not in (chart["version"], "9.9.9"):
            fail(f"Error: chart {rest[1]} has no version {given.version}")
        entry = {"chart": chart["name"], "version": given.version, "values": values, "description": given.description}
    if given.version == "9.9.9":
        fail("Error: UPGRADE FAILED: release x failed, and has been rolled back due to atomic being set: timed out")
    for each in history:
        each["status"] = "superseded"
    history.append({**entry, "revision": len(history) + 1, "status": "deployed"})


def read(verb: str, rest: list[str], revision: int, history: list[dict[str, object]]) -> None:
    if not history:
        fail(NOT_FOUND)
    last = next((each for each in history if each["revision"] == (revision or len(history))), None)
    if last is None:
        fail(NOT_FOUND)
    if verb == "history":
        shown = [{**each, "chart": f"{each['chart']}-{each['version']}", "updated": "x"} for each in history]
        say(json.dumps(shown))
    elif rest[0] == "metadata":
        say(json.dumps({**{key: last[key] for key in ("chart", "version", "revision", "status")}, "name": rest[1]}))
    elif rest[0] == "values":
        say(json.dumps(last["values"] or None))
    elif rest[0] == "manifest":
        say()


main()
