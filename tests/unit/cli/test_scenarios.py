"""`steer scenarios` in the process: what it prints, what it refuses, and that garbage costs nothing but itself."""

import io
import json
import sys
from pathlib import Path

import pytest

from steersman.cli.main import run
from steersman.cli.render.text import BIDI

DATA = Path(__file__).parents[2] / "data"
DESIGN = (Path(__file__).parents[1] / "knowledge" / "design_example.json").read_bytes()
CATS = "id: mine\ngoal: feed the office cats\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STEER_KNOWLEDGE__EMBEDDER", "words")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Steer:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([*words])
        out, err = self.capsys.readouterr()
        for char in out + err:
            assert char == "\n" or (char not in BIDI and ord(char) >= 32 and not 0x7F <= ord(char) < 0xA0), repr(char)
        return code, out, err

    def json(self, *words: str, stdin: bytes = b"", code: int = 0) -> object:
        got, out, err = self(*words, "-o", "json", stdin=stdin)
        assert got == code, err
        return json.loads(out)


@pytest.fixture
def steer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Steer:
    return Steer(capsys, monkeypatch)


def own(steer: Steer) -> list[str]:
    return [row["id"] for row in steer.json("scenarios", "list") if row["from"] != "shipped"]


def test_the_json_of_the_design_is_added_from_standard_input_and_planned_without_a_model(steer: Steer) -> None:
    (added,) = steer.json("scenarios", "add", "-", stdin=DESIGN)
    assert (added["id"], added["plannable"]) == ("deploy-bluegreen-eks", True)
    assert [left["field"] for left in added["left"]] == ["conditions.0"]
    assert own(steer) == ["deploy-bluegreen-eks"]
    plan = steer.json("plan", "--scenario", "deploy-bluegreen-eks")
    assert [s["arguments"]["weight"] for s in plan["steps"] if s["operation"].endswith("set_weight")] == [10, 50, 100]
    code, card, err = steer("plan", "-s", "deploy-bluegreen-eks", "--platform", "kubernetes,argo-rollouts")
    assert code == 0
    assert "CANNOT BE RUN" in card
    assert "blueGreen has no weights" in card
    assert "무중단" in card
    assert "cannot be run" in err


def test_a_plan_on_contracts_from_a_file_is_refused_before_anything(steer: Steer, home: Path) -> None:
    plan = steer("plan", "-s", "deploy-canary-argo-rollouts", "-o", "json")[1]
    (home / "p.json").write_text(plan)
    code, out, err = steer("run", "-f", str(home / "p.json"), "--yes")
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1


def test_a_search_prints_id_score_and_reasons(steer: Steer) -> None:
    rows = steer.json("scenarios", "search", "볼트 시크릿 교체", "--limit", "2")
    assert rows[0]["id"] == "rotate-secrets-vault"
    assert [*rows[0]] == ["id", "score", "why"]
    assert len(rows) <= 2
    assert steer.json("scenarios", "search", "오늘 서울 날씨 어때") == []


def test_another_scenario_of_the_same_id_wants_replace(steer: Steer) -> None:
    assert steer("scenarios", "add", "-", stdin=CATS.encode())[0] == 0
    assert steer("scenarios", "add", "-", stdin=CATS.encode())[0] == 0
    code, _, err = steer("scenarios", "add", "-", stdin=CATS.replace("cats", "dogs").encode())
    assert (code, "--replace" in err) == (2, True)
    assert steer.json("scenarios", "show", "mine")["goal"] == "feed the office cats"
    assert steer("scenarios", "add", "-", "--replace", stdin=CATS.replace("cats", "dogs").encode())[0] == 0
    assert steer.json("scenarios", "show", "mine")["goal"] == "feed the office dogs"


def test_a_review_is_given_by_whoever_adds_and_namespaces_are_apart(steer: Steer) -> None:
    steer("scenarios", "add", "-", "--reviewed-by", "kim", "--namespace", "red", stdin=CATS.encode())
    assert own(steer) == []
    assert "kim" in steer.json("scenarios", "show", "mine", "--namespace", "red")["from"]
    assert steer("scenarios", "show", "mine")[0] == 2


def test_an_export_is_imported_unchanged(steer: Steer, home: Path) -> None:
    steer("scenarios", "add", "-", stdin=DESIGN)
    steer("scenarios", "add", "-", stdin=CATS.encode())
    text = steer("scenarios", "export")[1]
    steer("scenarios", "export", "--to", str(home / "out"))
    assert sorted(path.name for path in (home / "out").iterdir()) == ["deploy-bluegreen-eks.yaml", "mine.yaml"]
    for identity in own(steer):
        assert steer("scenarios", "remove", identity)[0] == 0
    assert own(steer) == []
    assert steer("scenarios", "import", str(home / "out"))[0] == 0
    assert steer("scenarios", "export")[1] == text
    assert steer("scenarios", "import", "-", stdin=text.encode())[0] == 0
    assert json.loads(steer("scenarios", "export", "mine", "-o", "json")[1]) == {
        "id": "mine",
        "goal": "feed the office cats",
    }


