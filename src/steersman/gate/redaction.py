"""Secrets out of everything that is journaled, traced or said. The one place where that is done.

By what is known of a value, surest first: that code declared the argument secret, that it is a secret somebody
registered (also in base64 or percent-encoding), that its key is named like a secret, that it looks like one.
The formats are those of gitleaks that name their issuer by a prefix, which makes false alarms rare; entropy is not
looked at, because digests and ids are what this domain is full of.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

from pydantic import JsonValue

from steersman.domain.errors import SteersmanError
from steersman.domain.event import CallIntended, Decided, Event
from steersman.domain.fact import JsonObject, canonical
from steersman.domain.ids import ResourceId
from steersman.domain.operation import Operation
from steersman.domain.reference import is_reference

MARK = "[redacted"
MIN_LENGTH = 6
"""Known secrets shorter than this are not searched for: they would redact ordinary words."""

CAUSES = 8
"""So many errors behind an error are searched for secrets."""

KEY_NAME = re.compile(
    r"(^|_)(pass(word|wd|phrase|code)?s?|pwd|secret_?(id|key|access_?key)?s?|(access_?|auth_?|bearer_?|refresh_?|id_?)?token|"
    r"api_?keys?|access_?keys?|private_?keys?|encryption_?keys?|signing_?keys?|credentials?|auth(orization)?|client_?secret|"
    r"session_?(key|id)|cookies?|dsn|connection_?string|otp|pin)$",
    re.IGNORECASE,
)
HARMLESS_NAME = re.compile(r"(^|_)(restart|renewal|pruned|next|page|continue|sync)_token$", re.IGNORECASE)
"""What is called a token and is none: it marks a change, or a place in a list."""
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]")
"""Where the words of a key part."""

FORMATS = re.compile(
    r"""(?x)
    -----BEGIN[ A-Z0-9]*PRIVATE\ KEY(?:\ BLOCK)?-----.*?(?:-----END[ A-Z0-9]*PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)  # PEM
  | \b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b                                      # AWS access key id
  | \bAIza[0-9A-Za-z_\-]{35}                                                                 # Google API key
  | \bya29\.[0-9A-Za-z_\-]{20,}                                                              # Google OAuth
  | \bgh[pousr]_[0-9A-Za-z]{36,}                                                             # GitHub
  | \bgithub_pat_[0-9A-Za-z_]{40,}
  | \bgl(?:pat|ptt|rt|dt|cbt|ft|soat|agent|oas|imt|ffct)-[0-9A-Za-z_\-]{20,}                 # GitLab
  | \bGR1348941[0-9A-Za-z_\-]{20,}
  | \bglsa_[0-9A-Za-z]{32}_[0-9A-Fa-f]{8}                                                    # Grafana
  | \bglc_[0-9A-Za-z+/]{32,}={0,2}
  | \beyJrIjoi[0-9A-Za-z]{70,}={0,3}
  | \bhv[sbr]\.[0-9A-Za-z_\-]{24,}                                                           # Vault, OpenBao
  | \b[sb]\.[0-9A-Za-z]{24}\b
  | \b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z\-_=]{60,70}                                       # Terraform
  | \bxox[abeoprs]-[0-9A-Za-z\-]{10,}                                                        # Slack
  | \bxapp-\d-[0-9A-Z]+-\d+-[0-9a-z]+
  | \bhttps://hooks\.slack\.com/(?:services|workflows|triggers)/[0-9A-Za-z/+]{30,}
  | \bsk-(?:ant-|proj-|svcacct-|admin-)?[0-9A-Za-z_\-]{20,}                                  # OpenAI, Anthropic
  | \bhf_[A-Za-z]{34}\b                                                                      # Hugging Face
  | \b[rs]k_(?:live|test|prod)_[0-9A-Za-z]{10,}                                              # Stripe
  | \bSG\.[0-9A-Za-z_\-]{20,}\.[0-9A-Za-z_\-]{20,}                                           # SendGrid
  | \bnpm_[0-9A-Za-z]{36}\b
  | \bpypi-[0-9A-Za-z_\-]{50,}
  | \bdckr_(?:pat|oat)_[0-9A-Za-z_\-]{20,}
  | \bdo[opr]_v1_[0-9a-f]{64}\b                                                              # DigitalOcean
  | \bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b                                                       # Postman
  | \bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}
  | \bNRAK-[0-9A-Z]{27}\b                                                                    # New Relic
  | \bpul-[0-9a-f]{40}\b                                                                     # Pulumi
  | \bdapi[0-9a-f]{32}(?:-\d)?\b                                                             # Databricks
  | \bshp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}\b                                                   # Shopify
  | \blin_(?:api|oauth)_[0-9A-Za-z]{32,}                                                     # Linear
  | \b[0-9]{8,10}:A[0-9A-Za-z_\-]{34}\b                                                      # Telegram
  | \bSK[0-9a-f]{32}\b                                                                       # Twilio
  | \b(?:pub)?key-[0-9a-f]{32}\b                                                             # Mailgun
  | \brubygems_[0-9a-f]{48}\b
  | \bops_eyJ[0-9A-Za-z+/]{250,}={0,3}                                                       # 1Password
  | \beyJ[0-9A-Za-z_\-]{8,}\.eyJ[0-9A-Za-z_\-]{8,}\.[0-9A-Za-z_\-]*                          # JWT
  | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)                                                          # user:password@host
  | (?<=[Bb]earer\ )[0-9A-Za-z_\-.=+/~]{12,}
  | (?<=[Bb]asic\ )[0-9A-Za-z+/]{12,}={0,2}
    """,
    re.DOTALL,
)
ASSIGNED = re.compile(
    r"(?i)(password|passwd|pwd|secret|token|(?:api|access|private|secret|account)[_-]?key)"
    r"(\\?[\"']?\s*(?:=>|=|:)\s*\\?[\"']?)(?!\[redacted)([^\s\"',;&}\\]{6,})"
)
ANCHORS = tuple(
    """
    -----BEGIN A3T AKIA ASIA ABIA ACCA AIza ya29. ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- glptt- glrt- gldt- glcbt-
    glft- glsoat- glagent- gloas- glimt- glffct- GR1348941 glsa_ glc_ eyJ hvs. hvb. hvr. s. b. .atlasv1. xox xapp-
    hooks.slack.com sk- hf_ k_live_ k_test_ k_prod_ SG. npm_ pypi- dckr_ _v1_ PMAK- AGE-SECRET-KEY-1 NRAK- pul- ://
    earer asic dapi shpat_ shpca_ shppa_ shpss_ lin_api_ lin_oauth_ :A SK key- rubygems_
    """.split()
)
"""Every format holds one of these. Nearly no text does, and what does not is not searched: forty times faster."""
ASSIGNMENTS = ("passw", "pwd", "secret", "token", "key")
"""The same for assignments, in small letters."""
SHORTEST = 12
"""No format and no assignment is shorter."""

REMEMBERED = 4_096
"""Short texts without secrets, which come again and again: names, states, arguments."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Redactor:
    """Knows secret values, secret names and secret formats.

    What it takes out leaves a mark that is the same for the same secret under one key: so two states that differ in a
    secret still differ, and nobody can guess the secret from its mark.
    """

    _key: bytes = field(default_factory=lambda: os.urandom(32))
    _values: set[str] = field(default_factory=set)
    _pattern: re.Pattern[str] | None = None
    _clean: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"Redactor({len(self._values)} known values)"

    def use(self, key: bytes) -> None:
        """Marks are made with this key from now on: the same in each process that shares a journal."""
        self._key = key

    def learn(self, values: Iterable[str]) -> None:
        """Values that must never be seen again, for example what a secret reference resolved to."""
        for value in values:
            if len(value) >= MIN_LENGTH:
                self._values |= {value, quote(value, safe=""), base64.b64encode(value.encode()).decode().rstrip("=")}
        longest_first = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._clean.clear()

    def text(self, text: str) -> str:
        """The text without secrets."""
        if text in self._clean:
            return text
        shown = self._searched(text)
        if shown == text and len(text) <= REMEMBERED:
            if len(self._clean) >= REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return shown

    def _searched(self, text: str) -> str:
        shown = self._pattern.sub(self._of_match, text) if self._pattern else text
        if len(shown) < SHORTEST:
            return shown
        if any(map(shown.__contains__, ANCHORS)):
            shown = FORMATS.sub(self._of_match, shown)
        if any(map(shown.lower().__contains__, ASSIGNMENTS)):
            shown = ASSIGNED.sub(lambda m: f"{m[1]}{m[2]}{self.mark(m[3])}", shown)
        return shown

    def value(self, value: JsonValue) -> JsonValue:
        """The value without secrets: by key name, by known value, by format."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self.document(value) if isinstance(value, dict) else value

    def document(self, document: JsonObject) -> JsonObject:
        """An object without secrets."""
        return {
            self.text(key): self.mark(item) if _names_a_secret(key, item) else self.value(item)
            for key, item in document.items()
        }

    def arguments(self, operation: Operation, arguments: JsonObject) -> JsonObject:
        """Arguments without secrets: those that the operation declares, and those that are found.

        A declared reference keeps its text, whatever it is called: it says where a secret lies, and the look that
        finds out what became of a call needs it.
        """
        properties = operation.input_schema.get("properties")
        fields = properties if isinstance(properties, dict) else {}
        shown: JsonObject = {}
        for key, item in arguments.items():
            if key in operation.secret_arguments:
                shown[key] = self.mark(item)
            elif is_reference(fields.get(key)):
                shown[key] = self.value(item)
            else:
                shown |= self.document({key: item})
        return shown

    def holds_secret(self, value: JsonValue) -> bool:
        """Whether some text in the value is a known secret or looks like one; names are not gone by."""
        if isinstance(value, str):
            return self.text(value) != value
        parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
        return any(self.holds_secret(part) for part in parts)

    def line(self, event: Event) -> Event:
        """A line for the journal whose target, which arguments name, shows no secret."""
        if isinstance(event, (Decided, CallIntended)):
            return event.model_copy(update={"resource": ResourceId(self.text(event.resource))})
        return event

    def scrub(self, error: BaseException) -> None:
        """Takes secrets out of an error and of those behind it, in place: whoever shows or logs it shows none."""
        here: BaseException | None = error
        for _ in range(CAUSES):
            if here is None:
                return
            if here.args and all(isinstance(arg, str) for arg in here.args):
                here.args = tuple(self.text(arg) for arg in here.args)
            elif not isinstance(here, SteersmanError):
                here = error.__cause__ = None  # it may hold anything, and its class stands in our message
                return
            here = here.__cause__

    def mark(self, secret: JsonValue) -> str:
        """What stands in the place of a secret."""
        if isinstance(secret, str) and is_marked(secret):
            return secret
        return f"{MARK} {hmac.digest(self._key, canonical(secret), 'sha256').hex()[:8]}]"

    def _of_match(self, match: re.Match[str]) -> str:
        return self.mark(match[0])


def is_marked(text: str) -> bool:
    """Whether something was taken out of a text."""
    return MARK in text


def _names_a_secret(key: str, value: JsonValue) -> bool:
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return False
    return _is_secret_name(key)


@lru_cache(maxsize=4_096)
def _is_secret_name(key: str) -> bool:
    words = CAMEL.sub("_", key)
    return KEY_NAME.search(words) is not None and HARMLESS_NAME.search(words) is None
