"""Threads: durable, apart for each of their owners, forgotten for good."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from steersman.domain.conversation import Summary, ThreadId, Turn
from steersman.domain.errors import InputError
from steersman.index.threads import ThreadStore

NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)
MIN, TEAM = "user/local:min", "team/payments"


@pytest.fixture
def store(tmp_path: Path):
    opened = ThreadStore(tmp_path / "threads.db")
    yield opened
    opened.close()


def said(text: str, *, author: str = "user", **more: object) -> Turn:
    origin = "person" if author == "user" else "code"
    return Turn.model_validate({"author": author, "origin": origin, "text": text, "at": NOW, **more})


def begun(store: ThreadStore, *texts: str, namespace: str = MIN) -> ThreadId:
    thread = store.begin(namespace, texts[0], NOW).id
    for text in texts:
        store.append(namespace, thread, said(text))
    return thread


def test_what_was_said_is_there_after_a_restart(store: ThreadStore, tmp_path: Path) -> None:
    thread = begun(store, "one", "two")
    again = ThreadStore(tmp_path / "threads.db")
    assert [(turn.number, turn.text) for turn in again.turns(MIN, thread)] == [(1, "one"), (2, "two")]
    again.close()


def test_nothing_of_one_namespace_is_seen_from_another(store: ThreadStore) -> None:
    thread = begun(store, "the payments password rotation is on Friday")
    assert store.threads(TEAM) == []
    assert store.recall(TEAM, "payments rotation Friday") == []
    for refused in (
        lambda: store.turns(TEAM, thread),
        lambda: store.thread(TEAM, thread),
        lambda: store.append(TEAM, thread, said("x")),
        lambda: store.summary(TEAM, thread),
        lambda: store.forget(TEAM, thread=thread),
    ):
        with pytest.raises(InputError):
            refused()
    assert store.forget(TEAM) == 0
    assert len(store.turns(MIN, thread)) == 1


def test_an_answer_closes_what_was_open_and_a_question_back_does_not(store: ThreadStore) -> None:
    thread = store.begin(MIN, "q", NOW).id
    store.append(MIN, thread, said("why?", open=True))
    store.append(MIN, thread, said("which service?", author="steersman", open=True))
    assert store.turns(MIN, thread)[0].open
    store.append(MIN, thread, said("because", author="steersman"))
    assert not store.turns(MIN, thread)[0].open


def test_what_was_said_elsewhere_is_found_in_both_languages(store: ThreadStore) -> None:
    old = begun(store, "결제 서비스는 v2.3.1 로 롤백하기로 결정했다", "날씨가 좋다")
    begun(store, "we keep zebras on port 8443")
    (found,) = store.recall(MIN, "결제 롤백 결정이 뭐였지?", limit=1)
    assert (found.thread, found.turn, found.id) == (old, 1, "t1")
    assert store.recall(MIN, "결제 롤백", but=(old, 1)) == []
    assert store.recall(MIN, "completely unrelated xyzzy") == []


def test_what_was_only_asked_is_not_told_again(store: ThreadStore) -> None:
    begun(store, "which zebras do we have?", "We keep zebras in Busan. ok?")
    assert [heard.turn for heard in store.recall(MIN, "zebras")] == [2]


def test_an_answer_that_led_to_nothing_is_not_told_again(store: ThreadStore) -> None:
    thread = store.begin(MIN, "x", NOW).id
    store.append(MIN, thread, said("scenarios about zebras", author="steersman"))
    store.append(MIN, thread, said("run of zebras done", author="steersman", refs=("run-1",)))
    assert [heard.turn for heard in store.recall(MIN, "zebras")] == [2]


@pytest.mark.parametrize("how", ["thread", "words", "all"])
def test_what_is_forgotten_is_in_no_file_any_more(store: ThreadStore, tmp_path: Path, how: str) -> None:
    secret = "the code word is HEMLOCK-7"
    thread = begun(store, secret, "another line")
    store.summarise(MIN, thread, Summary(upto=2, facts=(secret,)))
    if how == "thread":
        assert store.forget(MIN, thread=thread) == 2
    elif how == "words":
        assert store.forget(MIN, words="hemlock") == 1
        assert store.summary(MIN, thread) == Summary()
        assert store.thread(MIN, thread).title == "(forgotten)"
    else:
        assert store.forget(MIN) == 2
    store.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"HEMLOCK" not in left
    store.__init__(tmp_path / "threads.db")  # type: ignore[misc]  # the fixture closes it once more