def test_numbers_and_index(steer: Steer) -> None:
    assert steer.json("scenarios", "stats")["shipped"] >= 40
    assert steer("scenarios", "stats")[0] == 0
    assert steer("scenarios", "reindex")[0] == 0
    assert steer("scenarios", "learn", "nope")[0] == 2


GARBAGE: dict[str, bytes] = {
    "binary": b"\xff\xfe\x00bad",
    "huge": b'{"id": "a", "goal": "' + b"x" * 5_000_000 + b'"}',
    "hangul": b'{"id": "a", "goal": "' + "가".encode() * 2_000_000,
    "long": b'{"id": "a", "goal": "' + b"x" * 9_000 + b'"}',
    "ansi": b'{"id": "a", "goal": "\\u001b[31mred"}',
    "bidi": "id: a\ngoal: \u202eevil".encode(),
    "key": b'{"id": "a", "goal": "g", "\\u001b]0;x\\u0007": 1}',
    "surrogate": b'{"id": "a", "goal": "\\ud800"}',
    "deep": b"[" * 100_000,
    "deep yaml": b"- " * 50_000,
    "nothing": b"",
    "null": b"null",
    "number": b"7",
    "nan": b'{"id": "a", "goal": "g", "method": NaN}',
    "twin": b"id: a\nid: b\ngoal: g",
    "anchor": b"id: &a a\ngoal: *a",
    "python": b'!!python/object/apply:os.system ["id"]',
    "wrong type": b'{"id": "a", "goal": {"text": "g"}}',
    "empty list": b"[]",
    "path": b'{"id": "../../etc/passwd", "goal": "g"}',
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_one_clear_line_and_nothing_is_kept(steer: Steer, kind: str) -> None:
    for command in ("validate", "add"):
        code, _, err = steer("scenarios", command, "-", stdin=GARBAGE[kind])
        assert code == 2
        (line,) = err.strip().splitlines()
        assert line.startswith("steer: standard input")
        assert len(line) <= 420
    assert own(steer) == []


def test_one_broken_file_keeps_none_of_the_others_out(
    steer: Steer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    folder = home / "folder"
    folder.mkdir()
    for kind, held in GARBAGE.items():
        (folder / f"{kind}.json").write_bytes(held)
    (folder / "evil\x1b[31m\u202e.json").write_text('{"id": 1, "goal": "g"}')
    (folder / "mine.yaml").write_text(CATS)
    (folder / "bom.json").write_bytes(b'\xef\xbb\xbf{"id": "bom", "goal": "open the [bold]window[/bold]"}')
    code, _, err = steer("scenarios", "add", str(folder))
    assert code == 2
    assert own(steer) == ["bom", "mine"]
    assert len(err.strip().splitlines()) == len(GARBAGE) + 1
    assert "[bold]window[/bold]" in " ".join(steer("scenarios", "list")[1].split())


@pytest.mark.parametrize("goal", ["\x1b[31mdeploy\u202e canary", "", " ", "\x00", "[/bold]", "🏳️‍🌈" * 50, "%s%n"])
def test_any_goal_is_searched_for(steer: Steer, goal: str) -> None:
    assert steer("scenarios", "search", goal)[0] == 0


def test_a_goal_without_end_is_refused(steer: Steer) -> None:
    code, _, err = steer("scenarios", "search", "a" * 100_000)
    assert (code, len(err.strip().splitlines())) == (2, 1)


def test_naughty_strings_are_kept_as_they_are_or_refused_with_a_reason(steer: Steer) -> None:
    naughty = json.loads((DATA / "blns" / "blns.json").read_text("utf-8"))
    listed = [{"id": f"n{place}", "goal": text} for place, text in enumerate(naughty)]
    code, out, err = steer("scenarios", "add", "-", "-o", "json", stdin=json.dumps(listed).encode())
    assert code == 2  # some hold control characters, and some are empty
    kept = {row["id"] for row in json.loads(out)}
    assert len(kept) + len(err.strip().splitlines()) == len(naughty)
    assert len(kept) > 400
    exported = json.loads(steer("scenarios", "export", "-o", "json")[1])
    assert {row["id"]: row["goal"] for row in exported} == {
        row["id"]: row["goal"] for row in listed if row["id"] in kept
    }
    for text in naughty[::60]:
        assert steer("scenarios", "search", "--", f"{text} ")[0] == 0
