import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import ConfigError
from steersman.domain.ids import OperationName, PrincipalId, ResourceId
from steersman.domain.policy import PolicyRequest, Requirement
from steersman.policy.cases import run_tests
from steersman.policy.engine import load
from steersman.policy.schema import WORDS

POLICY = load()
LAXER = load(("op.yaml", {"rules": [{"id": "all", "effect": "allow", "when": "true", "reason": "all"}]}))
STERN = load(("op.yaml", {"rules": [{"id": "none", "effect": "deny", "when": "true", "reason": "no"}]}))
NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)

requests = st.builds(
    PolicyRequest,
    principal=st.builds(
        Principal,
        id=st.just("local:min"),
        kind=st.sampled_from(WORDS["principal_kind"]),
        roles=st.frozensets(st.sampled_from(["operator", "admin", "approver", "viewer"])),
    ),
    operation=st.just("kubernetes.set_image"),
    toolset=st.just("kubernetes"),
    effect=st.sampled_from(WORDS["effect"]),
    reversible=st.booleans(),
    blast_radius=st.sampled_from(WORDS["blast_radius"]),
    resource=st.sampled_from(["kubernetes/shop/payments", "kubernetes/kube-system/dns", "s3/backup/db"]),
    environment=st.builds(
        Environment,
        kind=st.just("kubernetes"),
        name=st.just("a"),
        uid=st.just("b"),
        url=st.just(""),
        tier=st.sampled_from(WORDS["tier"]),
    ),
    mode=st.sampled_from(WORDS["mode"]),
    route=st.sampled_from(WORDS["route"]),
    planner=st.sampled_from(WORDS["planner"]),
    frozen=st.booleans(),
    protected=st.booleans(),
    at=st.just(NOON),
)
LAX = {"allow": 0, "require_approval": 1, "deny": 2}


def demand(request: PolicyRequest) -> tuple[int, int, bool]:
    decision = POLICY.decide(request)
    wanted = decision.requirement
    return LAX[decision.effect], wanted.count if wanted else 0, bool(wanted and wanted.not_requester)


def person(name: str, *roles: str, kind: str = "human") -> Principal:
    return Principal(id=PrincipalId(name), kind=kind, roles=frozenset(roles))  # type: ignore[arg-type]


@given(requests)
def test_no_write_is_ever_allowed_in_read_only_or_suggest(request: PolicyRequest) -> None:
    for mode in ("read-only", "suggest"):
        decision = POLICY.decide(request.model_copy(update={"mode": mode}))
        assert request.effect == "read" or decision.effect == "deny"


@given(requests)
def test_a_change_that_cannot_be_undone_never_needs_less(request: PolicyRequest) -> None:
    reversible = request.model_copy(update={"reversible": True})
    assert demand(request.model_copy(update={"reversible": False})) >= demand(reversible)


@given(requests)
def test_production_never_needs_less_than_the_lab(request: PolicyRequest) -> None:
    tiers = [request.environment.model_copy(update={"tier": tier}) for tier in ("lab", "staging", "prod")]
    demands = [demand(request.model_copy(update={"environment": each})) for each in tiers]
    assert demands == sorted(demands) or request.mode == "autonomous"
    assert demands[0] <= demands[2]


@given(requests)
def test_what_was_demanded_for_a_write_is_demanded_for_destruction(request: PolicyRequest) -> None:
    write = request.model_copy(update={"effect": "write"})
    assert demand(request.model_copy(update={"effect": "destructive"})) >= demand(write)


@given(requests)
def test_an_allow_rule_of_an_operator_never_overrides_a_forbid_or_a_demand(request: PolicyRequest) -> None:
    before, after = POLICY.decide(request), LAXER.decide(request)
    assert after.effect == before.effect or (before.rule == "default" and after.rule == "all")


