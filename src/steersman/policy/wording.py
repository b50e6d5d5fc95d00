"""Policy decisions in plain words, English and Korean, made by code from the decision's own fields."""

from __future__ import annotations

from typing import Literal, NamedTuple

from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.policy import PolicyDecision, Requirement

Lang = Literal["en", "ko"]


class Words(NamedTuple):
    """What a shipped rule means, and what would help."""

    en: str
    ko: str
    help_en: str
    help_ko: str


RULES: dict[str, Words] = {
    "deny-read-only": Words(
        "Steersman is in read-only mode", "읽기 전용 모드입니다",
        "set `mode: review` if changes are wanted", "변경이 필요하면 `mode: review`로 설정하세요",
    ),
    "deny-suggest": Words(
        "Steersman is in suggest mode: it plans and changes nothing", "제안 모드입니다: 계획만 하고 아무것도 바꾸지 않습니다",
        "set `mode: review` if changes are wanted", "변경이 필요하면 `mode: review`로 설정하세요",
    ),
    "deny-protected": Words(
        "the target is protected: backups, kube-system, audit data, CI workflows and Vault's own tree are never changed",
        "보호 대상입니다: 백업, kube-system, 감사 데이터, CI 워크플로, Vault의 sys는 바꾸지 않습니다",
        "nothing in the configuration takes this away; do it by hand, outside of Steersman", "설정으로 풀 수 없습니다; 필요하면 직접 하세요",
    ),
    "deny-frozen": Words(
        "a freeze window is open", "변경 동결 기간입니다",
        "wait until it is over; undo goes on meanwhile", "기간이 끝날 때까지 기다리세요; 되돌리기는 됩니다",
    ),
    "deny-agent-writes": Words(
        "agents only read; changes go through a plan", "에이전트는 읽기만 합니다; 변경은 계획을 거칩니다",
        "make a plan: `steer plan`", "계획을 만드세요: `steer plan`",
    ),
    "deny-agent-principal": Words(
        "an agent changes nothing outside of a plan", "에이전트는 계획 밖에서 아무것도 바꾸지 않습니다",
        "make a plan: `steer plan`", "계획을 만드세요: `steer plan`",
    ),
    "deny-without-role": Words(
        "only an operator or admin may ask for a change", "변경은 operator나 admin만 요청할 수 있습니다",
        "have somebody with that role ask, or configure principals.roles", "그 역할이 있는 사람이 요청하거나 principals.roles를 설정하세요",
    ),
    "review-writes": Words(
        "in review mode each change is approved", "검토 모드에서는 모든 변경에 승인이 필요합니다", "", "",
    ),
    "another-person-outside-the-lab": Words(
        "outside of the lab another person approves", "실습 환경 밖에서는 다른 사람이 승인합니다", "", "",
    ),
    "irreversible": Words("it cannot be undone", "되돌릴 수 없습니다", "", ""),
    "destructive": Words("it destroys something", "무언가를 없앱니다", "", ""),
    "two-persons": Words(
        "in production two others approve what is destructive, irreversible or wide",
        "운영 환경에서 파괴적이거나, 되돌릴 수 없거나, 범위가 넓은 변경은 다른 두 사람이 승인합니다", "", "",
    ),
    "wide": Words("its reach is wider than one service", "영향이 서비스 하나를 넘습니다", "", ""),
    "made-by-a-model": Words("a language model had a part in the plan", "언어 모델이 계획에 관여했습니다", "", ""),
    "outside-of-a-plan": Words(
        "a change outside of a plan is approved one by one", "계획 밖의 변경은 하나씩 승인합니다", "", "",
    ),
    "reads": Words("reads are allowed", "읽기는 허용됩니다", "", ""),
    "undo": Words("the approval of a plan is that of its undo", "계획의 승인은 되돌리기의 승인이기도 합니다", "", ""),
    "autonomous": Words(
        "autonomous mode allows reversible changes outside of production",
        "자율 모드는 운영 환경 밖에서 되돌릴 수 있는 변경을 허용합니다", "", "",
    ),
    "critic": Words(
        "a second opinion by a language model is stricter than the rules", "언어 모델의 검토 의견이 규칙보다 엄격합니다", "", "",
    ),
}  # fmt: skip
"""Rules of an operator speak for themselves: their `reason` is shown as it is."""

VERDICTS: dict[Lang, dict[str, str]] = {
    "en": {"allow": "Allowed", "require_approval": "Needs approval", "deny": "Denied"},
    "ko": {"allow": "허용", "require_approval": "승인 필요", "deny": "거부"},
}


def explained(decision: PolicyDecision, operation: OperationName, resource: ResourceId, *, lang: Lang) -> str:
    """One sentence: what was decided about what, why, by which rule, and what would help."""
    words = RULES.get(decision.rule)
    korean = lang == "ko"
    reason = decision.reason if words is None else words.ko if korean else words.en
    remedy = "" if words is None else words.help_ko if korean else words.help_en
    verdict = VERDICTS[lang][decision.effect]
    whom = f" — {demanded(decision.requirement, lang=lang)}" if decision.requirement else ""
    more = f". {remedy[:1].upper()}{remedy[1:]}" if remedy else ""
    return f"{verdict}: {operation} ({resource}): {reason} ({decision.rule}){whom}{more}."


def demanded(requirement: Requirement, *, lang: Lang) -> str:
    """Whose approval is needed, in words."""
    roles = ", ".join(sorted(requirement.roles))
    if lang == "ko":
        others = ", 요청한 사람 제외" if requirement.not_requester else ""
        return f"{roles} 중 {requirement.count}명의 승인{others}"
    people = "person" if requirement.count == 1 else "people"
    others = ", not by who asks" if requirement.not_requester else ""
    return f"by {requirement.count} {people} of {roles}{others}"
