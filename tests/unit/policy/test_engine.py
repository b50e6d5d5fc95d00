from datetime import UTC, datetime

import pytest
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
        ('hour > "a"', "not true or false"),
        ("12 / (12 - hour) > 0", "not true or false"),
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
