"""The words that conditions and steps are made of, in Korean and English, as patterns. Data."""

from __future__ import annotations

import re
from typing import Literal

from steersman.domain.signal import SignalName

Kind = Literal[
    "signal",
    "vague",
    "percent",
    "duration",
    "bytes",
    "rate",
    "times",
    "number",
    "above",
    "at_least",
    "below",
    "at_most",
    "or",
    "and",
    "for",
    "lasting",
    "rollback",
    "pause",
    "keep",
    "stays",
    "not",
    "baseline",
    "pool",
    "of",
    "name",
    "filler",
    "unknown",
]


_NUM = r"(?P<num>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_DURATION = (
    rf"{_NUM}\s*-?\s*(?P<unit>ms|밀리초|milli(?:second)?s?|seconds?|secs?|s|초(?!과)|minutes?|mins?|m|분|hours?|hrs?|h|시간|days?|d|일)"
    r"(?![a-z])"
)
SIGNALS: tuple[tuple[str, str], ...] = (
    (
        "error_rate",
        r"error[ _-]?(?:rate|ratio|percentage)s?|errorrate|5xx(?:\s*(?:error|에러|오류))?(?:\s*-?(?:rate|ratio|비율|율))"
        r"|(?:에러|오류|실패)\s*(?:비율|율|률)|(?:failure|fail) rate|failed[- ]request rate|rate of (?:5xx|errors)|http 5xx rate",
    ),
    (
        "latency_p99",
        r"(?:p99|99th[- ]percentile|p-99|99퍼센타일)\s*(?:latency|latencies|response times?|duration|지연(?:\s*시간)?|응답\s*시간"
        r"|레이턴시)?|(?:latency|지연(?:\s*시간)?|응답\s*시간|레이턴시|response time)[ _-]*\(?p99\)?|latency_p99",
    ),
    (
        "latency_p95",
        r"(?:p95|95th[- ]percentile|95퍼센타일)\s*(?:latency|latencies|response times?|duration|지연(?:\s*시간)?|응답\s*시간|레이턴시)?"
        r"|(?:latency|지연(?:\s*시간)?|응답\s*시간|레이턴시|response time)[ _-]*\(?p95\)?|latency_p95",
    ),
    (
        "latency_p50",
        r"(?:p50|median)\s*(?:latency|response times?|지연(?:\s*시간)?|응답\s*시간)?|중앙값 (?:지연|응답 시간)|latency[ _-]*p50",
    ),
    (
        "cpu",
        r"cpu(?:\s*(?:usage|utili[sz]ation|load percentage|사용률|사용율|사용량|이용률|점유율))?|씨피유\s*(?:사용률)?",
    ),
    ("memory", r"(?:memory|mem)(?:\s*(?:usage|consumption))?|rss|working set|메모리(?:\s*(?:사용량|사용률|점유율))?"),
    (
        "queue_depth",
        r"queue[ _-]?(?:depth|length|size)|(?:consumer )?lag(?: in messages)?|messages? (?:in the queue|waiting|ready)|큐\s*(?:길이|깊이|적체|대기\s*건수)"
        r"|대기열\s*(?:길이|크기|깊이)?|대기\s*메시지\s*(?:수)?|컨슈머\s*(?:랙|지연\s*건수)|backlog",
    ),
    ("restarts", r"(?:pod |container )?restarts?(?: count)?|(?:파드|컨테이너)?\s*재시작\s*(?:횟수|수)?"),
    ("request_rate", r"request[ _-]?rate|rps|qps|throughput|초당\s*요청\s*(?:수)?|처리량|요청률"),
    ("disk_latency", r"disk[ _-]?(?:latency|i/?o latency)|디스크\s*(?:지연(?:\s*시간)?|응답\s*시간)"),
    (
        "pool_usage",
        r"(?:connection )?pool[ _-]?usage|used connections|connections in use|사용\s*중인?\s*커넥션\s*(?:수)?|커넥션\s*(?:사용\s*)?수",
    ),
    ("up", r"availability|uptime|success rate|가용성|가용률|성공률"),
)
VAGUE = (
    r"latenc(?:y|ies)|response times?|지연(?:\s*시간)?|응답\s*시간|레이턴시|errors?|에러|오류|load average|load|부하"
    r"|disk(?:\s*(?:usage|space))?|디스크(?:\s*사용[량률])?|saturation"
)
WORDS: tuple[tuple[Kind, str], ...] = (
    ("percent", rf"{_NUM}\s*(?:%p?|percent\b|퍼센트|프로(?![가-힣]))"),
    ("rate", rf"{_NUM}\s*(?:rps|qps|req/s|requests?\s*(?:/|per)\s*s(?:ec(?:ond)?)?|건/초)"),
    ("times", rf"{_NUM}\s*(?:x\b|times\b|배|-?fold)"),
    ("bytes", rf"{_NUM}\s*(?P<size>[kmgt]i?)b?(?![a-z])(?<!\dm)"),
    ("duration", _DURATION),
    ("number", rf"{_NUM}\s*(?:건|개|회|번(?!전)|times)?"),
    ("at_least", r">=|≥|=>|at least|이상|no less than|이르면|도달(?:하면|시)?|reach(?:es)?|hits?"),
    ("at_most", r"<=|≤|=<|at most|이하|no more than|up to"),
    (
        "above",
        r"(?:is |are |goes |go |rises? |climbs |jumps |gets )?(?:>|above|over|higher than|greater than|more than|beyond|exceeding)"
        r"|exceed(?:s|ed)?|초과(?:가|하면|할|하는|한|해|시|되면|로)?|넘(?:으면|을|는|어서면|어가면|어|기면|김|을 때)|웃돌면|상회(?:하면|시)?|surpass(?:es)?",
    ),
    (
        "below",
        r"(?:is |are |goes |go |falls |fall |drops |drop |dips )?(?:<|below|under|lower than|less than)"
        r"|미만(?:으로 (?:떨어지면|내려가면|떨어질)|이면|으로|일|시)?|밑돌면|떨어지면|하회(?:하면|시)?",
    ),
    (
        "rollback",
        r"(?:(?:automatic(?:ally)?|auto|자동으로|자동|즉시|immediately|immediate|전체)\s*-?)?(?:(?:이전|기존|직전) 버전(?:으로)? )?(?:roll(?:s|ed|ing)?[ -]?back|revert|undo|abort"
        r"|롤백|원복|되돌(?:린다|리기|림|려라|리고|립니다|려)?|복구)(?:\s*(?:처리|수행|실행|진행|trigger(?:ed)?))?(?:한다|하기|합니다|하고|할 것|해야 한다|함|을|를)?"
        r"(?:\s*(?:수행|실행|진행|시작)(?:한다|합니다|함)?)?(?:\s*(?:the )?(?:deploy(?:ment)?|release|rollout|canary|배포|릴리스))?",
    ),
    (
        "pause",
        r"(?:automatic(?:ally)?|자동으로|자동|즉시|immediately)?\s*(?:배포|릴리스|승격)?(?:를|을)?\s*(?:pause[sd]?|halt|hold|stop|일시\s*(?:정지|중지|중단)|중단|중지|정지|보류|멈춤|멈춘다)"
        r"(?:하기|한다|합니다|함|시킨다)?(?:\s*(?:the )?(?:deploy(?:ment)?|release|rollout|canary|promotion|배포|승격))?",
    ),
    ("not", r"\bnot\b|\bno\b|never|unless|않|아니|제외|except|금지|말(?:것|고|아)"),
    (
        "keep",
        r"유지(?:한다|할 것|하기|해야 한다|되어야 한다|합니다)?|must (?:stay|remain|be)|should (?:stay|remain|be)|keep|보장|이내",
    ),
    ("stays", r"stays?|remains?"),
    (
        "baseline",
        r"(?:than |compared to |vs\.? |versus |against |대비 )?(?:the )?(?:baseline|stable|기준(?:선|값)?|기존(?: 버전)?|이전 버전|previous version"
        r"|control|안정 버전)(?:\s*(?:대비|보다|의|version|버전))?",
    ),
    (
        "pool",
        r"(?:on |of |in |for )?(?:the )?(?:new )?(?:canary|green|카나리아?|그린)(?:\s*(?:버전|version|pool|pods?|파드|쪽))?(?:의|에서|쪽)?(?:'s)?",
    ),
    ("or", r"또는|혹은|이거나|거나|\bor\b|\|\||/(?=\s*[a-z가-힣])|,\s*or\b"),
    ("and", r"그리고|이고|이면서|동시에|\band\b|&&|및|하고\b"),
    ("for", r"(?:for|over|within|in|during)(?: (?:the )?(?:last|past|at least|more than))?|최근|지난"),
    (
        "lasting",
        r"동안|간|연속(?:으로)?|지속(?:되면|될|하면|적으로|시)?|내(?:에)?|continuously|consecutive|sustained|straight|window",
    ),
    ("of", r"(?:of|의|on|for)(?= [a-z])"),
    (
        "filler",
        r"->|→|=>|⇒|:|\.|,|\(|\)|;|\b(?:immediately|right away|automatically|if|when|whenever|once|then|the|a|an|is|are|it|its|trigger|triggers|should|by|that|at|any|current|average|avg|service"
        r"|goes|rises|deployment|release|rollout|will|we|please|must|be|to|there)\b|발생(?:하면|할|시|하는)?|경우(?:에는|에|엔)?|일\s*때|할\s*때|때|시(?:에는|에)?|하면|이면|면|되면"
        r"|이|가|은|는|을|를|로|으로|에|일|인|평균|현재|서비스|할|상태(?:가|로)?|조건|값(?:이)?|만약|보다|해당|되는|하는|번|자동|증가(?:하면|시)?|높(?:으면|아지면|을|은)|상승(?:하면|시)?",
    ),
)

