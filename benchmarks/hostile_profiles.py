"""2,000 hostile load profiles: injections into every string, hosts off the list, absurd sizes. None gets through.

Each must be refused with one clear line. Free text is allowed in request bodies alone: 500 bodies made of injections
are compiled for all three generators, and the program around the data must stay the same, byte for byte or node for
node.
"""

from __future__ import annotations

import argparse
import ast
import json
import platform
import random
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.unit.planning.test_load_profile import CAPS, INJECTIONS, PLAIN, hostile, put

from steersman.domain.errors import InputError
from steersman.domain.load import LoadProfile
from steersman.planning.load_profile import profile_of, read_profile
from steersman.toolsets.k6 import K6
from steersman.toolsets.locust import Locust
from steersman.toolsets.vegeta import Vegeta

K6_DATA = re.compile(r"const PROFILE = (.*?\n});\n", re.DOTALL)
BODY = ("journeys", 0, "requests", 0)
LONGEST = 500


def refusals(count: int) -> tuple[int, int]:
    """(accepted, refused without one clear line), given as documents and as text alike."""
    accepted = unclear = 0
    for document in hostile(count):
        for read in (lambda: profile_of(document, CAPS), lambda: read_profile(json.dumps(document), CAPS)):  # noqa: B023
            try:
                read()
                accepted += 1
            except InputError as e:
                text = str(e)
                unclear += not (text.isprintable() and 20 < len(text) < LONGEST)
    return accepted, unclear


def with_body(text: str) -> LoadProfile:
    document = put(put(PLAIN, (*BODY, "body"), text), (*BODY, "method"), "POST")
    return LoadProfile.model_validate({**document, "auth": None})


def program(profile: LoadProfile) -> tuple[str, str, int]:
    """What of the compiled files is code: k6's script without its data, Locust's tree, Vegeta's number of lines."""
    script = K6().compile(profile).files["script.js"]
    found = K6_DATA.search(script)
    assert found is not None
    body = json.loads(found[1])["journeys"][0]["requests"][0]["body"]
    assert body == profile.journeys[0].requests[0].body, "the text arrives as it was"
    tree = ast.parse(Locust().compile(profile).files["locustfile.py"])
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.loads":
            assert isinstance(node.args[0], ast.Constant)
            node.args[0].value = ""
    lines = Vegeta().compile(profile).files["targets.jsonl"].splitlines()
    return K6_DATA.sub("", script), ast.dump(tree), len([json.loads(line) for line in lines])


def escapes(count: int) -> int:
    """Bodies whose program differs from that of a harmless one."""
    dice = random.Random(3)
    harmless = program(with_body("{}"))
    found = 0
    for _ in range(count):
        text = "".join(dice.choice(INJECTIONS)[:200] for _ in range(dice.randint(1, 4)))
        found += program(with_body(text)) != harmless
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 of each instead of 2,000")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    count = 200 if options.quick else 2_000
    began = time.perf_counter()
    accepted, unclear = refusals(count)
    bodies = count // 4
    escaped = escapes(bodies)
    figures = {
        "profiles": count,
        "accepted": accepted,
        "unclear": unclear,
        "bodies": bodies,
        "escapes": escaped,
        "seconds": round(time.perf_counter() - began, 1),
    }
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"{platform.machine()}, Python {platform.python_version()}, commit {commit.stdout.strip()}")
    print(f"{'hostile profiles':32}{count:>8}   got through: {accepted} (bound 0), without one clear line: {unclear}")
    print(f"{'injections as request bodies':32}{bodies:>8}   escaped into the program: {escaped} (bound 0)")
    good = accepted == unclear == escaped == 0
    if options.json:
        print(json.dumps({"pass": good, **figures}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
