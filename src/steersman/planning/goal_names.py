"""Names in a goal's text: services, and things that a noun stands next to (`node worker-3`, `orders 큐`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from pydantic import JsonValue

NOT_BEFORE = r"(?<![A-Za-z0-9_.\-])"
NOT_AFTER = r"(?![A-Za-z0-9_\-])"
"""Korean particles may follow a name directly (`payments를`); Latin letters and digits may not."""

COMMON: dict[str, tuple[str, ...]] = {
    "payments": ("payment", "pay", "결제", "지불", "페이"),
    "checkout": ("order", "orders", "주문", "체크아웃", "구매"),
    "orders": ("order", "주문"),
    "catalog": ("catalogue", "product", "products", "상품", "카탈로그", "제품"),
    "front": ("frontend", "home", "web", "storefront", "메인", "홈", "프론트", "첫 화면", "웹"),
    "cart": ("basket", "장바구니", "카트"),
    "search": ("검색",),
    "auth": ("login", "signin", "로그인", "인증"),
    "shipping": ("delivery", "배송"),
    "users": ("user", "accounts", "회원", "사용자", "계정"),
}
"""How people call services that are named so."""

SERVICE = r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
SERVICE_NOUN = r"(?:서비스|서버|api|API|앱|service)"
VERBS = r"(?:deploy|release|ship|roll\s*out|update|upgrade|promote|scale|restart|throttle|roll\s*back)"
GUESSES = (
    re.compile(rf"{NOT_BEFORE}({SERVICE})\s*(?:서비스)?[을를의]?\s+(?:to\s+)?(?:version|버전|v\d)", re.IGNORECASE),
    re.compile(rf"{VERBS}\s+(?:the\s+)?({SERVICE})", re.IGNORECASE),
    re.compile(rf"{NOT_BEFORE}({SERVICE})[을를]"),
)
NO_SERVICE = re.compile(
    r"a|an|and|back|blue|canary|deploy|down|green|in|new|of|out|promote|release|roll|rollout|rolling|scale|ship|the|to|up|"
    r"update|upgrade|version|v?\d.*",
    re.IGNORECASE,
)

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/@-]*[A-Za-z0-9])?"
CALLED = r"[을를은는이가]?\s*(?:called|named|name|이름[은이]?|[:=])?\s*"
NO_NAME = re.compile(
    r"a|an|all|and|any|api|as|at|before|by|cluster|database|db|each|every|feature|first|for|from|her|his|in|into|is|it|its|k8s|"
    r"kubernetes|last|message|messages|my|new|next|node|nodes|of|off|old|on|one|or|our|out|pod|pods|postgres|postgresql|prod|"
    r"production|queue|secret|service|staging|table|that|the|their|then|this|those|to|until|vault|when|with|worker|your",
    re.IGNORECASE,
)
DISTINCT = re.compile(r"[0-9._/@-]")
"""Plain English words next to a noun are mostly prose; a name among them shows by its digits or signs."""


def named_service(text: str, services: frozenset[str]) -> str | None:
    """The one known service that a text names; None when it names none or several."""
    found = services_in(text, services) if services else []
    return found[0] if len(found) == 1 else None


def services_in(text: str, services: frozenset[str]) -> list[str]:
    """Services that a text names, or calls as people do; where none are known, what the words around point at."""
    if services:
        exact = [name for name in sorted(services) if says(text, name)]
        return exact or _called(text, services)
    for guess in GUESSES:
        found = [hit[1] for hit in guess.finditer(text) if not NO_SERVICE.fullmatch(hit[1])]
        if found:
            return found
    return []


def says(text: str, name: str) -> bool:
    """Whether a text holds a name as a word of its own."""
    return re.search(NOT_BEFORE + re.escape(name) + NOT_AFTER, text, re.IGNORECASE) is not None


def names_in(text: str, nouns: Collection[str], services: Collection[str]) -> Iterator[str]:
    """Names that stand before or after one of the nouns.

    A plain word counts where it is a known service, or its noun is Korean: Latin letters among Korean are a name.
    """
    for noun in nouns:
        word = re.escape(noun)
        edge = r"\b" if noun.isascii() else ""
        for pattern in (
            rf"{edge}{word}{edge}{CALLED}[`'\"]?({NAME})",
            rf"{NOT_BEFORE}({NAME})[`'\"]?\s*의?\s*{word}{edge}",
        ):
            for hit in re.finditer(pattern, text, re.IGNORECASE):
                if _is_name(hit[1], korean=not noun.isascii(), services=services):
                    yield hit[1]


def could_be_named(text: str, value: str, nouns: Collection[str], services: Collection[str]) -> bool:
    """Whether somebody else's reading of a name can stand: it looks like one, or its noun is beside it."""
    if NO_NAME.fullmatch(value):
        return False
    beside = (
        rf"{re.escape(noun)}{CALLED}{re.escape(value)}|{re.escape(value)}\s*의?\s*{re.escape(noun)}" for noun in nouns
    )
    looks = value in services or DISTINCT.search(value) is not None
    return looks or any(re.search(each, text, re.IGNORECASE) for each in beside)


def words_in(text: str, allowed: JsonValue) -> Iterator[str]:
    """Those of a closed set that the text says."""
    for word in allowed if isinstance(allowed, list) else ():
        if isinstance(word, str) and says(text, word):
            yield word


def _is_name(word: str, *, korean: bool, services: Collection[str]) -> bool:
    if NO_NAME.fullmatch(word) or re.fullmatch(r"[\d.]+", word):
        return False
    return korean or word in services or DISTINCT.search(word) is not None


def _called(text: str, services: frozenset[str]) -> list[str]:
    """By what people call them: Korean words as they stand, English ones only before `service` or `API`."""
    return [
        name
        for name in sorted(services)
        if any(
            re.search(
                rf"\b{word}\s+{SERVICE_NOUN}\b" if word.isascii() else rf"(?<![가-힣]){word}", text, re.IGNORECASE
            )
            for word in COMMON.get(name.lower(), ())
        )
    ]
