"""Made-up secrets in the formats of their issuers, to be put in everywhere and found nowhere.

The formats are those of gitleaks (MIT, Copyright (c) 2019 Zachary Rice); none of these was ever valid.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

WORD = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"
BASE32 = string.ascii_uppercase + "234567"
SHORTEST_PIECE = 16
"""So many characters of a secret in a row are as good as the secret."""


def canaries(seed: int = 1) -> Mapping[str, str]:
    """Forty secrets by the name of their format; each seed gives others."""
    rng = random.Random(seed)  # noqa: S311 - made-up secrets that can be made again

    def some(alphabet: str, count: int) -> str:
        return "".join(rng.choice(alphabet) for _ in range(count))

    return {**_infrastructure(some), **_services(some)}


def _infrastructure(some: Callable[[str, int], str]) -> dict[str, str]:
    return {
        "aws-access-key-id": "AKIA" + some(BASE32, 16),
        "aws-session-key-id": "ASIA" + some(BASE32, 16),
        "gcp-api-key": "AIza" + some(WORD, 35),
        "google-oauth": "ya29." + some(WORD, 60),
        "github-pat": "ghp_" + some(WORD, 36),
        "github-app-token": "ghs_" + some(WORD, 36),
        "github-fine-grained-pat": "github_pat_" + some(WORD, 82),
        "gitlab-pat": "glpat-" + some(WORD, 20),
        "gitlab-runner-token": "glrt-" + some(WORD, 20),
        "grafana-service-account": "glsa_" + some(WORD, 32) + "_" + some(HEX, 8),
        "grafana-cloud": "glc_" + some(WORD, 48),
        "vault-service-token": "hvs." + some(WORD, 90),
        "vault-batch-token": "hvb." + some(WORD, 140),
        "openbao-token": "s." + some(WORD, 24),
        "terraform-cloud": some(WORD, 14) + ".atlasv1." + some(WORD, 64),
        "slack-bot": "xoxb-" + some(string.digits, 12) + "-" + some(string.digits, 12) + "-" + some(WORD, 24),
        "slack-app": "xapp-1-" + some(BASE32, 11) + "-" + some(string.digits, 12) + "-" + some(LOWER, 64),
        "slack-webhook": "https://hooks.slack.com/services/T"
        + some(BASE32, 9)
        + "/B"
        + some(BASE32, 9)
        + "/"
        + some(WORD, 24),
    }


def _services(some: Callable[[str, int], str]) -> dict[str, str]:
    return {
        "openai": "sk-proj-" + some(WORD, 48),
        "anthropic": "sk-ant-api03-" + some(WORD, 93) + "AA",
        "huggingface": "hf_" + some(string.ascii_letters, 34),
        "stripe": "sk_live_" + some(WORD, 24),
        "sendgrid": "SG." + some(WORD, 22) + "." + some(WORD, 43),
        "npm": "npm_" + some(WORD, 36),
        "pypi": "pypi-AgEIcHlwaS5vcmc" + some(WORD, 70),
        "docker-pat": "dckr_pat_" + some(WORD, 27),
        "digitalocean": "dop_v1_" + some(HEX, 64),
        "postman": "PMAK-" + some(HEX, 24) + "-" + some(HEX, 34),
        "age-secret-key": "AGE-SECRET-KEY-1" + some("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
        "new-relic": "NRAK-" + some(string.ascii_uppercase + string.digits, 27),
        "pulumi": "pul-" + some(HEX, 40),
        "jwt": "eyJ" + some(WORD, 33) + ".eyJ" + some(WORD, 60) + "." + some(WORD, 43),
        "private-key": "\n".join(
            ("-----BEGIN RSA PRIVATE KEY-----", some(WORD, 64), some(WORD, 64), "-----END RSA PRIVATE KEY-----")
        ),
        "databricks": "dapi" + some(HEX, 32),
        "shopify": "shpat_" + some(HEX, 32),
        "linear": "lin_api_" + some(WORD, 40),
        "telegram-bot": some(string.digits, 9) + ":A" + some(WORD, 34),
        "twilio": "SK" + some(HEX, 32),
        "mailgun": "key-" + some(HEX, 32),
        "rubygems": "rubygems_" + some(HEX, 48),
    }


def spelled(secret: str) -> Iterator[bytes]:
    """The secret as it may be found in files and output: plain, in JSON, percent-encoded, in base64, and in part."""
    core = max(secret.splitlines(), key=len)
    for text in (secret, core, json.dumps(secret)[1:-1], quote(secret, safe="")):
        yield text.encode()
    yield base64.b64encode(secret.encode()).rstrip(b"=")
    if len(core) > 2 * SHORTEST_PIECE:
        yield core[-SHORTEST_PIECE:].encode()


def found_in(data: bytes, secrets: Mapping[str, str]) -> list[str]:
    """The names of those that occur in some spelling."""
    return [name for name, secret in secrets.items() if any(each in data for each in spelled(secret))]


def found_under(folder: Path, secrets: Mapping[str, str], *, leave_out: Iterable[Path] = ()) -> dict[str, list[str]]:
    """Files below a folder, read as raw bytes, with the names of those that occur in them."""
    skipped = set(leave_out)
    leaks: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path not in skipped:
            found = found_in(path.read_bytes(), secrets)
            if found:
                leaks[str(path.relative_to(folder))] = found
    return leaks
