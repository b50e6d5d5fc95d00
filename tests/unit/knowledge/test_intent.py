import pytest

from steersman.knowledge.intent import intent_of

CASES = """
investigate: why is checkout slow?
investigate: checkout latency spiked after 10:00
investigate: payments is returning errors
investigate: what's wrong with payments
investigate: what caused the outage last night?
investigate: find the root cause of the 5xx in front
investigate: diagnose the queue backlog in orders
investigate: 결제가 왜 느려?
investigate: 체크아웃 오류가 급증했어
investigate: payments 장애 원인 조사해줘
investigate: front가 응답이 없어요
investigate: 주문 서비스에 무슨 문제가 있어?
investigate: 어제 배포가 왜 실패했어?
investigate: why did the deployment of payments fail?
change: deploy payments v2 blue-green
change: roll back checkout to the previous version
change: please scale checkout to 5 replicas
change: restart the payments pods
change: fix the crash loop of catalog
change: rotate the database password in vault
change: can you upgrade kubernetes to 1.32?
change: payments v2를 블루-그린으로 배포
change: payments v2를 블루-그린으로 배포해줘
change: 체크아웃 파드를 5개로 늘려줘
change: 결제 서비스를 이전 버전으로 롤백해 주세요
change: 인증서를 갱신해줘
change: 큐 적체를 해소해줘
change: drain node-7 for maintenance
change: turn off the new-cart feature flag
benchmark: run a load test against checkout at 200 rps
benchmark: benchmark the front page
benchmark: k6 smoke test for payments
benchmark: payments에 부하 테스트 해줘
benchmark: 100 VUs on checkout for 5 minutes
benchmark: 체크아웃 성능 테스트 돌려줘
answer: how do I deploy blue-green?
answer: which version of payments is running?
answer: what is a canary?
answer: list the services
answer: show me the last five runs
answer: how does a load test work?
answer: who approved the last release?
answer: 지금 payments 버전이 뭐야?
answer: 블루-그린 배포가 뭐야?
answer: 어떻게 롤백해?
answer: 최근 실행 목록을 보여줘
answer: 마지막 배포는 누가 승인했어?
answer: summarize yesterday's incident
clarify: payments
clarify: hm
clarify: ...
clarify: 음
clarify:
"""
PAIRS = [tuple(part.strip() for part in line.split(":", 1)) for line in CASES.strip().splitlines()]


@pytest.mark.parametrize(("intent", "text"), PAIRS)
def test_requests_go_where_they_belong(intent: str, text: str) -> None:
    assert intent_of(text).intent == intent
