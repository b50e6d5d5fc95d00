"""Secrets out of what is journaled, traced and said."""

import base64
import json
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gate.bench import STORE, bench, call

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.operation import Operation
from steersman.domain.reference import VAULT
from steersman.gate.redaction import MARK, Redactor, is_marked
from steersman.testing.toolset import Twist

RNG = random.Random(7)


def chars(alphabet: str, count: int) -> str:
    return "".join(RNG.choice(alphabet) for _ in range(count))


WORD = string.ascii_letters + string.digits
HEX = string.hexdigits[:16]
SECRETS = {
    "aws": "AKIA" + chars("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    "google": "AIza" + chars(WORD, 35),
    "github": "ghp_" + chars(WORD, 36),
    "github fine": "github_pat_" + chars(WORD, 82),
    "gitlab": "glpat-" + chars(WORD, 20),
    "grafana": "glsa_" + chars(WORD, 32) + "_" + chars(HEX, 8),
    "vault": "hvs." + chars(WORD, 90),
    "vault old": "s." + chars(WORD, 24),
    "terraform": chars(WORD, 14) + ".atlasv1." + chars(WORD, 64),
    "slack": "xoxb-" + chars(string.digits, 12) + "-" + chars(WORD, 24),
    "slack hook": "https://hooks.slack.com/services/" + chars(WORD, 44),
    "openai": "sk-proj-" + chars(WORD, 48),
    "anthropic": "sk-ant-api03-" + chars(WORD, 93),
    "hugging face": "hf_" + chars(string.ascii_letters, 34),
    "stripe": "sk_live_" + chars(WORD, 24),
    "sendgrid": "SG." + chars(WORD, 22) + "." + chars(WORD, 43),
    "npm": "npm_" + chars(WORD, 36),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + chars(WORD, 60),
    "docker": "dckr_pat_" + chars(WORD, 27),
    "digitalocean": "dop_v1_" + chars(HEX, 64),
    "pulumi": "pul-" + chars(HEX, 40),
    "jwt": "eyJ" + chars(WORD, 30) + ".eyJ" + chars(WORD, 40) + "." + chars(WORD, 43),
    "pem": "-----BEGIN RSA PRIVATE KEY-----\n" + chars(WORD, 64) + "\n-----END RSA PRIVATE KEY-----",
}
HARMLESS = (
    "sha256:" + chars(HEX, 64),
    "registry.example/payments:v2@sha256:" + chars(HEX, 64),
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "550e8400-e29b-41d4-a716-446655440000",
    "lab/route/payments",
    "error_rate(payments) > 5% for 1m -> rollback",
    "max_tokens: 200000",
    "http://127.0.0.1:9090/api/v1/query?query=up",
    "kubectl -n kube-system get pods",
    "2026-11-25T12:00:00+00:00",
    "token bucket of 20 requests",
)


@pytest.mark.parametrize("name", SECRETS)
def test_known_formats_are_found_inside_of_text(name):
    shown = Redactor().text(f"before {SECRETS[name]} after")
    assert SECRETS[name] not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize("text", HARMLESS)
def test_digests_ids_and_queries_are_left_alone(text):
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter22",
        "DB_PASSWORD: 'hunter22'",
        '{"client_secret": "hunter22"}',
        "postgres://app:hunter22@db/prod",
        "Authorization: Bearer hunter22hunter22",
        "aws_secret_access_key = hunter22",
        '{\\"token\\": \\"hunter22\\"}',
    ],
)
def test_values_that_are_named_secret_in_text_are_taken_out(text):
    assert "hunter22" not in Redactor().text(text)


@pytest.mark.parametrize(
    "key", ["password", "dbPassword", "API-Key", "client_secret", "accessToken", "credentials", "X-Auth"]
)
@pytest.mark.parametrize("value", ["hunter22", 12345678, ["hunter22"], {"a": "hunter22"}])
def test_values_under_a_secret_name_are_taken_out_whatever_they_are(key, value):
    shown = Redactor().document({"deep": [{key: value}]})
    assert "hunter22" not in json.dumps(shown)
    assert "12345678" not in json.dumps(shown)


