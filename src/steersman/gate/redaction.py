"""Secrets out of everything that is journaled, traced or said. The one place where that is done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation

GONE = "[redacted]"
MIN_LENGTH = 6
"""Known secrets shorter than this are not searched for: they would redact ordinary words."""

KEY_NAME = re.compile(
    r"(^|[_\-.])(pass(word|wd|phrase)?|secret|secret_?id|token|api_?key|apikey|access_?key|private_?key|credentials?|auth(orization)?|"
    r"client_?secret|session_?key|cookie|dsn|connection_?string)$",
    re.IGNORECASE,
)
FORMATS = re.compile(
    r"""(?x)
    -----BEGIN[ A-Z0-9]*PRIVATE\ KEY-----.*?(?:-----END[ A-Z0-9]*PRIVATE\ KEY-----|\Z)      # PEM
  | \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b                                                  # AWS access key id
  | \bAIza[0-9A-Za-z_\-]{35}                                                                 # Google API key
  | \bya29\.[0-9A-Za-z_\-]{20,}                                                              # Google OAuth
  | \bgh[pousr]_[0-9A-Za-z]{36,}                                                             # GitHub
  | \bgithub_pat_[0-9A-Za-z_]{40,}
  | \bgl(?:pat|ptt|rt|dt|cbt|ft|soat|agent)-[0-9A-Za-z_\-]{20,}                              # GitLab
  | \bglsa_[0-9A-Za-z]{32}_[0-9A-Fa-f]{8}                                                    # Grafana
  | \bglc_[0-9A-Za-z+/]{32,}={0,2}
  | \bhv[sbr]\.[0-9A-Za-z_\-]{24,}                                                           # Vault, OpenBao
  | \b[sb]\.[0-9A-Za-z]{24}\b
  | \bxox[abeoprs]-[0-9A-Za-z\-]{10,}                                                        # Slack
  | \bhttps://hooks\.slack\.com/(?:services|workflows)/[0-9A-Za-z/+]{30,}
  | \bsk-(?:ant-|proj-|svcacct-)?[0-9A-Za-z_\-]{20,}                                         # OpenAI, Anthropic
  | \b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}                                                   # Stripe
  | \bSG\.[0-9A-Za-z_\-]{20,}\.[0-9A-Za-z_\-]{20,}                                           # SendGrid
  | \bnpm_[0-9A-Za-z]{36}\b
  | \bpypi-[0-9A-Za-z_\-]{50,}
  | \bdckr_pat_[0-9A-Za-z_\-]{20,}
  | \bdop_v1_[0-9a-f]{64}\b
  | \beyJ[0-9A-Za-z_\-]{8,}\.eyJ[0-9A-Za-z_\-]{8,}\.[0-9A-Za-z_\-]*                          # JWT
  | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)                                                          # user:password@host
  | (?<=[Bb]earer\ )[0-9A-Za-z_\-.=+/~]{12,}
  | (?<=[Bb]asic\ )[0-9A-Za-z+/]{12,}={0,2}
    """,
    re.DOTALL,
)
ASSIGNED = re.compile(
    r"(?i)\b(password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)(\"?\s*[=:]\s*\"?)([^\s\"',;&}]{6,})"
)


@dataclass(slots=True)
class Redactor:
    """Knows secret values, secret names and secret formats."""

    _values: set[str] = field(default_factory=set)
    _pattern: re.Pattern[str] | None = None

    def learn(self, values: Iterable[str]) -> None:
        """Values that must never be seen again, for example what a secret reference resolved to."""
        self._values |= {value for value in values if len(value) >= MIN_LENGTH}
        longest_first = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        shown = self._pattern.sub(GONE, text) if self._pattern else text
        shown = FORMATS.sub(GONE, shown)
        return ASSIGNED.sub(lambda m: f"{m[1]}{m[2]}{GONE}", shown)

    def value(self, value: JsonValue) -> JsonValue:
        """The value without secrets: by key name, by known value, by format."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: GONE if _names_a_secret(key, item) else self.value(item) for key, item in value.items()}
        return value

    def document(self, document: JsonObject) -> JsonObject:
        """An object without secrets."""
        return {key: GONE if _names_a_secret(key, item) else self.value(item) for key, item in document.items()}

    def arguments(self, operation: Operation, arguments: JsonObject) -> JsonObject:
        """Arguments without secrets: those that the operation declares, and those that are found."""
        kept = {key: GONE if key in operation.secret_arguments else item for key, item in arguments.items()}
        return self.document(kept)


def _names_a_secret(key: str, value: JsonValue) -> bool:
    return isinstance(value, str) and bool(value) and KEY_NAME.search(key) is not None
