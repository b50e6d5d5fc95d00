"""`steer bench`: load tests, their verdicts, their history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.commands.bench_kept import Export, forget, show
from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import Format, Output, emit, group, talk, talk_console
from steersman.cli.profiles import Given, generator_named, profile_from

if TYPE_CHECKING:
    from pydantic import JsonValue

    from steersman.app.wiring import App
    from steersman.cli.benching import Asking
    from steersman.cli.render.bench_export import Told
    from steersman.cli.render.words import Language
    from steersman.domain.fact import JsonObject
    from steersman.domain.load import GeneratorName, LoadProfile
    from steersman.domain.load_result import LoadVerdict, Result

app = group("Load tests: run, ask, limit, compare, script, show, history, forget.")
apps = {"bench": app}
app.command("show")(show)
app.command("forget")(forget)

ProfileFile = Annotated[Path | None, typer.Argument(metavar="[PROFILE]", help="YAML or JSON file of a load profile.")]
Preset = Annotated[str, typer.Option("--preset", help="smoke, load, stress, spike, soak or breakpoint.")]
Url = Annotated[str, typer.Option("--url", help="What to ask: http(s)://host[:port]/path.")]
Rate = Annotated[float, typer.Option("--rate", help="Requests per second (open model).", min=0)]
Users = Annotated[int, typer.Option("--users", help="Users at once (closed model) instead of a rate.", min=0)]
Duration = Annotated[str, typer.Option("--duration", help="How long: 30s, 5m, 1h30m.")]
GoalWords = Annotated[
    list[str] | None, typer.Option("--goal", help="What counts as good: p99<300ms, errors<1%, failures<=0; repeatable.")
]
AbortWords = Annotated[
    list[str] | None, typer.Option("--abort", help="What ends it early: errors>20%, p95>2s for 10s; repeatable.")
]
Har = Annotated[Path | None, typer.Option("--har", help="A recording of a browser: its requests become a journey.")]
OpenApi = Annotated[Path | None, typer.Option("--openapi", help="An OpenAPI 3 description: its GETs become journeys.")]
Generator = Annotated[str, typer.Option("--generator", "-g", help="k6, locust or vegeta.")]
RunName = Annotated[str, typer.Option("--name", help="Name of the run; default is the profile's with the time.")]
CallId = Annotated[str, typer.Option("--call-id", help="Take up a run that waited for approval.")]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Answer yes as a recorded approval by you; never overrides policy.")
]
EXITS = {"pass": 0, "fail": 1, "inconclusive": 7}


@app.command("run")
def run(
    profile: ProfileFile = None,
    *,
    preset: Preset = "",
    url: Url = "",
    rate: Rate = 0.0,
    users: Users = 0,
    duration: Duration = "",
    goal: GoalWords = None,
    abort: AbortWords = None,
    har: Har = None,
    openapi: OpenApi = None,
    generator: Generator = "k6",
    name: RunName = "",
    baseline: Annotated[str, typer.Option("--baseline", help="Kept runs to compare with: NAME or NAME,NAME.")] = "",
    repeat: Annotated[int, typer.Option("--repeat", help="So many runs, named NAME-1, NAME-2 ...", min=1, max=20)] = 1,
    export: Export = None,
    annotate: Annotated[bool, typer.Option("--annotate", help="Mark it in the environment's Grafana.")] = False,
    call_id: CallId = "",
    yes: Yes = False,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Put a target under load, through the gate, and judge what came of it: pass 0, fail 1, inconclusive 7."""
    from steersman.cli import bench_exporting, benching
    from steersman.cli.frame import go

    files, pushes = bench_exporting.parted(export or ())
    given = Given(profile, preset, url, rate, users, duration, goal or (), abort or (), har, openapi)
    load, left_out = profile_from(given)
    chosen, lang = generator_named(generator), _language()
    for line in left_out:
        talk(f"left out: {line}")

    async def work() -> int:
        async with app_here(lab, env) as here:
            asking = benching.Asking(call_id, yes, lang)
            if annotate:
                benching.must_annotate(here)
            bench_exporting.must_reach(here, pushes)
            names = names_of(load, name, repeat)
            if not call_id:
                benching.must_be_free(here, names, chosen)
            show_card(here, load, chosen, lang)
            told = [await _one(here, load, each, chosen, asking) for each in names]
            for each in told if annotate else ():
                await benching.annotate(here, each, asking)
            await bench_exporting.push(here, told, pushes, asking)
            return _tell(here, told, baseline, files, output=output, lang=lang)

    raise typer.Exit(go(work()))


def _language() -> Language:
    from steersman.app.settings import load
    from steersman.cli.render.words import language

    return language("", load().language)


