"""Profiles in three languages: values are data in each, and outputs read into one schema."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import ToolError
from steersman.domain.histogram import bucket_of
from steersman.domain.load import Auth, Journey, LoadProfile, Model, Request, Stage, stages_of
from steersman.domain.load_port import Generator, Measured
from steersman.toolsets.k6 import K6, buckets_of
from steersman.toolsets.locust import Locust
from steersman.toolsets.vegeta import Vegeta

DATA = Path(__file__).parents[2] / "data" / "load"
GENERATORS: list[Generator] = [K6(), Locust(), Vegeta()]
NASTY = "'''\"\"\"`${x}`*/;\\'\\\"\u2028</script>\n\\"
"""A body may hold anything: it is the one place where text is free."""


def profile(**more: object) -> LoadProfile:
    plain: dict[str, object] = {
        "name": "a",
        "target": "http://127.0.0.1:18932",
        "warm_up_s": 1,
        "stages": (Stage(duration_s=3, level=50), Stage(duration_s=3, level=80, ramp=True)),
        "journeys": (
            Journey(
                name="x",
                requests=(
                    Request(name="r"),
                    Request(name="q", path="/b", method="POST", body='{"a":1}', expect=(404,)),
                ),
            ),
        ),
    }
    return LoadProfile.model_validate(plain | more)


def nasty() -> LoadProfile:
    return profile(journeys=(Journey(name="x", requests=(Request(name="r", method="POST", body=NASTY),)),))


def test_free_text_is_data_in_the_k6_script_and_the_code_is_the_same() -> None:
    pattern = re.compile(r"const PROFILE = (.*?\n});\n", re.DOTALL)
    plain, other = (K6().compile(p).files["script.js"] for p in (profile(), nasty()))
    found = pattern.search(other)
    assert found is not None
    assert json.loads(found[1])["journeys"][0]["requests"][0]["body"] == NASTY
    assert pattern.sub("", plain) == pattern.sub("", other)
    assert other.isascii()


def test_free_text_is_data_in_the_locust_file_and_the_code_is_the_same() -> None:
    trees = [ast.parse(Locust().compile(p).files["locustfile.py"]) for p in (profile(), nasty())]
    texts = [
        node.args[0]
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.loads"
    ]
    values = [json.loads(text.value) for text in texts if isinstance(text, ast.Constant)]
    assert values[1]["journeys"][0]["requests"][0]["body"] == NASTY
    for text in texts:
        assert isinstance(text, ast.Constant)
        text.value = ""
    assert ast.dump(trees[0]) == ast.dump(trees[1])


def test_each_vegeta_target_is_one_line_of_json() -> None:
    lines = Vegeta().compile(nasty()).files["targets.jsonl"].splitlines()
    assert [json.loads(line)["method"] for line in lines] == ["POST"]


def test_what_vegeta_cannot_say_is_told() -> None:
    journeys = (Journey(name="x", think_s=1, requests=(Request(name="r"), Request(name="q", path="/q"))),)
    features = {
        model: {gap.feature: gap.severity for gap in Vegeta().compile(profile(model=model, journeys=journeys)).gaps}
        for model in ("open", "closed")
    }
    assert features["closed"]["think_time"] == "refused"
    assert features["open"] == {
        "think_time": "approximated",
        "smooth_levels": "approximated",
        "journey_order": "approximated",
        "in_flight_cap": "approximated",
    }
    secret = Vegeta().compile(profile(auth=Auth(secret="env:T")))
    assert "auth" in {gap.feature for gap in secret.gaps if gap.severity == "refused"}


def test_vegeta_is_never_given_a_rate_of_zero() -> None:
    load = profile(stages=(Stage(duration_s=10, level=0.01, ramp=True),))
    rates = [word for command in Vegeta().launch(load).commands for word in command if word.startswith("-rate=")]
    assert rates
    assert not [rate for rate in rates if rate.startswith("-rate=0")]


def test_a_k6_summary_is_read(tmp_path: Path) -> None:
    measured = read(K6(), profile(), DATA / "k6-summary.json", tmp_path)
    assert sum(block.requests for block in measured.blocks) == 588
    assert sum(block.failures for block in measured.blocks) == 294
    assert measured.errors == {"http_other": 294}
    assert [step.name for step in measured.steps] == ["x/r", "x/q"]
    whole = measured.blocks[0].latency.plus(*(block.latency for block in measured.blocks[1:]))
    assert whole.quantile_ms(0.5) == pytest.approx(measured.steps[0].p50_ms, rel=0.02)
    assert whole.quantile_ms(0.95) == pytest.approx(measured.steps[0].p95_ms, rel=0.02)


def test_a_locust_result_is_read(tmp_path: Path) -> None:
    measured = read(Locust(), profile(), DATA / "locust-result.json", tmp_path)
    assert sum(block.requests for block in measured.blocks) == 589
    assert measured.errors == {"http_other": 294}
    assert measured.steps[0].p50_ms == pytest.approx(23.14, rel=0.01)


def read(generator: Generator, load: LoadProfile, source: Path, folder: Path) -> Measured:
    name = source.name.partition("-")[2]
    (folder / name).write_bytes(source.read_bytes())
    return generator.read(load, folder)


def hit(at: float, code: int, latency_ms: float, error: str = "", path: str = "/") -> str:
    return json.dumps(
        {
            "attack": "",
            "seq": 0,
            "code": code,
            "timestamp": f"2026-01-01T00:00:{at:012.9f}Z",
            "latency": round(latency_ms * 1e6),
            "bytes_out": 0,
            "bytes_in": 2,
            "error": error,
            "body": None,
            "method": "GET",
            "url": f"http://127.0.0.1:1{path}",
            "headers": {},
        }
    )


def test_vegeta_results_are_read(tmp_path: Path) -> None:
    load = LoadProfile(
        name="a",
        target="http://127.0.0.1:1",
        stages=stages_of("smoke", 2, 4),
        journeys=(Journey(name="j", requests=(Request(name="r"),)),),
    )
    lines = [
        hit(0, 200, 10),
        hit(0.5, 200, 20),
        hit(1.5, 503, 5, "503 Service Unavailable"),
        hit(2.5, 0, 1, "Get: dial tcp 127.0.0.1:1: connect: connection refused"),
        hit(3.5, 0, 10_000, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
    ]
    (tmp_path / "results.jsonl").write_text("\n".join(lines))
    measured = Vegeta().read(load, tmp_path)
    assert [block.requests for block in measured.blocks] == [2, 1, 1, 1]
    assert measured.errors == {"http_5xx": 1, "refused": 1, "timeout": 1}
    assert measured.blocks[0].latency.count == 2


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.name)
@pytest.mark.parametrize("text", [None, "", "{}", "[]", "nonsense", '{"metrics": 1}'])
def test_output_that_is_none_is_an_error_and_no_result(generator: Generator, text: str | None, tmp_path: Path) -> None:
    for name in ("summary.json", "result.json", "results.jsonl"):
        if text is not None:
            (tmp_path / name).write_text(text)
    with pytest.raises(ToolError, match="left no usable"):
        generator.read(profile(), tmp_path)


@pytest.mark.parametrize("model", ["open", "closed"])
def test_a_program_is_started_by_arguments_that_hold_no_text_of_the_profile(model: Model) -> None:
    load = profile(model=model, name="marker", tags={"marker": "marker"})
    for generator in GENERATORS:
        for command in generator.launch(load).commands:
            assert not [word for word in command if "marker" in word or "127.0.0.1" in word]


@given(st.lists(st.floats(0, 5e9), min_size=1, max_size=50))
def test_many_values_fall_into_the_buckets_that_single_ones_do(micros: list[float]) -> None:
    assert buckets_of(np.array(micros)).tolist() == [bucket_of(round(value)) for value in micros]