@given(requests)
def test_frozen_and_protected_writes_are_denied_but_undo_goes_on(request: PolicyRequest) -> None:
    if request.effect != "read" and (request.frozen or request.protected) and request.route != "undo":
        assert POLICY.decide(request).effect == "deny"


@given(requests)
def test_agents_never_write_outside_of_a_plan(request: PolicyRequest) -> None:
    if request.principal.kind == "agent" and request.effect != "read" and request.route not in ("plan", "undo"):
        assert POLICY.decide(request).effect == "deny"


def test_the_shipped_tests_pass() -> None:
    results = run_tests(POLICY)
    assert results
    assert all(result.passed for result in results)


def test_a_rule_that_fails_at_run_time_denies() -> None:
    rule = {"id": "odd", "effect": "allow", "when": "12 / (9 - hour) > 100", "reason": "x"}
    request = _any_read().model_copy(update={"at": NOON.replace(hour=9)})
    decision = load(("op.yaml", {"rules": [rule]})).decide(request)
    assert (decision.effect, decision.rule) == ("deny", "odd")


def _any_read() -> PolicyRequest:
    return PolicyRequest(
        principal=person("local:min", "operator"),
        operation=OperationName("lab.get"),
        toolset="lab",
        effect="read",
        reversible=True,
        blast_radius="none",
        resource=ResourceId(""),
        environment=Environment(kind="lab", name="a", uid="b", url="", tier="lab"),
        mode="review",
        route="cli",
        planner="none",
        frozen=False,
        protected=False,
        at=NOON,
    )


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ('tier == "production"', "tier is never 'production'"),
        ('teir == "prod"', "did you mean 'tier'"),
        ("effect", "not true or false"),
        ('hour > "a"', "hour (int) and the right side (text) do not go together by '>'"),
        ('hour == "9"', "do not go together"),
        ('"9" == hour', "do not go together"),
        ('reversible == "true"', "do not go together"),
        ('roles == "admin"', "do not go together"),
        ('"production" == tier', "tier is never 'production'; known are lab, prod, staging"),
        ('!(tier in ["prod", "stage"])', "tier is never 'stage'"),
        ('effect in roles || hour in [1, "2"]', "either texts or numbers"),
        ("12 / (12 - hour) > 0", "fails for some requests"),
        ('resource.matches("[")', "fails for some requests"),
        ('resource.startWith("a")', "did you mean 'startsWith'"),
        ("size(hour) > 1", "wants a text or list"),
        ("hour + tier == 3", "'+' wants int, and tier is text"),
        ("reversible && hour", "'&&' wants bool, and hour is int"),
        ('roles.exists(r, r == "a")', "unknown method 'exists'"),
        ('(tier == "prod"', "not a CEL expression"),
        ("tier ? true : false", "cannot be used in a rule"),
        ("effect ==", "not a CEL expression"),
    ],
)
def test_a_bad_rule_is_refused_when_loaded(when: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"op\.yaml: rule 'bad'") as caught:
        load(("op.yaml", {"rules": [{"id": "bad", "effect": "deny", "when": when, "reason": "x"}]}))
    assert says in str(caught.value)


def test_shipped_rules_cannot_be_replaced() -> None:
    with pytest.raises(ConfigError, match="never replaced"):
        load(("op.yaml", {"rules": [{"id": "deny-frozen", "effect": "allow", "when": "true", "reason": "x"}]}))


def test_the_protected_set_is_extended_and_never_shrunk() -> None:
    wider = load(("op.yaml", {"protected": ["lab/route/payments"]}))
    backups = ResourceId("s3/backup/db")
    assert wider.is_protected(ResourceId("lab/route/payments"), OperationName("lab.set_weights"))
    assert wider.is_protected(backups, OperationName("s3.delete"))
    assert wider.digest != POLICY.digest


def test_the_digest_is_the_same_in_every_process() -> None:
    assert load().digest == POLICY.digest


