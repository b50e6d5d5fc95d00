import json

from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.model import Answer, Message, Prompt, ToolOffer, ToolRequest, asked
from steersman.gate.redaction import Redactor
from steersman.models.veil import Pseudonyms, Veiled
from steersman.testing.models import FakeModel

PLAIN = ("mail a.b@shop.co.kr", "10.1.2.3", "db-1.prod.internal", "fe80:0:0:0:1:2:3:4", "123456789012", " ", "v1.2.3")
ODD = (
    "HOST_1x",
    "host_2x",
    "ID_1",
    "NAME_1x",
    "ACME",
    "를",
    "GHOST_3x",
    "HOST_",
    "1x",
    "x",
    "acme_prod",
    "lab.set_weights",
)
PIECES = st.sampled_from([*PLAIN, *ODD, "8c1b6c9e-1111-2222-3333-444455556666"])
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=12).map("".join)


@given(st.lists(TEXTS, max_size=3))
def test_turning_back_is_exact_whatever_the_text_was(texts: list[str]) -> None:
    names = Pseudonyms(words=("acme", "host"))
    for text in texts:
        assert names.show(names.hide(text)) == text


def test_identifiers_do_not_leave_and_the_plan_s_own_words_do() -> None:
    text = "payments v1.2.3 on db-1.prod.internal (10.0.0.7), ask min@shop.co.kr: lab.set_weights 10 % in ACME"
    hidden = Pseudonyms(words=("acme",)).hide(text)
    for gone in ("db-1", "10.0.0.7", "min@", "ACME"):
        assert gone not in hidden
    for kept in ("payments", "v1.2.3", "lab.set_weights", "10 %"):
        assert kept in hidden


def test_the_same_thing_has_the_same_name_all_through_a_run() -> None:
    names = Pseudonyms()
    assert names.hide("a.example.com") == names.hide("a.example.com") != names.hide("b.example.com")


def veiled(model: FakeModel, *words: str) -> Veiled:
    redactor = Redactor()
    redactor.learn(["hunter2-hunter2"])
    return Veiled(model, redactor.text, Pseudonyms(words))


async def test_nothing_secret_reaches_the_model_by_any_part_of_a_prompt() -> None:
    secret, host = "hunter2-hunter2", "db.corp.internal"
    text = f"the password of {host} is {secret}"
    model = FakeModel(["ok"])
    request = ToolRequest(id="1", name="look", arguments={"at": [text]})
    await veiled(model).answer(
        Prompt(
            system=text,
            messages=(asked(text), Message(author="model", text=text, requests=(request,))),
            shape=None,
            tools=(ToolOffer(name="look", description=text, input_schema={"enum": [text]}),),
        )
    )
    sent = model.prompts[0].model_dump_json()
    assert secret not in sent
    assert host not in sent


async def test_answers_come_back_in_the_real_names() -> None:
    model = FakeModel(lambda prompt: prompt.messages[0].text.replace("look at", "looked at"))
    answer = await veiled(model).answer(Prompt(messages=(asked("look at db.corp.internal"),)))
    assert answer.text == "looked at db.corp.internal"


async def test_json_stays_json_when_a_real_name_holds_quotes() -> None:
    model = FakeModel(lambda _: Answer(text='{"who": "NAME_1x"}', model="m"))
    answer = await veiled(model, 'the "big" one').answer(Prompt(messages=(asked('about the "big" one'),)))
    assert json.loads(answer.text) == {"who": 'the "big" one'}


async def test_tools_are_asked_for_with_real_names() -> None:
    model = FakeModel([(ToolRequest(id="1", name="look", arguments={"at": ["HOST_1x"]}),)])
    answer = await veiled(model).answer(Prompt(messages=(asked("db.corp.internal"),)))
    assert answer.requests[0].arguments == {"at": ["db.corp.internal"]}


@given(st.lists(st.sampled_from(["db.corp.internal", "word", "10.0.0.1", "를", "x" * 60]), min_size=1, max_size=12))
def test_streams_come_back_in_the_real_names_too(words: list[str]) -> None:
    import asyncio

    async def run() -> str:
        model = FakeModel(lambda prompt: prompt.messages[0].text)
        pieces = [piece async for piece in veiled(model).stream(Prompt(messages=(asked(" ".join(words)),)))]
        assert isinstance(pieces[-1], Answer)
        assert pieces[-1].text == " ".join(words)
        return "".join(str(piece) for piece in pieces[:-1])

    assert asyncio.run(run()) == " ".join(words)


async def test_secrets_are_numbered_the_same_under_every_key() -> None:
    sent = []
    for _ in range(2):
        model = FakeModel(["ok"])
        await veiled(model).answer(Prompt(messages=(asked("it is hunter2-hunter2"),)))
        sent.append(model.prompts[0])
    assert sent[0] == sent[1]
