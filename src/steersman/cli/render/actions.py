"""What people usually do next about each kind of fault, in English and Korean."""

from __future__ import annotations

from steersman.cli.render.words import Language
from steersman.domain.finding import FaultKind

ACTIONS: dict[FaultKind, tuple[str, str]] = {
    "error_bug": (
        "Take the last release of the service back, then mend the code and add a test that fails without it.",
        "서비스의 최근 배포를 되돌린 뒤 코드를 고치고, 이를 잡아내는 테스트를 추가합니다.",
    ),
    "wrong_result": (
        "Take the last release back; find and correct what was written with wrong results.",
        "최근 배포를 되돌리고, 잘못된 결과로 기록된 데이터를 찾아 바로잡습니다.",
    ),
    "latency_regression": (
        "Compare profiles of the former and the present version; take the release back until then.",
        "이전 버전과 현재 버전의 프로파일을 비교하고, 그때까지 배포를 되돌립니다.",
    ),
    "n_plus_one": (
        "Fetch in one query what is fetched one by one; bound queries per request in a test.",
        "하나씩 조회하는 것을 한 번에 조회하도록 바꾸고, 요청당 쿼리 수를 테스트로 제한합니다.",
    ),
    "memory_leak": (
        "Restart the instances as a stopgap; take a heap dump before that; set an alert on growth.",
        "힙 덤프를 남긴 뒤 인스턴스를 재시작해 임시 조치하고, 증가 추세에 알림을 설정합니다.",
    ),
    "cpu_burn": (
        "Add instances as a stopgap; profile what burns; set CPU requests and limits.",
        "인스턴스를 늘려 임시 조치하고, CPU를 쓰는 코드를 프로파일링하며 요청량과 한도를 설정합니다.",
    ),
    "dependency_timeout": (
        "Look at the dependency first; shorten timeouts and add a fallback on the caller's side.",
        "먼저 의존 서비스를 살피고, 호출하는 쪽의 타임아웃을 줄이고 대체 동작을 추가합니다.",
    ),
    "pool_exhaustion": (
        "Find what holds connections; raise the pool only within what the database allows.",
        "연결을 붙잡고 있는 것을 찾고, 데이터베이스가 허용하는 범위에서만 풀을 늘립니다.",
    ),
    "bad_config": (
        "Put the former configuration back; validate configuration before it is rolled out.",
        "이전 설정으로 되돌리고, 배포 전에 설정을 검증합니다.",
    ),
    "crash_loop": (
        "Take the release back; read the last lines before the exit and its code.",
        "배포를 되돌리고, 종료 직전 로그와 종료 코드를 확인합니다.",
    ),
    "slow_disk": (
        "Look at the volume's limits and neighbours; move the data or raise its throughput.",
        "볼륨의 한도와 함께 쓰는 작업을 살피고, 데이터를 옮기거나 처리량을 늘립니다.",
    ),
    "retry_storm": (
        "Bound retries and add back-off with jitter; shed load until it is over.",
        "재시도 횟수를 제한하고 지터가 있는 백오프를 두며, 진정될 때까지 부하를 줄입니다.",
    ),
    "queue_backlog": (
        "Add consumers or slow producers; alert on age of the oldest message rather than on length.",
        "컨슈머를 늘리거나 생산을 늦추고, 길이보다 가장 오래된 메시지의 나이에 알림을 겁니다.",
    ),
    "network_delay": (
        "Measure between the two sides; look at what was changed in network and proxies.",
        "양쪽 사이 구간을 측정하고, 네트워크와 프록시의 변경 사항을 확인합니다.",
    ),
    "unknown": (
        "Look at the evidence below; say what it was, so that the next time is known.",
        "아래 근거를 살펴보고, 다음에 알 수 있도록 무엇이었는지 기록합니다.",
    ),
}
AFTERWARDS: tuple[str, str] = (
    "Keep the telemetry for a test: `steer record DIR`.",
    "테스트에 쓸 수 있도록 텔레메트리를 보관합니다: `steer record DIR`.",
)


def actions(kind: FaultKind, lang: Language) -> tuple[str, str]:
    """What to do about it, and what to do afterwards."""
    number = 1 if lang == "ko" else 0
    return ACTIONS[kind][number], AFTERWARDS[number]
