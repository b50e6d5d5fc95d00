"""What a request is after, by rules: investigate, change, benchmark, answer, or a question back. Korean and English.

Routing decides which agent looks at a request, never whether something is done: a change is planned, checked, guarded
and approved whichever way it came.
"""

from __future__ import annotations

import re
from typing import Literal

from steersman.domain.fact import Fact
from steersman.knowledge.language import content_stems

Intent = Literal["investigate", "change", "benchmark", "answer", "clarify"]

BENCHMARK = re.compile(
    r"\b(?:load[- ]?test\w*|stress[- ]?test\w*|soak[- ]?test\w*|benchmark\w*|k6|locust|vegeta)\b|"
    r"\b\d+\s*(?:rps|vus?|virtual users)\b|"
    r"부하\s*(?:테스트|시험|를\s*걸|를\s*줘)|성능\s*(?:테스트|시험|측정)|스트레스\s*테스트|벤치마크",
    re.IGNORECASE,
)
CAUSE = re.compile(
    r"\bwhy\b|\broot[- ]?causes?\b|\bwhat(?:'s| is| went| caused)\s+(?:wrong|broken|happen\w*|going on|causing)|\bwhat caused\b|"
    r"\b(?:any|some)thing\b.*\b(?:wrong|broken|amiss)\b|"
    r"\bwhat\b.*\b(?:cause[sd]?|causing|broke)\b|\b(?:investigat|diagnos|troubleshoot|debug)\w*|"
    r"왜|원인|무슨\s*(?:일|문제)|뭐가\s*문제|뭐가\s*잘못|조사|진단|분석해|살펴\s*봐|들여다\s*봐|알아\s*봐",
    re.IGNORECASE,
)
SYMPTOM = re.compile(
    r"\b(?:slow\w*|laten\w+|errors?|failing|fails?|failed|down|outage|crash\w*|timeouts?|time\s+out|timing out|"
    r"5\d\d s?|5xx|spik\w+|hang\w*|stuck|leak\w*|unavailable|broken|degraded|oom\w*|alert\w*|firing|unhealthy|not responding)\b|"
    r"느려|느린|느립|지연|오류|에러|실패|장애|죽었|죽어|다운|타임\s*아웃|급증|치솟|터졌|터져|안\s*(?:돼|되|열|떠|떠요)|"
    r"이상해|이상하|이상이|멈췄|응답이\s*없|응답하지|끊겨|끊김|누수|튀",
    re.IGNORECASE,
)
CHANGE = re.compile(
    r"\b(?:deploy|release|ship|roll\s*out|roll\s*back|rollback|revert|undo|promote|scale|resize|restart|reboot|recreate|"
    r"rotate|renew|revoke|upgrade|update|downgrade|patch|migrate|create|add|remove|delete|drop|drain|cordon|enable|"
    r"disable|turn\s+(?:on|off)|switch|shift|move|set|change|raise|lower|increase|decrease|reduce|limit|block|allow|"
    r"restore|back\s*up|clear|purge|flush|fix|repair|mitigate|relieve|stop|suspend|pause|resume|apply|install|build|"
    r"publish|configure|tune|rightsize|cut|define|collect|reconcile|contain|failover|fail\s+over|put|bring|make|run|"
    r"start|kill|expand|shrink|silence)\b|"
    r"배포|롤백|되돌려|되돌리|원복|복구|재시작|재기동|늘려|늘리|줄여|줄이|스케일|교체|갱신|폐기|업그레이드|업데이트|패치|마이그레이션|"
    r"이전해|옮겨|옮기|전환|추가|생성|만들어|만들|삭제|제거|지워|비워|켜|꺼|끄|적용|설치|설정|변경|바꿔|바꾸|올려|올리|내려|내리|"
    r"차단|막아|허용|제한|백업|정리|고쳐|해결|조정|중지|멈춰|드레인|띄워|실행|구성|수집|승격|확장|축소|해소|완화|대응|회수|돌려",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"^\s*(?:how|what|which|when|who|where|is|are|was|were|does|do|did|can|could|should|has|have|list|show|tell|explain|"
    r"describe|summari[sz]e|give me)\b|\?\s*$|"
    r"어떻게|무엇|뭐야|뭐가|뭔가|뭐지|무슨|언제|누가|어디|몇\s|얼마|어느|어떤|목록|보여|알려|설명|요약|인가요|있나요|있어\?|인지|할까|될까|"
    r"[나까지니가]요?\?\s*$",
    re.IGNORECASE,
)
HOW_TO = re.compile(
    r"^\s*(?:how|what|which|when|who|where|explain|describe)\b|어떻게|무엇|뭐야|란\?|이란|차이", re.IGNORECASE
)
COMMANDS = re.compile(
    r"(?:해\s*줘|해\s*주세요|해\s*라|하세요|하자|해\s*주십시오|바랍니다|부탁|시켜\s*줘|[려켜꿔워쳐여겨춰줘]\s*줘|줘|해)[.!\s]*$|^\s*(?:please|let'?s)\b",
    re.IGNORECASE,
)
LOOKING = re.compile(
    r"(?:보여|알려|설명해|요약해|조사해|분석해|진단해|찾아|살펴\s*봐|확인해)\s*(?:줘|주세요|봐)?", re.IGNORECASE
)


class Routed(Fact):
    """Where a request goes, how sure that is, and why."""

    intent: Intent
    sure: bool
    """False: a model, where there is one, may decide otherwise."""
    why: str


def intent_of(text: str) -> Routed:
    """What the request is after."""
    if not content_stems(text):
        return _routed("clarify", "it says nothing to go by")
    asks, commands = ASKS.search(text) is not None, COMMANDS.search(text) is not None
    looks = LOOKING.search(text) is not None
    changes = _imperative(text) or (commands and not looks and CHANGE.search(text) is not None)
    if CAUSE.search(text):
        return _routed("investigate", "it asks for a cause")
    if BENCHMARK.search(text) and not (asks and HOW_TO.search(text)):
        return _routed("benchmark", "it speaks of load")
    if changes and not (asks and HOW_TO.search(text)):
        return _routed("change", "it asks for something to be done")
    if SYMPTOM.search(text) and not (asks and HOW_TO.search(text)):
        return _routed("investigate", "it tells of a symptom")
    if asks:
        return _routed("answer", "it is a question")
    if CHANGE.search(text):
        return _routed("change", "it names something to be done", sure=False)
    return _routed("clarify", "it is neither a question nor a task", sure=False)


def _imperative(text: str) -> bool:
    """Whether an English request begins with what is to be done, or names it where Korean text ends in a noun."""
    found = CHANGE.search(text)
    if found is None:
        return False
    head = text[: found.start()].strip().lower()
    if found[0].isascii():
        return head in ("", "please", "let's", "lets", "now", "quickly", "can you", "could you", "go and", "you must")
    tail = text[found.end() :].strip(" .!")
    return tail in ("", "하기", "함", "필요") and not ASKS.search(text)


def _routed(intent: Intent, why: str, *, sure: bool = True) -> Routed:
    return Routed(intent=intent, sure=sure, why=why)