def names_of(load: LoadProfile, name: str, repeat: int) -> list[str]:
    """Names of runs: the given one, or the profile's with the time."""
    from steersman.app.store import CLOCK

    base = name or f"{load.name[:48]}-{CLOCK.now():%m%d-%H%M%S}"
    return [base] if repeat == 1 else [f"{base}-{number}" for number in range(1, repeat + 1)]


def show_card(here: App, load: LoadProfile, generator: GeneratorName, lang: Language) -> None:
    """What will be run. Raises InputError for what the gate would refuse, in words."""
    from steersman.app.loads import caps_of, compiled
    from steersman.cli.render.bench import card
    from steersman.domain.errors import InputError
    from steersman.domain.load import excess

    problem = excess(load, caps_of(here.settings, here.world.environment))
    if problem is not None:
        raise InputError(f"load profile {load.name!r}: {problem}")
    talk_console().print(card(load, compiled(load, generator), lang))


async def _one(here: App, load: LoadProfile, name: str, generator: GeneratorName, asking: Asking) -> Told:
    from steersman.app.loads import kept
    from steersman.cli.benching import put_under_load
    from steersman.cli.render.bench_export import Told

    await put_under_load(here, load, name, generator, asking)
    return Told(*kept(here.settings, f"{generator}/{name}"))


def _tell(here: App, told: list[Told], baseline: str, export: list[str], *, output: Format, lang: Language) -> int:
    """Prints and writes what came of it; gives back the exit code of the worst verdict."""
    from rich.console import Group

    from steersman.app.loads import kept
    from steersman.cli.render.bench import comparison, summary
    from steersman.cli.render.bench_export import payload, write
    from steersman.judgement.benchmark_compare import compare

    verdicts = [each.verdict for each in told]
    shown = [summary(each.profile, each.result, each.verdict, lang) for each in told]
    document = payload(told[-1])
    if len(told) > 1:
        document["runs"] = [payload(each) for each in told]
    if baseline:
        before = [kept(here.settings, each)[1] for each in baseline.split(",")]
        after = [each.result for each in told]
        against = compare(after, before)
        verdicts.append(against)
        shown.append(comparison(after, before, against, lang))
        document["comparison"] = against.model_dump(mode="json")
    for wanted in export:
        talk(f"written: {write(told[-1], wanted)}")
    emit(document, output, lambda: Group(*shown))
    return EXITS[_worst(verdicts)]


def _worst(verdicts: list[LoadVerdict]) -> Result:
    found = {verdict.result for verdict in verdicts}
    return "fail" if "fail" in found else "inconclusive" if "inconclusive" in found else "pass"