@pytest.mark.parametrize(
    "document", [{"max_tokens": 5}, {"tokens": 5}, {"password": None}, {"auth": True}, {"key": "a"}]
)
def test_other_values_stay(document):
    assert Redactor().document(document) == document


@given(st.text(min_size=6, max_size=40), st.text(max_size=20))
def test_a_known_value_is_never_seen_again(secret, around):
    redactor = Redactor()
    redactor.learn([secret])
    forms = [secret, base64.b64encode(secret.encode()).decode()]
    for form in forms:
        shown = redactor.document({"text": f"{around}{form}", "list": [form]})
        # Only what the mark itself is made of may coincide with the secret.
        assert form not in str(shown["list"]).replace(MARK, "") or form in "redacted 0123456789abcdef]["


def test_marks_tell_secrets_apart_and_are_the_same_for_the_same_under_one_key():
    one, two, other = Redactor(), Redactor(), Redactor()
    for redactor in (one, two):
        redactor.use(b"k" * 32)
    before, after = {"password": "old"}, {"password": "new"}
    assert one.document(before) == two.document(before)
    assert one.document(before) != one.document(after)
    assert one.document(before) != other.document(before)
    assert is_marked(str(one.document(before)["password"]))


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_redacting_twice_changes_nothing_more(value):
    redactor = Redactor()
    once = redactor.document({"v": value})
    assert redactor.document(once) == once


def test_hostile_text_does_not_take_long():
    redactor = Redactor()
    for hostile in (
        "://" * 50_000,
        "a_" * 50_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
        "password" * 20_000,
        "eyJ" * 50_000,
    ):
        started = time.process_time()
        redactor.text(hostile)
        assert time.process_time() - started < 1.5


async def test_no_secret_reaches_the_journal_or_the_message(tmp_path):
    secret, token = "correct horse battery", SECRETS["github"]

    async with bench(tmp_path) as b:
        b.gate._recorded.redactor.learn([secret])
        b.store.twist("get", Twist(before=ToolError(f"401 for {token} and {secret}")))
        look = call("store.get", arguments={"name": "a"}, environment=STORE)
        with pytest.raises(ToolError) as caught:
            await b.gate.call(look)
        cause = UnavailableError("busy")
        cause.__cause__ = OSError(f"connect to https://app:{secret}@db failed")
        b.store.twist("get", Twist(before=cause))
        with pytest.raises(UnavailableError) as behind:
            await b.gate.call(look)
        assert token not in str(caught.value)
        assert secret not in str(caught.value) + repr(behind.value.__cause__)
        assert "401" in str(caught.value)
    for file in tmp_path.iterdir():
        assert token.encode() not in file.read_bytes()
        assert secret.encode() not in file.read_bytes()


async def test_a_secret_argument_is_used_and_never_written(tmp_path):
    async with bench(tmp_path) as b:
        operation = b.gate.operation("store.set").model_copy(update={"secret_arguments": frozenset({"items"})})
        shown = Redactor().arguments(operation, {"name": "a", "items": ["hunter22"]})
        assert shown["name"] == "a"
        assert is_marked(str(shown["items"]))


def an_operation(**properties):
    return Operation(
        name="postgres.set_password",
        summary="x",
        effect="write",
        access="update",
        input_schema={"type": "object", "properties": properties},
        output_schema={},
    )


def test_a_declared_reference_keeps_its_text_whatever_it_is_called():
    operation = an_operation(credential={"type": "string", "pattern": VAULT}, password={"type": "string"})
    given = {"credential": "vault:shop/new#password", "password": "vault:shop/new#password"}
    shown = Redactor().arguments(operation, given)
    assert shown["credential"] == given["credential"]
    assert is_marked(shown["password"])


def test_a_known_secret_is_taken_out_of_a_reference_too():
    redactor = Redactor()
    redactor.learn(["hunter22"])
    operation = an_operation(credential={"anyOf": [{"type": "string", "pattern": VAULT}, {"type": "null"}]})
    assert "hunter22" not in str(redactor.arguments(operation, {"credential": "vault:shop/hunter22"}))
