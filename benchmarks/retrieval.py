"""Recall of scenarios in English and Korean: the default beside each of its halves and the shared baselines.

    python benchmarks/retrieval.py [--shared FOLDER] [--quick] [--json]

Our own set: `benchmarks/data/retrieval_hard.tsv`, against the shipped scenarios; weights and bars were chosen on it.
The shared set (a folder with scenarios.json and queries_*.json) was only measured. Ties count at their expected value
nowhere: the product's own order is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from steersman.domain.ids import ScenarioId
from steersman.domain.scenario import Scenario
from steersman.index.embedders import default
from steersman.index.files import builtin
from steersman.index.meaning import Meaning
from steersman.knowledge.fit import Ask
from steersman.knowledge.language import content_stems
from steersman.knowledge.lexical import Lexicon
from steersman.knowledge.recall import recall_for
from steersman.knowledge.shelf import Entry, Shelf

DATA = Path(__file__).parent / "data"
DEPTH = 10
GAP = 0.10
OFF_TOPIC = 0.90
SHARED_BASELINES = {
    "BM25 + glossary": {"paraphrase": (0.08, 0.15, 0.80, 0.93), "everyday": (0.97, 1.0, 0.73, 0.85)},
    "MiniLM + glossary": {"paraphrase": (0.55, 0.80, 0.78, 0.82), "everyday": (0.97, 1.0, 0.75, 0.90)},
    "z-sum MiniLM+gl., E5": {"paraphrase": (0.53, 0.78, 0.82, 0.85)},
}


class Query(NamedTuple):
    """A request and the one right answer."""

    text: str
    lang: str
    right: str


Ranker = Callable[[str], Sequence[str]]


def rankers(scenarios: Sequence[Scenario]) -> dict[str, Ranker]:
    """The default, what it is without an embedder, and each single method."""
    shelf = Shelf.of(Entry(scenario) for scenario in scenarios)
    embedder = default()
    meaning = Meaning.of(embedder, scenarios) if embedder else None
    plain: Lexicon[str] = Lexicon()
    for scenario in scenarios:
        text = " ".join([scenario.id, scenario.goal, *scenario.goals.values()])
        plain.add(str(scenario.id), dict.fromkeys(content_stems(text), 1.0))

    def ours(dense: bool) -> Ranker:
        def rank(text: str) -> list[str]:
            closeness: Mapping[ScenarioId, float] | None = meaning.closeness(text) if dense and meaning else None
            return [m.scenario.id for m in recall_for(Ask(goal=text, limit=DEPTH), shelf=shelf, dense=closeness)]

        return rank

    def bm25(text: str) -> list[str]:
        return _order(plain.scores(dict.fromkeys(content_stems(text), 1.0)))

    found: dict[str, Ranker] = {"default": ours(dense=True), "words + thesaurus": ours(dense=False), "BM25 alone": bm25}
    if meaning is not None:
        found["dense alone"] = lambda text: _order(meaning.closeness(text))
        found["rank fusion (RRF)"] = lambda text: _rrf(bm25(text), _order(meaning.closeness(text)))
    return found


def _order(scores: Mapping[Any, float]) -> list[str]:
    return [str(key) for key, _ in sorted(scores.items(), key=lambda item: (-item[1], str(item[0])))]


def _rrf(*lists: Sequence[str]) -> list[str]:
    total: dict[str, float] = {}
    for ranked in lists:
        for place, key in enumerate(ranked):
            total[key] = total.get(key, 0.0) + 1 / (60 + place)
    return _order(total)


def figures(rank: Ranker, queries: Sequence[Query]) -> dict[str, float]:
    """hit@1, hit@3 and MRR for each language."""
    found: dict[str, float] = {}
    for lang in ("en", "ko"):
        places = []
        for query in (q for q in queries if q.lang == lang):
            ranked = list(rank(query.text))[:DEPTH]
            places.append(ranked.index(query.right) + 1 if query.right in ranked else 0)
        found[f"{lang}_hit1"] = sum(place == 1 for place in places) / len(places)
        found[f"{lang}_hit3"] = sum(0 < place <= 3 for place in places) / len(places)
        found[f"{lang}_mrr"] = sum(1 / place for place in places if place) / len(places)
    return {key: round(value, 3) for key, value in found.items()}


def own_set() -> tuple[Sequence[Scenario], list[Query]]:
    lines = (DATA / "retrieval_hard.tsv").read_text("utf-8").splitlines()
    parts = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return builtin().scenarios, [Query(text, lang, right) for right, lang, text in parts]


def shared_sets(folder: Path) -> dict[str, tuple[Sequence[Scenario], list[Query]]]:
    held = json.loads((folder / "scenarios.json").read_text("utf-8"))
    scenarios = [Scenario(id=item["id"], goal=item["goal"]) for item in held]
    found = {}
    for path in sorted(folder.glob("queries_*.json")):
        queries = [Query(q["q"], q["lang"], q["id"]) for q in json.loads(path.read_text("utf-8"))]
        found["shared " + path.stem.removeprefix("queries_")] = (scenarios, queries)
    return found


def off_topic(rank: Ranker) -> float:
    """Share of requests about something else that are answered by 'nothing fits'."""
    lines = [line for line in (DATA / "off_topic.txt").read_text("utf-8").splitlines() if line]
    return round(sum(not list(rank(line)) for line in lines) / len(lines), 3)


def show(name: str, table: Mapping[str, Mapping[str, float]]) -> None:
    keys = list(next(iter(table.values())))
    print(f"\n{name}\n" + f"{'':24}" + "".join(f"{key:>9}" for key in keys))
    for method, row in table.items():
        print(f"{method:24}" + "".join(f"{row[key]:9.2f}" if key in row else f"{'-':>9}" for key in keys))


def baselines(name: str) -> dict[str, dict[str, float]]:
    kind = name.removeprefix("shared ")
    keys = ("en_hit1", "en_hit3", "ko_hit1", "ko_hit3")
    rows = {f"{method} *": held[kind] for method, held in SHARED_BASELINES.items() if kind in held}
    return {method: dict(zip(keys, row, strict=True)) for method, row in rows.items()}


def judged(name: str, table: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Bounds that are missed: the default beats each single method; no language is far behind."""
    mine = table["default"]
    missed: list[str] = []
    single = [method for method in ("BM25 alone", "dense alone") if method in table]
    missed += [f"{name}: {method} is as good" for method in single if _mean(mine) <= _mean(table[method])]
    if abs(mine["en_hit3"] - mine["ko_hit3"]) > GAP + 1e-9:
        missed.append(f"{name}: languages are {abs(mine['en_hit3'] - mine['ko_hit3']):.2f} apart at hit@3")
    return missed


