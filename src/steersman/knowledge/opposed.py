"""What a request demands that a scenario does not do: words in common must not turn `drop the database` into a backup.

Only the main verb counts: at the head of an English clause, at the end of a Korean one. Taking a symptom away
(`stop the errors`) is repair, and no demand of this kind.
"""

from __future__ import annotations

import re

from steersman.domain.scenario import Scenario

ASKING = r"please|now|just|quickly|c(?:an|ould) you|go and|you must|let'?s|(?:we|i) (?:want|need) to"
POLITE = rf"(?:(?:{ASKING})\s+)*"
ENGLISH = {
    "delete": r"delete|drop|remove|destroy|wipe|purge|truncate|uninstall|erase|tear down|get rid of",
    "switch off": r"stop|disable|suspend|terminate|kill(?!(?:\s+\S+){0,2}\s+pods?\b)|"
    r"(?:turn|switch|shut)(?:\s+\S+){0,3}?\s+(?:off|down)|shut down",
    "disclose": r"print|leak|send|email|mail|exfiltrate|upload|expose|reveal|show|display|(?:dump|publish)\b.*\bto\b",
    "break": r"break|crash|corrupt|overload|make\s+\S+\s+(?:fail|crash|slow)",
}
KOREAN = {
    "delete": r"삭제|지워|지우|제거|없애|파기|날려|날리",
    "switch off": r"꺼|끄|중지|중단|비활성화?|멈춰|멈추|종료",
    "disclose": r"출력|유출|공개|(?<!내)보내|업로드|노출|보여(?=\s*줘)",
    "break": r"망가뜨|고장\s*내|부숴|부수|마비",
}
TAIL = r"\s*(?:시켜|하기|해|하|려|게)?\s*(?:줘|주세요|라|줄래|주십시오|요|함)?[.!\s]*$"
SYMPTOM = re.compile(
    r"\b(?:errors?|latency|leaks?|storms?|stampedes?|spikes?|pressure|nois\w+|backlogs?|drift|crash\w*|loops?|timeouts?|"
    r"retries|load|lag|bottlenecks?|floods?|abus\w+|attack\w*|vulnerabilit\w+|unused|stale|orphaned)\b|"
    r"에러|오류|지연|누수|폭풍|스탬피드|부하|압박|노이즈|밀린|드리프트|크래시|타임아웃|재시도|병목|공격|급증|취약점|사용하지\s*않는|안\s*쓰는|오래된",
    re.IGNORECASE,
)
TELEMETRY = re.compile(r"\b(?:traces?|metrics?|logs?|spans?|telemetry)\b|트레이스|메트릭|로그|지표|스팬", re.IGNORECASE)
"""Made to be sent somewhere."""
THEN = re.compile(r"(?<=[하되우리내키추끄나두치])고\s+|\s(?:뒤|후)에?\s+")
"""What follows tidies up after what is asked for first. Nouns end in 고 as well (재고): only verbs are split at."""


def opposed(goal: str, scenario: Scenario) -> str:
    """Why the scenario does not do what the goal demands; empty when nothing speaks against it."""
    offers = [scenario.goal, *scenario.goals.values(), scenario.id.replace("-", " ")]
    for kind in demanded(goal):
        if not any(_is_main(offer, kind) and not SYMPTOM.search(offer) for offer in offers):
            return f"the request is to {kind} something, and this does not"
    return ""


def demanded(goal: str) -> list[str]:
    """The kinds of such demands that a goal makes."""
    if SYMPTOM.search(goal):
        return []
    clauses = [clause.strip() for clause in re.split(r"[.;!\n]+\s+|;", goal)]
    found = [kind for kind in ENGLISH if any(_is_main(clause, kind) for clause in clauses)]
    return [kind for kind in found if kind != "disclose" or not TELEMETRY.search(goal)]


def _is_main(clause: str, kind: str) -> bool:
    if re.match(rf"{POLITE}(?:{ENGLISH[kind]})\b", clause, re.IGNORECASE):
        return True
    first = THEN.split(clause)[0].rpartition("면 ")[2]
    return re.search(rf"(?:{KOREAN[kind]}){TAIL}", first) is not None
