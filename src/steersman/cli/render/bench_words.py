"""Words of load tests, in English and Korean."""

from __future__ import annotations

from steersman.cli.render.words import Language

WORDS: dict[str, tuple[str, str]] = {
    "load_test": ("Load test", "부하 테스트"),
    "target": ("target", "대상"),
    "asks": ("asks", "요청"),
    "load": ("load", "부하"),
    "model": ("model", "모델"),
    "open": ("open: requests come at a rate", "개방형: 정해진 속도로 요청"),
    "closed": ("closed: users who wait for answers", "폐쇄형: 응답을 기다리는 사용자"),
    "lasts": ("lasts", "시간"),
    "goals": ("goals", "목표"),
    "no_goals": ("none: the verdict will be inconclusive", "없음: 판정은 '판단 불가'가 됩니다"),
    "abort": ("ends early when", "조기 중단"),
    "generator": ("generator", "생성기"),
    "approximated": ("approximated", "근사"),
    "refused": ("cannot do", "불가"),
    "assumed": ("assumed", "가정"),
    "requests_s": ("req/s", "요청/초"),
    "users": ("users", "사용자"),
    "peak": ("peak", "최고"),
    "rate": ("rate", "속도"),
    "errors": ("errors", "오류"),
    "failed": ("failed", "실패"),
    "requests": ("requests", "요청 수"),
    "sent": ("{:,} requests", "요청 {:,}건"),
    "run": ("run", "실행"),
    "when": ("when (UTC)", "시각 (UTC)"),
    "profile": ("profile", "프로필"),
    "before": ("before", "이전"),
    "after": ("after", "이후"),
    "change": ("change", "변화"),
    "verdict": ("verdict", "판정"),
    "pass": ("PASS", "통과"),
    "fail": ("FAIL", "실패"),
    "inconclusive": ("INCONCLUSIVE", "판단 불가"),
    "not_trusted": ("the generator did not keep up", "부하 생성기가 따라가지 못함"),
    "running": ("running", "진행 중"),
    "starting": ("starting ...", "시작하는 중 ..."),
    "run_it": ("Put it under load?", "부하를 걸까요?"),
    "waits": (
        "waits for approval {id}: `steer approve {id}`, then the same command with --call-id {call}",
        "승인 대기 {id}: `steer approve {id}` 후 같은 명령에 --call-id {call} 를 붙여 다시 실행",
    ),
    "so_far": (
        "{requests:,} requests, {failures:,} failed, {left:.0f} s left",
        "요청 {requests:,}건, 실패 {failures:,}건, {left:.0f}초 남음",
    ),
    "failed_share": (
        "more than {above:g} % of requests fail for {for_s:g} s",
        "요청의 {above:g} % 넘게 {for_s:g}초 동안 실패",
    ),
    "slow_for": ("p95 is above {above:g} ms for {for_s:g} s", "p95가 {for_s:g}초 동안 {above:g} ms 초과"),
    "limit": ("highest rate that holds the goals", "목표를 지키는 최고 속도"),
    "limit_none": ("not even the lowest rate holds the goals", "가장 낮은 속도에서도 목표를 지키지 못함"),
    "limit_open": ("the highest rate that was tried still holds", "시도한 최고 속도에서도 목표를 지킴"),
    "step": ("step", "단계"),
    "no_history": (
        "no load run is kept; `steer bench run --preset smoke --url URL` makes one",
        "보관된 부하 테스트가 없습니다; `steer bench run --preset smoke --url URL` 로 시작하세요",
    ),
    "changed": ("changed for good here", "이 실행부터 수준이 바뀜"),
    "bottleneck": ("Bottleneck", "병목"),
    "no_bottleneck": ("no cause stands out in the same window", "같은 구간에서 뚜렷한 원인이 없음"),
    "missing": ("missing", "빠진 항목"),
    "before_after": ("Load tests", "부하 테스트 결과"),
}


def word(key: str, lang: Language) -> str:
    """The text for a key. Raises KeyError for an unknown one."""
    return WORDS[key][1 if lang == "ko" else 0]
