"""What end users read, in English and Korean. One table, so that a missing translation fails a test."""

from __future__ import annotations

import locale
import os
import re
from typing import Literal

Language = Literal["en", "ko"]
HANGUL = re.compile(r"[\uac00-\ud7a3]")

WORDS: dict[str, tuple[str, str]] = {
    "plan": ("Plan", "계획"),
    "goal": ("Goal", "목표"),
    "scenario": ("Scenario", "시나리오"),
    "environment": ("Environment", "환경"),
    "phase": ("phase", "단계"),
    "step": ("step", "작업"),
    "needs": ("after", "선행"),
    "does": ("does", "하는 일"),
    "changes": ("Changes", "변경"),
    "create": ("create", "생성"),
    "update": ("change", "변경"),
    "delete": ("delete", "삭제"),
    "undo_by": ("undone by", "되돌리는 방법"),
    "irreversible": ("CANNOT BE UNDONE", "되돌릴 수 없음"),
    "kept": ("kept on undo", "되돌려도 남김"),
    "kept_if_late": ("kept if that comes too late", "늦으면 남김"),
    "triggers": ("Undone automatically when", "자동으로 되돌리는 조건"),
    "pauses": ("Paused when", "일시 정지하는 조건"),
    "invariants": ("Must hold before, after, and after an undo", "이전·이후·되돌린 뒤에 모두 성립해야 하는 것"),
    "assumptions": ("Assumed, since nobody said", "지정되지 않아 기본값을 쓴 것"),
    "unread": ("Stays text: nobody watches it", "글로만 남은 조건: 아무도 지켜보지 않음"),
    "unconnected": (
        "CANNOT BE RUN: nothing is connected; what is there was assumed",
        "실행할 수 없음: 연결된 것이 없어 현재 상태를 가정했습니다",
    ),
    "budget": ("At most", "한도"),
    "digest": ("Digest", "다이제스트"),
    "made_by": ("Made by", "작성"),
    "choices": ("Why this way", "이 방법을 고른 이유"),
    "problems": ("The plan is not valid", "계획이 올바르지 않습니다"),
    "approval_needed": ("Approval needed", "승인이 필요합니다"),
    "approve_how": (
        "approve: `steer approve {id}`   refuse: `steer reject {id}`",
        "승인: `steer approve {id}`   거절: `steer reject {id}`",
    ),
    "approve_question": ("Do exactly this?", "정확히 이대로 실행할까요?"),
    "approved_by": ("approved by {who}", "{who} 승인"),
    "waiting": ("waiting for approval", "승인 대기 중"),
    "running": ("running", "실행 중"),
    "undoing": ("undoing", "되돌리는 중"),
    "paused": ("paused: inconclusive", "일시 정지: 판단 불가"),
    "done": ("done", "완료"),
    "failed": ("failed", "실패"),
    "rolled_back": ("rolled back", "되돌림 완료"),
    "partial_undo": ("PART-WAY UNDO: needs a human", "일부만 되돌림: 사람이 확인해야 합니다"),
    "refused": ("refused", "거부됨"),
    "cancelled": ("cancelled", "취소됨"),
    "needs_human": ("needs a human: an outcome is unknown", "결과를 알 수 없어 사람이 확인해야 합니다"),
    "planned": ("planned", "계획됨"),
    "pending": ("pending", "대기"),
    "holding": ("watching", "관찰 중"),
    "unknown": ("unknown", "알 수 없음"),
    "skipped": ("skipped", "건너뜀"),
    "conflict": ("changed by others since", "그 사이 다른 변경이 있음"),
    "report": ("Run report", "실행 보고서"),
    "timeline": ("Timeline (UTC)", "타임라인 (UTC)"),
    "effects": ("Effects", "영향"),
    "approvals": ("Approvals", "승인"),
    "verdicts": ("Verdicts", "판정"),
    "undo": ("Undo", "되돌리기"),
    "findings": ("Root causes", "근본 원인"),
    "evidence": ("Evidence", "근거"),
    "untrusted": ("untrusted text", "신뢰할 수 없는 텍스트"),
    "none": ("none", "없음"),
    "postmortem": ("Postmortem draft", "장애 보고서 초안"),
    "draft_note": (
        "Made by code, for people to complete. All of it can be asked again: `steer evidence verify {incident}`.",
        "코드로 작성한 초안이며 사람이 완성합니다. 근거를 다시 확인하려면 `steer evidence verify {incident}`.",
    ),
    "impact": ("Impact", "영향 범위"),
    "cause_heading": ("Cause", "원인"),
    "hypotheses": ("Other hypotheses", "다른 가설"),
    "speaks_for": ("speaks for it", "뒷받침하는 점"),
    "speaks_against": ("speaks against it", "맞지 않는 점"),
    "actions": ("Actions", "조치 항목"),
    "what_changed": ("What was changed", "변경 사항"),
    "nothing_changed": ("no change is known of", "알려진 변경 없음"),
    "holes": ("Did not answer", "응답하지 않음"),
    "time_spent": ("Who spends the time of its requests", "요청 시간을 쓰는 곳"),
    "not_looked_at": (
        "Not looked at, since nothing here measures or keeps it",
        "살펴보지 않음(이 환경에 측정하거나 보관하는 것이 없음)",
    ),
    "baseline": ("Compared with", "비교 기준"),
    "window": ("Window", "조사 구간"),
    "incident": ("Incident", "인시던트"),
    "question": ("Question", "질문"),
    "paged": ("somebody was paged", "호출(알림) 발생"),
    "window_began": ("the window in question begins", "조사 구간 시작"),
    "window_ended": ("the window in question ends", "조사 구간 끝"),
    "before_after": ("{before} before, {after} in the window", "이전 {before}, 구간 중 {after}"),
    "open_link": ("open", "열기"),
    "holds": ("holds", "그대로"),
    "changed": ("says something else now", "값이 달라짐"),
    "gone": ("no longer shows", "더 이상 보이지 않음"),
    "unanswered": ("could not be asked", "다시 물을 수 없음"),
    "no_fault": ("no fault found", "이상 없음"),
    "not_enough_data": ("not enough data to say", "판단할 데이터가 부족합니다"),
    "as_before": (
        "the shop is as it was: same versions, same shares of traffic, every acknowledged order paid once",
        "쇼핑몰은 이전과 같습니다: 같은 버전, 같은 트래픽 비율, 승인된 주문은 모두 한 번씩 결제됨",
    ),
    "not_as_before": ("THE SHOP IS NOT AS IT WAS", "쇼핑몰이 이전과 다릅니다"),
    "result": ("Result", "결과"),
    "reason": ("Reason", "이유"),
    "verified": ("read back and verified", "다시 읽어 확인함"),
    "not_undone": ("not undone", "되돌리지 않음"),
    "nothing_to_undo": ("nothing was changed", "변경된 것이 없음"),
}


def language(goal: str = "", setting: str = "auto") -> Language:
    """The language to speak: the setting, else that of the goal, else the locale's."""
    if setting == "ko":
        return "ko"
    if setting == "en":
        return "en"
    if HANGUL.search(goal):
        return "ko"
    if goal:
        return "en"
    said = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "ko" if said.startswith("ko") else "en"


def word(key: str, lang: Language) -> str:
    """The text for a key. Raises KeyError for an unknown one."""
    return WORDS[key][1 if lang == "ko" else 0]
