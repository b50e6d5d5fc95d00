import os
import subprocess
import sys

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from steersman.engines.local.graph import State, build, open_saver, phase_node
from steersman.engines.local.mermaid import mermaid
from steersman.testing.world import World
from steersman.testing.worldplans import sim_plan, sim_step

from .bench import RUN, Bench

PLAN = sim_plan(
    World(),
    [
        sim_step("make", "create", "a", 1, phase="build"),
        sim_step("ship", "create", "b", 1, phase="deploy", needs=["make"]),
    ],
)


def test_phases_are_sub_graphs_of_the_outer_graph() -> None:
    graph = build(PLAN)
    assert {name for name, _ in graph.get_subgraphs()} == {phase_node("build"), phase_node("deploy")}
    drawn = graph.get_graph(xray=1)
    assert any("steps" in node for node in drawn.nodes)


def test_a_colon_in_a_phase_is_no_trouble() -> None:
    plan = PLAN.model_copy(
        update={
            "phases": ("a:b", "a.b"),
            "steps": tuple(
                step.model_copy(update={"phase": phase}) for step, phase in zip(PLAN.steps, ("a:b", "a.b"), strict=True)
            ),
        }
    )
    assert len(list(build(plan).get_subgraphs())) == 2


def test_mermaid_shows_phases_steps_and_ways_back() -> None:
    text = mermaid(PLAN)
    for part in ('subgraph p0["phase build"]', "make", "ship", "s0 --> s1", "-.-> undo"):
        assert part in text


async def test_mermaid_colours_what_a_run_has_done() -> None:
    async with Bench() as bench:
        run = await bench.run(PLAN)
        assert mermaid(PLAN, run).count("style") == 2


async def test_a_checkpoint_that_disagrees_with_the_journal_loses(tmp_path) -> None:
    async with Bench("review") as bench:
        bench.engine.checkpoints = tmp_path / "checkpoints.db"
        assert (await bench.run(PLAN)).state == "waiting"
        async with open_saver(bench.engine.checkpoints) as saver:
            graph = build(PLAN, saver)
            config = {"configurable": {"thread_id": RUN}}
            lie: State = {"run_id": "other", "phase": "deploy", "next": "go"}
            await graph.aupdate_state(config, lie, as_node=phase_node("deploy"))
        await bench.answer("approve")
        run = await bench.run(PLAN)
        assert run.state == "done"
        assert bench.values() == {"a": 1, "b": 1}


async def test_a_parked_run_is_an_interrupt_in_langgraph_and_state_is_words_only(tmp_path) -> None:
    async with Bench("review") as bench:
        bench.engine.checkpoints = tmp_path / "checkpoints.db"
        await bench.run(PLAN)
        async with open_saver(bench.engine.checkpoints) as saver:
            snapshot = await build(PLAN, saver).aget_state({"configurable": {"thread_id": RUN}})
        assert snapshot.values == {"run_id": RUN, "next": "park"}
        (interrupt,) = snapshot.interrupts
        assert interrupt.value["state"] == "waiting"


async def test_a_final_run_leaves_no_checkpoints(tmp_path) -> None:
    async with Bench() as bench:
        bench.engine.checkpoints = tmp_path / "checkpoints.db"
        await bench.run(PLAN)
        async with open_saver(bench.engine.checkpoints) as saver:
            assert [each async for each in saver.alist({"configurable": {"thread_id": RUN}})] == []


def test_a_checkpoint_cannot_construct_our_types() -> None:
    strict = JsonPlusSerializer(allowed_msgpack_modules=None)
    kind, payload = JsonPlusSerializer().dumps_typed(PLAN.steps[0])
    assert not isinstance(strict.loads_typed((kind, payload)), type(PLAN.steps[0]))


def test_importing_the_engine_loads_no_langchain() -> None:
    code = "import sys, steersman.engines.local; print([m for m in sys.modules if m.startswith('lang')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"
