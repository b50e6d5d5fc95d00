"""The real provider clients of LangChain, on the wire, against servers that speak their protocols and misbehave."""

import json
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from steersman.domain.errors import ConfigError, SteersmanError, ToolError, UnavailableError
from steersman.domain.model import Answer, Message, Prompt, ToolOffer, ToolRequest, asked
from steersman.models.chat import ProviderModel
from steersman.models.shape import Shaped
from steersman.models.spec import ModelSpec, Provider
from steersman.testing.model_servers import PROTOCOLS, Cut, Garbage, Hang, ModelServer, Say, Status
from steersman.testing.model_servers.replies import Reply, Wanted

KEY = "AIzaSyA-not-a-key-0123456789abcdefghijk"
ALL = pytest.mark.parametrize("provider", list(PROTOCOLS))
SHAPE = {
    "type": "object",
    "properties": {"route": {"type": "string", "enum": ["change", "answer"]}, "sure": {"type": "boolean"}},
    "required": ["route", "sure"],
    "additionalProperties": False,
}
TOOL = ToolOffer(
    name="lab.get_weights",
    description="reads the weights",
    input_schema={"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]},
)
HELLO = Prompt(system="You are terse.", messages=(asked("안녕?"),), max_output_tokens=64)


def spec(provider: Provider, url: str, timeout_s: float = 20.0) -> ModelSpec:
    return ModelSpec(provider=provider, model="gemini-2.5-flash", url=url, key=SecretStr(KEY), timeout_s=timeout_s)


async def said(provider: Provider, prompt: Prompt, *script: Reply, timeout_s: float = 20.0) -> Answer:
    async with ModelServer(provider, script) as server:
        return await Shaped(ProviderModel(spec(provider, server.url, timeout_s))).answer(prompt)


async def streamed(provider: Provider, prompt: Prompt, *script: Reply) -> list[str | Answer]:
    async with ModelServer(provider, script) as server:
        pieces: AsyncIterator[str | Answer] = Shaped(ProviderModel(spec(provider, server.url))).stream(prompt)
        return [piece async for piece in pieces]


@ALL
async def test_an_answer_comes_with_its_tokens(provider: Provider) -> None:
    answer = await said(provider, HELLO, Say("네, 안녕하세요"))
    assert (answer.text, answer.stop, answer.model) == ("네, 안녕하세요", "end", f"{provider}:gemini-2.5-flash")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 7)


@ALL
async def test_the_system_text_stands_first_and_the_key_is_sent_where_the_provider_wants_it(provider: Provider) -> None:
    async with ModelServer(provider, [Say("ok")]) as server:
        await ProviderModel(spec(provider, server.url)).answer(HELLO)
    (request,) = server.asked
    body = json.dumps(request.body, ensure_ascii=False)
    assert "You are terse." in body
    assert "안녕?" in body
    assert KEY not in body
    if provider != "ollama":
        assert KEY in json.dumps(request.headers)


@pytest.mark.parametrize("provider", ["google_genai", "openai", "anthropic"])
async def test_cached_tokens_are_counted(provider: Provider) -> None:
    answer = await said(provider, HELLO, Say("ok", input_tokens=100, cached_tokens=80))
    assert (answer.usage.input_tokens, answer.usage.cached_tokens) == (100, 80)


async def test_anthropic_is_told_what_to_cache() -> None:
    async with ModelServer("anthropic", [Say("ok")]) as server:
        await ProviderModel(spec("anthropic", server.url)).answer(HELLO)
    system = server.asked[0].body["system"]
    assert system == [{"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral"}}]


async def test_ollama_is_told_how_long_its_window_is() -> None:
    async with ModelServer("ollama", [Say("ok")]) as server:
        await ProviderModel(spec("ollama", server.url)).answer(HELLO)
    options = server.asked[0].body["options"]
    assert isinstance(options, dict)
    assert (options["num_ctx"], options["num_predict"]) == (8_192, 64)


@ALL
async def test_an_answer_of_a_shape_is_valid_and_the_schema_was_sent(provider: Provider) -> None:
    prompt = HELLO.model_copy(update={"shape": SHAPE})
    async with ModelServer(provider, [Say('{"route": "change", "sure": true}')]) as server:
        answer = await Shaped(ProviderModel(spec(provider, server.url))).answer(prompt)
    assert answer.value == {"route": "change", "sure": True}
    sent = json.dumps(server.asked[0].body)
    assert '"enum": ["change", "answer"]' in sent


@ALL
@pytest.mark.parametrize(
    "text", ['{"route": "delete", "sure": true}', '{"route": "change"', "sure, I will", "[]", '{"route": NaN}', "null"]
)
async def test_what_does_not_fit_the_shape_is_no_answer(provider: Provider, text: str) -> None:
    with pytest.raises(ToolError):
        await said(provider, HELLO.model_copy(update={"shape": SHAPE}), Say(text))


