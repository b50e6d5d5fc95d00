"""What a conversation says by itself, in English and Korean."""

from __future__ import annotations

from typing import Literal

Lang = Literal["en", "ko"]

WORDS: dict[str, dict[Lang, str]] = {
    "no_environment": {
        "en": "no environment is connected ({why}): answering from the knowledge base and memory alone",
        "ko": "연결된 환경이 없습니다({why}): 지식 베이스와 기억만으로 답합니다",
    },
    "intent": {"en": "{intent}: {why}", "ko": "{intent}: {why}"},
    "cause": {
        "en": "{rank}. {text} (score {score:.2f}; evidence {ids})",
        "ko": "{rank}. {text} (점수 {score:.2f}; 근거 {ids})",
    },
    "no_fault": {
        "en": "No fault was found in the last {minutes} minutes.",
        "ko": "최근 {minutes}분 동안 이상이 없습니다.",
    },
    "not_enough_data": {
        "en": "There is not enough data to say: {why}.",
        "ko": "판단할 자료가 부족합니다: {why}.",
    },
    "planned": {
        "en": "A plan of {steps} steps from {scenario}. Nothing was done: /plan shows it, /approve asks to run it.",
        "ko": "{scenario}의 {steps}단계 계획입니다. 아직 실행한 것은 없습니다: /plan 보기, /approve 실행 요청.",
    },
    "planned_once": {
        "en": "A plan of {steps} steps from {scenario}. Nothing was done; `steer run` with this goal runs it.",
        "ko": "{scenario}의 {steps}단계 계획입니다. 아직 실행한 것은 없습니다; 같은 목표로 `steer run`을 실행하세요.",
    },
    "fits": {"en": "Scenarios that fit:", "ko": "알맞은 시나리오:"},
    "heard": {"en": "Said before (not checked again):", "ko": "전에 나눈 이야기(다시 확인하지 않음):"},
    "before": {"en": "Seen before:", "ko": "전에 있었던 일:"},
    "nothing": {"en": "I know nothing about that.", "ko": "그에 대해 아는 것이 없습니다."},
    "failed": {"en": "{agent} could not: {why}", "ko": "{agent} 실패: {why}"},
    "worded": {
        "en": "In the words of {model}, which can err; in brackets what each sentence rests on:",
        "ko": "{model}의 표현이며 틀릴 수 있습니다; 괄호 안은 각 문장의 근거입니다:",
    },
    "not_worded": {
        "en": "{model} said nothing that rests on what was found ({n} sentences dropped, error {why})",
        "ko": "{model}의 답에 근거가 있는 문장이 없습니다 (버린 문장 {n}개, 오류 {why})",
    },
    "no_plan": {"en": "There is no plan in this conversation yet.", "ko": "이 대화에는 아직 계획이 없습니다."},
    "no_evidence": {"en": "Nothing has been investigated yet.", "ko": "아직 조사한 것이 없습니다."},
    "no_why": {"en": "Nothing has been answered yet.", "ko": "아직 답한 것이 없습니다."},
    "forgot": {"en": "forgot {count} turns", "ko": "{count}개의 발언을 지웠습니다"},
    "unknown": {"en": "there is no {word}; /help shows the commands", "ko": "{word} 명령은 없습니다; /help를 보세요"},
    "ran": {"en": "Run {run} of the plan {digest}: {state}.", "ko": "실행 {run} (계획 {digest}): {state}."},
    "welcome": {
        "en": "thread {thread} of {namespace}; /help shows the commands, /quit ends",
        "ko": "{namespace}의 대화 {thread}; /help 명령 보기, /quit 끝내기",
    },
    "help": {
        "en": (
            "/why        how the last answer came about, and which rules decide on its plan\n"
            "/evidence   what the last investigation rests on\n"
            "/plan       the last plan\n"
            "/approve    ask to run the last plan; it is shown, and you are asked\n"
            "/forget     forget this thread; /forget all, /forget WORDS\n"
            "/summary    what is kept of this thread\n"
            "/threads    your threads\n"
            "/help, /quit"
        ),
        "ko": (
            "/why        마지막 답의 근거와 계획에 적용되는 규칙\n"
            "/evidence   마지막 조사의 근거 자료\n"
            "/plan       마지막 계획\n"
            "/approve    마지막 계획의 실행 요청 (계획을 보이고 묻습니다)\n"
            "/forget     이 대화 잊기; /forget all, /forget 단어\n"
            "/summary    이 대화에서 기억하는 것\n"
            "/threads    나의 대화 목록\n"
            "/help, /quit"
        ),
    },
}


def say(name: str, lang: Lang, **values: object) -> str:
    """The sentence in that language."""
    return WORDS[name][lang].format(**values)