def test_a_freeze_past_midnight_belongs_to_the_day_it_opened() -> None:
    policy = load(
        (
            "op.yaml",
            {"freezes": [{"id": "fri", "days": ["fri"], "opens": "18:00", "closes": "06:00", "zone": "Asia/Seoul"}]},
        )
    )
    prod = Environment(kind="k", name="n", uid="u", url="", tier="prod")
    friday_19_seoul = datetime(2026, 11, 27, 10, tzinfo=UTC)
    assert policy.is_frozen(friday_19_seoul, prod)
    assert policy.is_frozen(friday_19_seoul.replace(hour=20), prod)  # Saturday 05:00 in Seoul
    assert not policy.is_frozen(friday_19_seoul.replace(hour=8), prod)
    assert not policy.is_frozen(friday_19_seoul, prod.model_copy(update={"tier": "staging"}))


def test_who_may_approve() -> None:
    others = Requirement(count=1, roles=frozenset({"approver"}), not_requester=True)
    requester = PrincipalId("local:min")
    assert POLICY.may_approve(person("local:kim", "approver"), others, requester)
    assert not POLICY.may_approve(person("local:min", "approver"), others, requester)
    assert not POLICY.may_approve(person("local:kim", "operator"), others, requester)
    assert not POLICY.may_approve(person("bot", "approver", kind="agent"), others, requester)


@given(requests)
def test_a_wider_radius_never_needs_less(request: PolicyRequest) -> None:
    wider = ("none", "instance", "service", "namespace", "environment")
    demands = [demand(request.model_copy(update={"blast_radius": radius})) for radius in wider]
    assert demands == sorted(demands)


@given(requests)
def test_more_effect_never_needs_less(request: PolicyRequest) -> None:
    demands = [demand(request.model_copy(update={"effect": effect})) for effect in ("read", "write", "destructive")]
    assert demands == sorted(demands) or request.route == "undo"


@given(requests)
def test_what_a_model_planned_never_needs_less(request: PolicyRequest) -> None:
    by_model = request.model_copy(update={"planner": "model"})
    assert demand(by_model) >= demand(request.model_copy(update={"planner": "htn"}))


@given(requests, st.sampled_from(["cli", "mcp", "openapi", "healing"]))
def test_outside_of_a_plan_never_needs_less(request: PolicyRequest, route: str) -> None:
    assert demand(request.model_copy(update={"route": route})) >= demand(request.model_copy(update={"route": "plan"}))


@given(requests)
def test_outside_of_the_lab_nobody_approves_what_he_asked_for(request: PolicyRequest) -> None:
    decision = POLICY.decide(request)
    if decision.requirement is not None and request.environment.tier != "lab":
        assert decision.requirement.not_requester
        assert not POLICY.may_approve(request.principal, decision.requirement, request.principal.id)


@given(requests)
def test_somebody_without_roles_gets_nothing_but_undo(request: PolicyRequest) -> None:
    nobody = request.model_copy(update={"principal": person("x")})
    assert POLICY.decide(nobody).effect == "deny" or request.route == "undo"


@given(requests)
def test_a_rule_that_forbids_always_wins(request: PolicyRequest) -> None:
    assert STERN.decide(request).effect == "deny"


@given(requests)
def test_explaining_agrees_with_deciding(request: PolicyRequest) -> None:
    decision = POLICY.decide(request)
    matching = {rule.id for rule, match in POLICY.explain(request) if match == "matches"}
    assert decision.rule in matching or (decision.rule == "default" and decision.effect == "deny")


