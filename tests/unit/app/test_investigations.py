"""What an investigation cites can be followed, kept, replayed and asked again."""

from pathlib import Path

import pytest
from tests.unit.agents.test_investigate import SLOW_PAYMENTS, Recorded

from steersman.agents.investigate import Scope, fetch, investigate
from steersman.app.investigations import charts, cited
from steersman.app.recording import case_of, keep
from steersman.app.verification import verify
from steersman.diagnosis.investigation import investigate as diagnose
from steersman.domain.errors import InputError, UnavailableError
from steersman.domain.finding import Evidence
from steersman.domain.ids import EvidenceId
from steersman.domain.signal import Change
from steersman.domain.source_operations import Citation, CiteQuery
from steersman.testing.shop import START, Faults, window
from steersman.toolsets.capture import read_bundle

DEPLOY = Change(at=START, service="payments", kind="deploy", what="v2 [click](http://evil)")
FAULTY = Faults(own={"payments": 0.3}, changes=(DEPLOY,), series={("payments", "cpu"): 2.0})


class Citing(Recorded):
    async def cite(self, asked: CiteQuery) -> Citation:
        if asked.of == "logs":
            raise UnavailableError("loki is down")
        return Citation(query=f"{asked.of} of {asked.selector}", language="promql", link="https://grafana/explore")


async def test_changes_are_evidence_of_their_own_and_their_words_stand_apart() -> None:
    found = await investigate("?", window(), Recorded(FAULTY))
    told = found.evidence[EvidenceId("c1")]
    assert told.value == f"deploy at {START.isoformat()}"
    assert told.excerpt == DEPLOY.what
    assert told.query["selector"] == {"service": "payments"}


async def test_evidence_says_how_people_ask_the_same() -> None:
    source = Citing(FAULTY)
    found = await cited(await investigate("?", window(), source), source)
    first = found.evidence[found.root_causes[0].evidence[0]]
    assert first.query["text"] == f"{first.source} of service=payments"
    assert first.link == "https://grafana/explore"
    assert found.evidence[EvidenceId("c1")].link == ""


async def test_a_source_that_cannot_cite_leaves_evidence_as_it_is() -> None:
    source = Recorded(FAULTY)
    found = await investigate("?", window(), source)
    assert await cited(found, source) == found


async def test_signals_behind_the_evidence_are_drawn_over_both_windows() -> None:
    source = Recorded(FAULTY)
    drawn = await charts(await investigate("?", window(), source), source)
    assert drawn
    assert all(len(chart.series.times) > 1 for chart in drawn)
    assert {chart.series.selector.service for chart in drawn} == {"payments"}


async def test_a_recording_replays_to_the_same_causes(tmp_path: Path) -> None:
    source, scope = Recorded(FAULTY), Scope(service="front")
    live = await investigate("?", window(), source, scope=scope)
    gathered = await fetch(source, window(), scope)
    keep(gathered, tmp_path, case_of(gathered, "shop", window=window(), scope=scope))
    replayed = diagnose(read_bundle(tmp_path), "?")
    assert [(c.service, c.kind, c.version) for c in replayed.root_causes] == [
        (c.service, c.kind, c.version) for c in live.root_causes
    ]
    assert {e.value for e in replayed.evidence.values()} == {e.value for e in live.evidence.values()}


async def test_a_hole_is_kept_with_the_recording(tmp_path: Path) -> None:
    source = Recorded(Faults(), down=frozenset({"logs"}))
    gathered = await fetch(source, window(), Scope())
    keep(gathered, tmp_path, case_of(gathered, "shop", window=window(), scope=Scope()))
    replayed = diagnose(read_bundle(tmp_path), "?")
    assert any(hole.startswith("logs") for hole in replayed.holes)
    assert replayed.result == "not_enough_data"


async def test_nothing_is_no_recording(tmp_path: Path) -> None:
    source = Recorded(Faults(), down=frozenset({"spans", "logs", "changes"}))
    gathered = await fetch(source, window(), Scope())
    with pytest.raises(InputError, match=r"nothing to record: .*logs: UnavailableError"):
        keep(gathered, tmp_path, case_of(gathered, "shop", window=window(), scope=Scope()))


async def test_evidence_that_is_asked_again_holds() -> None:
    source = Citing(FAULTY)
    found = await cited(await investigate("?", window(), source), source)
    checked = await verify(found, Recorded(FAULTY))
    assert {each.id for each in checked} == set(found.evidence)
    assert {each.state for each in checked} == {"holds"}


async def test_evidence_that_is_not_there_any_more_or_other_is_told() -> None:
    found = await investigate("?", window(), Recorded(FAULTY))
    states = {each.id: each for each in await verify(found, Recorded(SLOW_PAYMENTS))}
    assert states[EvidenceId("c1")].state == "gone"
    slower = await verify(found, Recorded(Faults(own={"payments": 0.6}, changes=(DEPLOY,))))
    first = next(each for each in slower if each.id == found.root_causes[0].evidence[0])
    assert first.state == "changed"
    assert first.now != first.was


async def test_evidence_whose_source_is_down_is_unanswered_not_gone() -> None:
    found = await investigate("?", window(), Recorded(FAULTY))
    checked = await verify(found, Recorded(FAULTY, down=frozenset({"spans", "changes"})))
    states = {each.id: each.state for each in checked}
    assert states[EvidenceId("c1")] == "unanswered"
    assert {states[key] for key, item in found.evidence.items() if item.source == "spans"} == {"unanswered"}


async def test_a_quoted_line_is_looked_for_among_the_lines() -> None:
    source = Recorded(Faults(lines={"payments": "card declined"}))
    found = await investigate("?", window(), source)
    text = source.gathered.suspect_logs[-1].message

    def quoted(text: str) -> Evidence:
        asked = {"service": "payments", "version": ""}
        return Evidence(id=EvidenceId("u1"), source="logs", query=asked, window=window(), value="orders", excerpt=text)

    for words, state in ((text, "holds"), ("never written", "gone")):
        shown = found.model_copy(update={"evidence": {EvidenceId("u1"): quoted(words)}})
        assert [each.state for each in await verify(shown, source)] == [state]