@app.command("limit")
def limit(
    profile: ProfileFile = None,
    *,
    url: Url = "",
    lowest: Annotated[float, typer.Option("--from", help="The rate to begin with.", min=0.1)] = 5.0,
    highest: Annotated[float, typer.Option("--to", help="No rate above this is tried.", min=0.1)] = 200.0,
    duration: Annotated[str, typer.Option("--duration", help="How long each rate is held: 15s, 1m.")] = "15s",
    goal: GoalWords = None,
    abort: AbortWords = None,
    most: Annotated[int, typer.Option("--most", help="At most so many rates.", min=2, max=20)] = 10,
    generator: Generator = "k6",
    name: RunName = "",
    call_id: CallId = "",
    yes: Yes = False,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Find the highest rate that holds the goals: doubled until one does not, then halved in between."""
    from steersman.cli.benching import Asking, perform
    from steersman.cli.frame import go
    from steersman.cli.render.bench import limit_table
    from steersman.domain.load_result import Limit

    # The profile is checked at the highest rate, so that the card and the caps speak of the most that can come.
    given = Given(
        profile, "" if profile else "smoke", url, 0 if profile else highest, 0, duration, goal or (), abort or ()
    )
    load, _ = profile_from(given)
    chosen, lang = generator_named(generator), _language()

    async def work() -> int:
        async with app_here(lab, env) as here:
            (called,) = names_of(load, name, 1)
            show_card(here, load, chosen, lang)
            arguments: JsonObject = {
                "name": called,
                "profile": load.model_dump(mode="json"),
                "lowest": lowest,
                "highest": highest,
                "most_points": most,
            }
            found = Limit.model_validate(
                await perform(here, f"{chosen}.find_limit", arguments, Asking(call_id, yes, lang))
            )
            emit(found.model_dump(mode="json"), output, lambda: limit_table(found, lang))
            return 0 if found.holds is not None else 1

    raise typer.Exit(go(work()))


@app.command("ask")
def ask(
    words: Annotated[
        str, typer.Argument(help="What to find out, in Korean or English: 결제 API 초당 200건에서 p99 300ms 지키는지.")
    ],
    *,
    generator: Generator = "k6",
    call_id: CallId = "",
    yes: Yes = False,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Whether something bears a load, asked in words; what was not said is asked for, the bottleneck is named."""
    from steersman.cli.bench_asking import answer
    from steersman.cli.benching import Asking
    from steersman.cli.frame import go
    from steersman.cli.render.bench import answered
    from steersman.cli.render.words import language

    chosen, lang = generator_named(generator), language(words)

    async def work() -> int:
        async with app_here(lab, env) as here:
            report = await answer(here, words, chosen, Asking(call_id, yes, lang))
            emit(report.model_dump(mode="json"), output, lambda: answered(report, lang))
            return EXITS[report.result]

    raise typer.Exit(go(work()))


@app.command("compare")
def compare_runs(
    baseline: Annotated[str, typer.Argument(metavar="BEFORE", help="Kept runs before: NAME or NAME,NAME.")],
    run_name: Annotated[str, typer.Argument(metavar="AFTER", help="Kept runs after: NAME or NAME,NAME.")],
    *,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Slower by up to this share still passes.", min=0.01, max=1.0)
    ] = 0.05,
    output: Output = Format.table,
) -> None:
    """Whether runs are surely slower than those before, or surely not: pass 0, fail 1, inconclusive 7."""
    from steersman.app.loads import kept
    from steersman.app.settings import load
    from steersman.cli.render.bench import comparison, rows
    from steersman.judgement.benchmark_compare import compare

    settings = load()
    before, after = ([kept(settings, name)[1] for name in names.split(",")] for names in (baseline, run_name))
    verdict = compare(after, before, tolerance=tolerance)
    table: list[JsonValue] = [
        {"what": what, "before": round(a, 4), "after": round(b, 4)} for what, a, b in rows(after, before)
    ]
    document: JsonObject = {
        "before": [each.name for each in before],
        "after": [each.name for each in after],
        "table": table,
        "verdict": verdict.model_dump(mode="json"),
    }
    emit(document, output, lambda: comparison(after, before, verdict, _language()))
    raise typer.Exit(EXITS[verdict.result])


@app.command("script")
def script(
    profile: ProfileFile = None,
    *,
    preset: Preset = "",
    url: Url = "",
    rate: Rate = 0.0,
    users: Users = 0,
    duration: Duration = "",
    har: Har = None,
    openapi: OpenApi = None,
    generator: Generator = "k6",
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder for the files; without it the main one is shown.")
    ] = None,
    as_profile: Annotated[bool, typer.Option("--profile", help="The profile itself, as YAML, instead.")] = False,
) -> None:
    """A profile in a generator's own language, to read and to run by hand. Sends nothing."""
    from steersman.app.loads import compiled
    from steersman.domain.errors import InputError

    load, left_out = profile_from(Given(profile, preset, url, rate, users, duration, (), (), har, openapi))
    for line in left_out:
        talk(f"left out: {line}")
    if as_profile:
        import yaml

        from steersman.planning.load_profile import write_profile

        print(yaml.safe_dump(write_profile(load), allow_unicode=True, sort_keys=False), end="")
        return
    made = compiled(load, generator_named(generator))
    for gap in made.gaps:
        talk(f"{gap.severity}: {gap.feature}: {gap.detail}")
    if to is None:
        print(made.files[made.main], end="")
        return
    try:
        to.mkdir(parents=True, exist_ok=True)
        for file, text in made.files.items():
            (to / file).write_text(text, encoding="utf-8")
    except OSError as e:
        raise InputError(f"--to {str(to)!r}: {e.strerror}; name a folder that can be written") from e
    talk(f"written to {to}: {', '.join(made.files)}")


@app.command("history")
def history(
    profile: Annotated[str, typer.Argument(metavar="[PROFILE]", help="Only runs of the profile of that name.")] = "",
    *,
    limit_: Annotated[int, typer.Option("--limit", help="At most so many, the newest.", min=1)] = 50,
    output: Output = Format.table,
) -> None:
    """Kept runs, and where their latency changed for good."""
    from steersman.app.loads import changes, history
    from steersman.app.settings import load
    from steersman.cli.render.bench import HistoryTable
    from steersman.cli.render.bench_words import word

    lines = history(load(), profile=profile, limit=limit_)
    found = changes(lines)
    document: JsonObject = {
        "runs": [each.model_dump(mode="json") for each in lines],
        "changes": [
            {"run": name, "p95_before_ms": c.before, "p95_after_ms": c.after, "p_value": c.p_value}
            for name, c in found.items()
        ],
    }
    lang = _language()
    emit(document, output, lambda: HistoryTable(lines, found, lang) if lines else word("no_history", lang))