@pytest.mark.parametrize(
    "resource",
    [
        "vault/secret/sys/auth",
        "vault/secret//sys/auth",
        "vault/secret/app/../sys/auth",
        "vault/secret/./sys",
        "vault/secret/%73ys/auth",
        "vault/secret/%2573ys/auth",
        "vault/secret/SYS/auth",
        "vault/secret/ sys /auth",
        "vault/secret/\uff53ys/auth",
        "vault\\secret\\sys\\auth",
        "kubernetes/quota/kube-system",
        "kubernetes/deployment/kube-system/dns",
        "postgres/backup/shop/today",
        "forge/file/shop/main/.github/workflows/ci.yml",
        "forge/file/shop/main/.GitHub/Workflows/ci.yml",
        "steersman/journal",
    ],
)
def test_the_protected_set_is_not_escaped_by_spelling(resource: str) -> None:
    assert POLICY.is_protected(ResourceId(resource), OperationName("x.set"))


@pytest.mark.parametrize(
    "resource", ["lab/route/payments", "vault/secret/app/system", "kubernetes/deployment/shop/api"]
)
def test_ordinary_things_are_not_protected(resource: str) -> None:
    assert not POLICY.is_protected(ResourceId(resource), OperationName("x.set"))


def test_roles_that_exclude_each_other_are_a_denial_that_says_so() -> None:
    rule = {
        "id": "security",
        "effect": "require_approval",
        "when": 'effect != "read"',
        "reason": "x",
        "approvals": {"roles": ["security"]},
    }
    request = _any_read().model_copy(update={"effect": "write", "route": "plan"})
    decision = load(("op.yaml", {"rules": [rule]})).decide(request)
    assert decision.effect == "deny"
    assert "exclude each other" in decision.reason


def test_a_case_that_does_not_hold_is_shown() -> None:
    case = {"name": "wrong", "request": {"effect": "write", "mode": "read-only"}, "expect": "allow"}
    failed = [each for each in run_tests(load(("op.yaml", {"tests": [case]}))) if not each.passed]
    assert [(each.case.name, each.decision.rule) for each in failed] == [("wrong", "deny-read-only")]


def test_a_malformed_case_is_refused() -> None:
    case = {"name": "odd", "request": {"effect": "explode"}, "expect": "deny"}
    with pytest.raises(ConfigError, match="policy test 'odd'"):
        run_tests(load(("op.yaml", {"tests": [case]})))


@pytest.mark.parametrize(
    "freeze",
    [
        {"id": "x"},
        {"id": "x", "days": ["fri"], "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
        {"id": "x", "days": ["fri"], "zone": "Asia/Seul"},
        {"id": "x", "days": ["friday"]},
        {"id": "x", "days": ["fri"], "unknown": 1},
    ],
)
def test_a_malformed_freeze_is_refused_naming_the_file(freeze: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"op\.yaml: freezes\.0"):
        load(("op.yaml", {"freezes": [freeze]}))  # type: ignore[dict-item]


def test_a_freeze_by_dates_ends_when_it_says() -> None:
    dates = {"id": "xmas", "start": "2026-12-24T00:00:00Z", "end": "2026-12-27T00:00:00Z", "tiers": ["prod", "staging"]}
    policy = load(("op.yaml", {"freezes": [dates]}))
    staging = Environment(kind="k", name="n", uid="u", url="", tier="staging")
    assert policy.is_frozen(datetime(2026, 12, 24, tzinfo=UTC), staging)
    assert not policy.is_frozen(datetime(2026, 12, 27, tzinfo=UTC), staging)


def test_the_example_in_the_docs_loads_and_its_tests_pass() -> None:
    page = (Path(__file__).parents[3] / "docs" / "policy.md").read_text()
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    policy = load(("my-rules.yaml", yaml.safe_load(example)))
    results = run_tests(policy)
    assert len(results) > len(run_tests(POLICY))
    assert [each.case.name for each in results if not each.passed] == []


def test_a_case_at_a_frozen_time_is_frozen() -> None:
    freeze = {"id": "wed", "days": ["wed"], "tiers": ["lab"]}
    case = {"name": "on a wednesday", "request": {}, "expect": "deny"}
    result = run_tests(load(("op.yaml", {"freezes": [freeze], "tests": [case]})))[-1]
    assert (result.passed, result.decision.rule) == (True, "deny-frozen")