Action = Literal[
    "apply", "wait_ready", "shift_traffic", "check_signals", "rollback", "backup", "restart", "scale", "smoke_test",
    "load_test", "build", "scan", "drain", "cordon", "uncordon", "migrate", "rotate", "approve", "notify", "watch",
]  # fmt: skip

ACTIONS: tuple[tuple[Action, str], ...] = (
    ("rollback", r"roll(?:ing)?[ -]?back|\brevert\b|\bundo\b|롤백|원복|되돌|rollouts? (?:abort|undo)|argo rollback"),
    ("wait_ready", r"(?:\bwait\b|대기|기다).*(?:완료|ready|readiness|probes?|healthy|health|available|준비|정상|헬스|통과|rollout|complete|기동|running)"
     r"|(?:ready|readiness|probes?|healthy|health\s*checks?|준비|정상|헬스\s*체크|프로브|rollout|롤아웃|기동|running|available).*(?:\bwait\b|대기|기다|될 때까지|까지)"
     r"|kubectl rollout status|\bwait (?:for|until) (?:all )?(?:the )?(?:new )?(?:pods?|replicas|deployment)|(?:파드|pod|레플리카)\S* .*(?:대기|기다)"),
    ("shift_traffic", r"(?:traffic|트래픽|weight|가중치|canary|카나리)\S*.*(?:\d\s*%|전환|shift|switch|cut ?over|옮|이동|증가|올|늘)"
     r"|(?:shift|switch|route|move|send|ramp|전환|cut over).*(?:traffic|트래픽|weight)|set-?weight|promote (?:the )?(?:canary|green|rollout)|승격"),
    ("check_signals", r"(?:prometheus|프로메테우스|grafana|그라파나|metrics?|메트릭|지표|latency|error|에러|오류|지연|slo|대시보드)\S*.*"
     r"(?:\bcheck\b|verify|inspect|compare|look|검사|확인|점검|비교|검증|review)|(?:check|verify|inspect|compare|확인|review|confirm).*(?:metrics?|메트릭|지표|latency|error rate|에러율|오류율|slo|dashboards?)"),
    ("watch", r"(?:monitor|watch|observe|soak|bake|모니터링|관찰|지켜|감시).*\d\s*(?:m|min|분|h|hour|시간|s\b|sec|초)|\d+\s*(?:분|시간|초)\S*\s*(?:동안|간).*(?:관찰|모니터링|지켜|감시)"),
    ("backup", r"back[ -]?up|백업|pg_dump|mysqldump|snapshot|스냅샷|덤프"),
    ("smoke_test", r"smoke|스모크|sanity (?:check|test)"),
    ("load_test", r"load[ -]?test|부하\s*테스트|stress[ -]?test|performance test|성능\s*테스트|k6 run|locust"),
    ("scan", r"trivy|grype|vulnerability scan|(?:re)?scan (?:the )?image|취약점\s*(?:스캔|검사)|이미지\s*스캔|image scan"),
    ("build", r"\bbuild (?:and push )?(?:the |a )?(?:new )?(?:docker |container )?image|이미지\s*(?:를\s*)?(?:재)?빌드|rebuild (?:the )?image|docker build"),
    ("migrate", r"run (?:the )?(?:db |database |schema )*migrations?|alembic upgrade|flyway migrate|마이그레이션\s*(?:을\s*)?(?:실행|적용|수행)|apply (?:the )?(?:schema |database |db )*migrations?"),
    ("uncordon", r"uncordon|언코든|코든\s*해제|스케줄링\s*(?:재개|다시 허용)"),
    ("drain", r"\bdrain\b|드레인"),
    ("cordon", r"\bcordon\b|코든|스케줄링\s*(?:금지|중지|차단)"),
    ("rotate", r"rotate|교체|로테이션|재발급|renew|갱신"),
    ("restart", r"\brestart|재시작|재기동|\bbounce\b|rollout restart"),
    ("scale", r"\bscale\b|스케일|replicas?\s*(?:=|to|를)|레플리카\S* .*(?:조정|늘|줄|변경)|증설"),
    ("approve", r"approv|sign[ -]?off|승인|결재"),
    ("notify", r"\bnotify\b|announce|slack|슬랙|알림|공지|status page|통보|inform"),
    ("apply", r"kubectl apply|\bappl(?:y|ies)\b|적용|\bdeploy\b|배포|helm upgrade|set image|create .*deployment|생성|launch|기동|install"),
)  # fmt: skip
DOUBT = re.compile(
    r"[가-힣]면(?![가-힣])|(?<![-=])[<>≤≥](?!=)|[<>]=|exceeds?|초과|넘(?:으|을|어)|이상이|미만|높으면|\bwhen(?:ever)?\b|\b(?:above|below|higher than|lower than|more than|less than|rises?|drops?)\b|\b(?:if|unless|maybe|optionally|optional|consider|decide|or|might|probably|as needed|if necessary|depending|not|never|don't|skip)\b"
    r"|필요(?:시|하면|에 따라| 시)|경우에 따라|적절히|상황에 따라|검토|판단|논의|하지 말|금지|않|또는|혹은|가능하면|협의"
)
TROUBLE = re.compile(
    r"(?:실패|문제|이상|오류|에러)(?:가|이)?\s*(?:하|나|생기|있으|발생하)면|문제(?:가)?\s*(?:발생)?\s*시|실패\s*시|이상\s*시|오류\s*시|on (?:failure|error|trouble)|if (?:it|anything|something) (?:fails|goes wrong|breaks)|if .{0,20}fails?\b"
)
MOST = re.compile(
    r"(?:최대|at most|up to|max(?:imum)?|timeout(?: of)?|within|타임아웃)\s*:?\s*(\d+(?:\.\d+)?)\s*(ms|초(?!과)|분|시간|일|seconds?|secs?|s|minutes?|mins?|m|hours?|h)(?![a-z])"
)
SPAN = re.compile(
    r"(?<![\d.%])(\d+(?:\.\d+)?)\s*-?\s*(초(?!과)|분|시간|일|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)(?![a-z])"
)
PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|퍼센트|percent)")
CHAIN = re.compile(r"\d+\s*%?(?:\s*(?:→|->|-->|=>|⇒|>|,|/|then|to|and|에서|그리고|다음|다시)+\s*\d+\s*%?)+")
REPLICAS = re.compile(
    r"(?:replicas?|레플리카|파드|pods?)\S*\s*(?:를|을|=|to|수를)?\s*(\d{1,4})|(\d{1,4})\s*(?:replicas|개(?:의)?\s*(?:레플리카|파드)|pods)|to (\d{1,4})\b"
)
STEP_SIGNALS: tuple[tuple[SignalName, str], ...] = (
    ("error_rate", r"error|에러|오류|5xx"),
    ("latency_p99", r"p99"),
    ("latency_p95", r"p95"),
    ("cpu", r"cpu"),
    ("memory", r"memory|메모리"),
    ("queue_depth", r"queue|큐|대기열|lag"),
    ("restarts", r"restarts?|재시작"),
)  # fmt: skip

SECOND = re.compile(
    r"(?:\band|\bthen|,|;|&)\s+(?:then )?(?:clear|wait|restart|delete|run|check|notify|verify|stop|start|enable|disable|update"
    r"|remove|flush|send|open|close|set|scale|deploy|drain|reboot|inform|tell|ask|rotate|roll|monitor|watch|create|apply|test)\b"
)
"""A second imperative in the same sentence."""