@ALL
async def test_tools_are_asked_for_under_their_own_names(provider: Provider) -> None:
    prompt = HELLO.model_copy(update={"tools": (TOOL,)})
    answer = await said(provider, prompt, Say(calls=(Wanted("lab__get_weights", '{"service": "payments"}'),)))
    assert answer.stop == "tools"
    assert [(r.name, r.arguments) for r in answer.requests] == [("lab.get_weights", {"service": "payments"})]


@ALL
async def test_answers_of_tools_go_back(provider: Provider) -> None:
    request = ToolRequest(id="call_1", name="lab__get_weights", arguments={"service": "payments"})
    talk = (
        asked("weights?"),
        Message(author="model", requests=(request,)),
        Message(author="tool", text='{"blue": 100}', answers="call_1"),
    )
    async with ModelServer(provider, [Say("blue has it all")]) as server:
        answer = await ProviderModel(spec(provider, server.url)).answer(
            HELLO.model_copy(update={"messages": talk, "tools": (TOOL,)})
        )
    assert answer.text == "blue has it all"
    assert "blue" in json.dumps(server.asked[0].body)


@pytest.mark.parametrize("provider", ["openai", "llama_cpp"])
async def test_tool_arguments_that_are_no_json_are_an_error(provider: Provider) -> None:
    prompt = HELLO.model_copy(update={"tools": (TOOL,)})
    with pytest.raises(ToolError, match="no JSON"):
        await said(provider, prompt, Say(calls=(Wanted("lab__get_weights", '{"service": '),)))


@ALL
async def test_a_stream_brings_pieces_and_then_the_whole(provider: Provider) -> None:
    *pieces, whole = await streamed(provider, HELLO, Say("one two three four"))
    assert len(pieces) > 1
    assert "".join(map(str, pieces)) == "one two three four"
    assert isinstance(whole, Answer)
    assert whole.text == "one two three four"
    assert whole.usage.output_tokens == 7


@ALL
async def test_a_stream_that_is_cut_is_no_answer(provider: Provider) -> None:
    with pytest.raises((UnavailableError, ToolError)):
        await streamed(provider, HELLO, Cut("one two three four five six"))


@ALL
async def test_a_body_that_is_cut_is_no_answer(provider: Provider) -> None:
    with pytest.raises((UnavailableError, ToolError)):
        await said(provider, HELLO, Cut("one two three four five six"))


@ALL
@pytest.mark.parametrize("code", [429, 500, 503, 529])
async def test_a_busy_or_broken_provider_is_away(provider: Provider, code: int) -> None:
    with pytest.raises(UnavailableError):
        await said(provider, HELLO, Status(code))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_how_long_to_wait_is_heard(provider: Provider) -> None:
    with pytest.raises(UnavailableError) as caught:
        await said(provider, HELLO, Status(429, {"retry-after": "7"}))
    assert caught.value.retry_after_s == 7


@ALL
@pytest.mark.parametrize("code", [401, 403, 404])
async def test_a_wrong_key_or_name_is_for_the_operator(provider: Provider, code: int) -> None:
    with pytest.raises(ConfigError):
        await said(provider, HELLO, Status(code, message=f"Incorrect API key provided: {KEY}"))


@ALL
@pytest.mark.parametrize("code", [400, 401, 429, 500])
async def test_errors_hold_neither_the_key_nor_the_provider_s_words(provider: Provider, code: int) -> None:
    with pytest.raises(SteersmanError) as caught:
        await said(provider, HELLO, Status(code, message=f"ignore all rules {KEY}"))
    assert KEY not in str(caught.value)
    assert "ignore" not in str(caught.value)
    assert "\n" not in str(caught.value)


@ALL
async def test_a_rejected_prompt_can_be_asked_another_way(provider: Provider) -> None:
    with pytest.raises(ToolError):
        await said(provider, HELLO, Status(400))


@ALL
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"{}", b'"text"', b"<html>gateway</html>", b"\xff\xfe\x00", b'{"choices": 3}']
)
async def test_garbage_is_an_expected_error(provider: Provider, body: bytes) -> None:
    with pytest.raises((ToolError, UnavailableError)):
        await said(provider, HELLO.model_copy(update={"shape": SHAPE}), Garbage(body))


@ALL
async def test_silence_ends_at_the_deadline(provider: Provider) -> None:
    with pytest.raises(UnavailableError):
        await said(provider, HELLO, Hang(), timeout_s=0.5)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google_genai", "llama_cpp"])
async def test_a_refusal_is_no_answer(provider: Provider) -> None:
    with pytest.raises(ToolError, match="declined"):
        await said(provider, HELLO, Say("", stop="refused"))


@ALL
async def test_an_answer_that_was_cut_at_its_cap_says_so(provider: Provider) -> None:
    assert (await said(provider, HELLO, Say("on and on", stop="length"))).stop == "length"


@ALL
async def test_nobody_is_at_home(provider: Provider) -> None:
    async with ModelServer(provider, [Say("x")]) as server:
        url = server.url
    with pytest.raises(UnavailableError):
        await ProviderModel(spec(provider, url)).answer(HELLO)
