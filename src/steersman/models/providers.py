"""LangChain's chat models, one row a provider. Each package is an extra and is imported when it is asked for.

Their own retries are off: what may be tried again is decided by `retry.py`, under the meter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from steersman.domain.errors import ConfigError
from steersman.domain.fact import JsonObject
from steersman.models.spec import ModelSpec, Provider

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

NO_KEY = "none"
"""Stands where a local server wants a key and looks at none."""
LLAMA_URL = "http://127.0.0.1:8080/v1"
TITLE = "answer"


@dataclass(frozen=True, slots=True)
class Maker:
    """How a provider's chat model is made and asked."""

    package: str
    chat_class: str
    extra: str
    options: Callable[[ModelSpec], dict[str, Any]]
    cap_field: str
    """Which of its fields bounds the answer's tokens."""
    error_classes: tuple[str, ...] = ()
    """Bases of what it raises, as `module:Class`."""
    key_needed: bool = True
    always_streams: bool = False
    """Its client reads even a whole answer as a stream, and does not mind when that is cut."""
    thinking_tokens: int = 0
    """Room for thoughts, which some count as part of the answer."""
    finish: Callable[[Any, ModelSpec], None] | None = None
    """What else a new one needs."""


def _google(spec: ModelSpec) -> dict[str, Any]:
    return {"google_api_key": spec.key, "base_url": spec.url or None, "timeout": spec.timeout_s, "max_retries": 1}


def _on_httpx(model: Any, spec: ModelSpec) -> None:
    """Google's client takes aiohttp where that is installed, and there warns and leaks when an answer is broken."""
    import httpx
    from google.genai import Client
    from google.genai.types import HttpOptions

    options = HttpOptions(
        base_url=spec.url or None, timeout=int(spec.timeout_s * 1_000), httpx_async_client=httpx.AsyncClient()
    )
    model.client = Client(api_key=spec.key.get_secret_value() or NO_KEY, http_options=options)


def _openai(spec: ModelSpec) -> dict[str, Any]:
    return {
        "api_key": spec.key.get_secret_value() or NO_KEY,
        "base_url": spec.url or None,
        "timeout": spec.timeout_s,
        "max_retries": 0,
        "use_responses_api": False,
        "stream_usage": True,
    }


def _llama(spec: ModelSpec) -> dict[str, Any]:
    return {**_openai(spec), "base_url": spec.url or LLAMA_URL, "temperature": 0}


def _anthropic(spec: ModelSpec) -> dict[str, Any]:
    options = {"api_key": spec.key, "timeout": spec.timeout_s, "max_retries": 0, "stream_usage": True}
    return options | ({"base_url": spec.url} if spec.url else {})


def _ollama(spec: ModelSpec) -> dict[str, Any]:
    """`num_ctx`: its own default cuts longer prompts without a word."""
    client = {"timeout": spec.timeout_s}
    return {
        "base_url": spec.url or None,
        "client_kwargs": client,
        "num_ctx": spec.window_tokens,
        "temperature": 0,
        "reasoning": False,
    }


OPENAI_ERRORS = ("openai:OpenAIError",)
MAKERS: Mapping[Provider, Maker] = {
    "google_genai": Maker(
        "langchain_google_genai",
        "ChatGoogleGenerativeAI",
        "gemini",
        _google,
        "max_output_tokens",
        error_classes=("google.genai.errors:APIError", "langchain_google_genai._common:GoogleGenerativeAIError"),
        thinking_tokens=4_096,
        finish=_on_httpx,
    ),
    "openai": Maker(
        "langchain_openai", "ChatOpenAI", "openai", _openai, "max_tokens", OPENAI_ERRORS, thinking_tokens=4_096
    ),
    "anthropic": Maker(
        "langchain_anthropic",
        "ChatAnthropic",
        "anthropic",
        _anthropic,
        "max_tokens",
        error_classes=("anthropic:AnthropicError",),
    ),
    "ollama": Maker(
        "langchain_ollama",
        "ChatOllama",
        "ollama",
        _ollama,
        "num_predict",
        error_classes=("ollama:ResponseError", "ollama:RequestError"),
        key_needed=False,
        always_streams=True,
    ),
    "llama_cpp": Maker(
        "langchain_openai", "ChatOpenAI", "openai", _llama, "max_tokens", OPENAI_ERRORS, key_needed=False
    ),
}


def chat_model(spec: ModelSpec) -> BaseChatModel:
    """The provider's chat model. Raises ConfigError for a missing package or key."""
    maker = MAKERS[spec.provider]
    must_have_key(spec)
    try:
        made = getattr(import_module(maker.package), maker.chat_class)
    except ImportError as e:
        raise ConfigError(f"model {spec.name!r} needs a package: pip install 'steersman[{maker.extra}]'") from e
    try:
        model: BaseChatModel = made(model=spec.model, **_keyed(spec, maker.options(spec)))
        if maker.finish is not None:
            maker.finish(model, spec)
    except ValueError as e:
        said = str(e).partition("\n")[0]
        raise ConfigError(f"model {spec.name!r} cannot be set up: {said}; mend models.providers.{spec.provider}") from e
    return model


def must_have_key(spec: ModelSpec) -> None:
    """Raises ConfigError when the provider wants a key and there is none."""
    if MAKERS[spec.provider].key_needed and not spec.key.get_secret_value() and not spec.url:
        raise ConfigError(f"model {spec.name!r} has no key; set models.providers.{spec.provider}.key to env:NAME")


def _keyed(spec: ModelSpec, options: dict[str, Any]) -> dict[str, Any]:
    """A server of one's own at a URL may want no key; the clients want one all the same."""
    for field in ("google_api_key", "api_key"):
        if field in options and not spec.key.get_secret_value():
            options[field] = NO_KEY
    return options


def capped(model: BaseChatModel, spec: ModelSpec, tokens: int) -> BaseChatModel:
    """The same model, whose answers are no longer than that."""
    maker = MAKERS[spec.provider]
    return model.model_copy(update={maker.cap_field: tokens + maker.thinking_tokens})


def shaped(model: BaseChatModel, spec: ModelSpec, shape: JsonObject) -> Runnable[Any, Any]:
    """The model, made to answer with JSON of that schema; gives `{"raw": AIMessage, ...}`."""
    schema: dict[str, Any] = {"title": TITLE, **shape}
    more: dict[str, Any] = {"strict": False} if MAKERS[spec.provider].package == "langchain_openai" else {}
    return model.with_structured_output(schema, method="json_schema", include_raw=True, **more)


def error_classes(spec: ModelSpec) -> tuple[type[Exception], ...]:
    """What the provider's client raises besides LangChain's own."""
    found = []
    for place in MAKERS[spec.provider].error_classes:
        module, _, name = place.partition(":")
        found.append(getattr(import_module(module), name))
    return tuple(found)
