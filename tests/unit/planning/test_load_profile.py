"""Profiles are read strictly: 2,000 hostile ones, one clear error each, none gets through."""

import json
import random

import pytest

from steersman.domain.errors import InputError
from steersman.domain.load import LoadCaps, LoadProfile
from steersman.planning.load_profile import profile_of, read_profile, write_profile

CAPS = LoadCaps()
PLAIN = {
    "name": "shop",
    "target": "http://127.0.0.1:8080",
    "stages": [{"duration_s": 30, "level": 20}],
    "journeys": [
        {
            "name": "browse",
            "requests": [{"name": "list", "path": "/items?page=1", "headers": [{"name": "Accept", "value": "*/*"}]}],
        }
    ],
    "goals": [{"kind": "latency", "quantile": 0.95, "max_ms": 300}],
    "tags": {"team": "shop"},
    "auth": {"secret": "env:TOKEN"},
}
INJECTIONS = (
    "'); require('child_process').exec('id'); ('",
    '"); __import__("os").system("id"); ("',
    "`${exec('id')}`",
    "$(touch /tmp/owned)",
    "; rm -rf /",
    "a\nHost: evil.test",
    "a\r\n\r\nGET / HTTP/1.1",
    "\x1b[2J",
    "\u2028alert(1)",
    "</script><script>",
    "{{7*7}}",
    "'''\nimport os\n'''",
    "../../etc/passwd",
    "\\u0027",
    "x" * 100_000,
    "{'a': 1}",
    "%0d%0aSet-Cookie: a",
    "\u202eevil",
    "\0",
    "--out=json=/etc/cron.d/x",
)
"""None of these is a name, an origin, a path, a header name or a secret reference."""
STRINGS = (
    ("name",),
    ("target",),
    ("journeys", 0, "name"),
    ("journeys", 0, "requests", 0, "name"),
    ("journeys", 0, "requests", 0, "path"),
    ("journeys", 0, "requests", 0, "method"),
    ("journeys", 0, "requests", 0, "headers", 0, "name"),
    ("goals", 0, "kind"),
    ("tags", "team"),
    ("auth", "secret"),
    ("auth", "header"),
    ("model",),
)
HOSTS = (
    "http://evil.test",
    "http://127.0.0.1.evil.test",
    "http://127.0.0.1@evil.test",
    "http://user:pw@127.0.0.1",
    "http://169.254.169.254",
    "http://[::1]",
    "https://localhost.evil.test:443",
    "http://localhost#evil.test",
    "http://localhost/evil",
    "http://evil.test\\@127.0.0.1",
    "file:///etc/passwd",
    "http://2130706433",
    "http://0x7f.1",
    "HTTP://LOCALHOST",
    "http://localhost:0",
    "http://localhost:99999",
    "//evil.test",
    "http://",
    "javascript:alert(1)",
    "http://ⓛocalhost",
)
SIZES = (
    (("stages", 0, "duration_s"), (0, -1, 1e9, "1e400", True, None, float("inf"), float("nan"), 2_000)),
    (("stages", 0, "level"), (-1, 1e12, 501, "many", [], float("nan"))),
    (("journeys", 0, "weight"), (0, 10**9, 1.5, -1)),
    (("journeys", 0, "think_s"), (-1, 1e9, "x")),
    (("journeys",), ([], PLAIN["journeys"] * 21, PLAIN["journeys"] * 2, {})),
    (("stages",), ([], PLAIN["stages"] * 51, "all")),
    (("warm_up_s",), (-1, 30, 1e9)),
    (("max_in_flight",), (0, 201, 10**9)),
    (("timeout_s",), (0, 1e9)),
    (("goals", 0, "quantile"), (0, 1, 95, "p95")),
    (("goals", 0, "max_ms"), (0, -5)),
    (("shell",), ("id",)),
    (("__proto__",), ({"a": 1},)),
)


def put(document: object, path: tuple[str | int, ...], value: object) -> dict[str, object]:
    copy = json.loads(json.dumps(document))
    here = copy
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return copy


def hostile(count: int) -> list[dict[str, object]]:
    dice = random.Random(7)
    made = []
    while len(made) < count:
        kind = dice.randrange(3)
        if kind == 0:
            around = dice.choice(("", "a", "shop-1"))
            made.append(put(PLAIN, dice.choice(STRINGS), around + dice.choice(INJECTIONS)))
        elif kind == 1:
            made.append(put(PLAIN, ("target",), dice.choice(HOSTS)))
        else:
            path, values = dice.choice(SIZES)
            made.append(put(PLAIN, path, dice.choice(values)))
    return made


def test_a_plain_profile_is_read_from_yaml_and_json_alike() -> None:
    text = json.dumps(PLAIN)
    assert read_profile(text, CAPS) == LoadProfile.model_validate(PLAIN)
    yaml = "name: a\ntarget: http://localhost:1\nshape: smoke\nlevel: 2\nduration_s: 10\npath: /x\n"
    profile = read_profile(yaml, CAPS)
    assert (profile.peak, profile.duration_s, profile.journeys[0].requests[0].path) == (2, 10, "/x")


def refusal(document: dict[str, object]) -> str:
    with pytest.raises(InputError) as caught:
        profile_of(document, CAPS)
    return str(caught.value)


def test_two_thousand_hostile_profiles_get_one_clear_error_each() -> None:
    said = [refusal(document) for document in hostile(2_000)]
    assert [text for text in said if not text.isprintable() or not 20 < len(text) < 500] == []


def test_a_profile_survives_being_written() -> None:
    profile = LoadProfile.model_validate(PLAIN)
    assert profile_of(write_profile(profile)) == profile


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "not list"),
        ("a: &x 1\nb: *x", "aliases"),
        ("!!python/object/apply:os.system ['id']", "not read here"),
        ("name: a\nstages: []\nshape: load", "keep one"),
        ("path: /\njourneys: []", "keep one"),
        ("[" * 5_000, "nest"),
        ("x" * 1_000_001, "make it shorter"),
        ("name: a\nlevel: -1\nduration_s: 3", "level"),
    ],
)
def test_texts_that_are_no_profile_are_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_profile(text)


def test_secrets_are_given_by_reference_only() -> None:
    path = ("journeys", 0, "requests", 0, "headers", 0, "name")
    with pytest.raises(InputError, match="reference"):
        profile_of(put(PLAIN, path, "Authorization"))
