"""What a provider's client raises, as an error of ours. Its own words stay out: they may hold the key, or orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.domain.errors import ConfigError, SteersmanError, ToolError, UnavailableError
from steersman.models.providers import error_classes
from steersman.models.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = frozenset({408, 409, 425, 429})
SERVER_FAULT = 500
LOCKED = frozenset({401, 403, 404})
LONGEST_RETRY_AFTER_S = 300.0


def expected_errors(spec: ModelSpec) -> tuple[type[Exception], ...]:
    """All that a client may raise: about the network, about the answer, or because the answer makes no sense to it."""
    from langchain_core.exceptions import LangChainException

    wire = tuple(_wire_errors())
    return (
        *(LangChainException, OSError, TimeoutError, EOFError),
        *(ValueError, LookupError, TypeError, AttributeError, AssertionError, NotImplementedError),
        *wire,
        *error_classes(spec),
    )


def _wire_errors() -> Iterator[type[Exception]]:
    """Of both HTTP clients that providers use."""
    from importlib import import_module

    for name in ("httpx", "httpx2"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        yield from (module.HTTPError, module.StreamError, module.InvalidURL)


def mended(error: BaseException, spec: ModelSpec) -> SteersmanError:
    """The error of ours that says who acts next."""
    from langchain_core import exceptions as known

    kind = f"{type(error).__name__}{_said(status(error))}"
    if isinstance(error, SteersmanError):
        return error
    if isinstance(error, (known.ContextOverflowError,)):
        return ToolError(f"model {spec.name!r}: the prompt is longer than its window ({kind}); shorten it")
    if isinstance(error, known.ModelRefusalError):
        return ToolError(f"model {spec.name!r} declined to answer ({kind}); ask another way")
    if _is_locked(error, known):
        return ConfigError(f"model {spec.name!r}: not let in or not there ({kind}); look at name, key and url")
    if _is_away(error, known):
        return UnavailableError(f"model {spec.name!r} did not answer ({kind}); try later", retry_after_s=_after(error))
    return ToolError(f"model {spec.name!r} gave an answer that its client cannot read ({kind}); ask again")


def status(error: BaseException) -> int | None:
    """The HTTP status behind an error, where there was one."""
    for holder in (error, getattr(error, "response", None), error.__cause__):
        for field in ("status_code", "code", "status"):
            found = getattr(holder, field, None)
            if isinstance(found, int) and not isinstance(found, bool):
                return found
    return None


def _is_locked(error: BaseException, known: Any) -> bool:
    classes = (known.ModelAuthenticationError, known.ModelPermissionDeniedError, known.ModelNotFoundError)
    return isinstance(error, classes) or status(error) in LOCKED


def _is_away(error: BaseException, known: Any) -> bool:
    if isinstance(error, known.ModelError):
        return bool(error.is_retryable) or _is_busy(status(error))
    if _is_busy(status(error)):
        return True
    wire = tuple(_wire_errors())
    return isinstance(error, (OSError, TimeoutError, EOFError, *wire)) or "Connection" in type(error).__name__


def _is_busy(code: int | None) -> bool:
    return code is not None and (code in BUSY or code >= SERVER_FAULT)


def _said(code: int | None) -> str:
    return f", HTTP {code}" if code is not None else ""


def _after(error: BaseException) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    told = headers.get("retry-after") if headers is not None and hasattr(headers, "get") else None
    try:
        return min(LONGEST_RETRY_AFTER_S, max(0.0, float(told))) if told is not None else None
    except ValueError:
        return None