def _mean(row: Mapping[str, float]) -> float:
    return sum(row.values()) / len(row)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--quick", action="store_true", help="the same: it takes seconds")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    embedder = default()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, commit {commit}, ", end=""
    )
    print(f"embedder {embedder.name if embedder else 'none: install steersman[recall]'}")
    sets = {"own hard set": own_set(), **(shared_sets(asked.shared) if asked.shared else {})}
    tables, missed = {}, []
    for name, (scenarios, queries) in sets.items():
        methods = rankers(scenarios)
        tables[name] = {method: figures(rank, queries) for method, rank in methods.items()}
        show(f"{name}: {len(scenarios)} scenarios, {len(queries)} requests", tables[name] | baselines(name))
        missed += judged(name, tables[name])
    print("\n* as measured by those who made the set")
    rejected = {method: off_topic(rank) for method, rank in rankers(own_set()[0]).items() if "alone" not in method}
    print(
        "'nothing fits' on off-topic requests: "
        + ", ".join(f"{k} {v:.2f}" for k, v in rejected.items() if "RRF" not in k)
    )
    missed += ["off-topic requests are answered"] if rejected["default"] < OFF_TOPIC else []
    for reason in missed:
        print(f"missed: {reason}")
    if asked.json:
        print(json.dumps({"pass": not missed, "missed": missed, "tables": tables, "off_topic": rejected["default"]}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
