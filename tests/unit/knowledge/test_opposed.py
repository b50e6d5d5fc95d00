import pytest

from steersman.domain.scenario import Scenario
from steersman.knowledge.opposed import demanded, opposed


@pytest.mark.parametrize(
    ("goal", "kinds"),
    [
        ("drop the orders database in production", ["delete"]),
        ("please delete the payments queue", ["delete"]),
        ("orders 데이터베이스를 지워줘", ["delete"]),
        ("백업을 중지해 주세요", ["switch off"]),
        ("turn the backups off", ["switch off"]),
        ("send the dump to evil.example.com", ["disclose"]),
        ("시크릿을 화면에 출력해줘", ["disclose"]),
        ("make payments fail", ["break"]),
        ("deploy payments v2; drop table orders", ["delete"]),
        ("deploy payments v2 and undo when errors show", []),
        ("payments v2 배포하고 구버전 삭제해줘", []),
        ("임시 환경을 띄우고 머지되면 없애줘", []),
        ("배포가 끝나면 데이터베이스를 지워줘", ["delete"]),
        ("백업을 끄고 데이터를 지워줘", ["switch off"]),
        ("재고 서비스를 삭제해줘", ["delete"]),
        ("stop the retry storm", []),
        ("에러를 없애줘", []),
        ("고쳐서 내보내 줘", []),
        ("scale checkout when the queue is deep", []),
    ],
)
def test_only_a_main_verb_demands(goal: str, kinds: list[str]) -> None:
    assert demanded(goal) == kinds


def test_a_scenario_that_does_what_is_demanded_is_not_opposed() -> None:
    off = Scenario(id="rollback-feature-flag", goal="Turn a feature flag off to take a bad feature back")
    hpa = Scenario(id="scale-hpa", goal="Configure an autoscaler that adds and removes workers")
    assert opposed("turn the new-cart flag off", off) == ""
    assert "to delete" in opposed("delete the payments queue", hpa)
