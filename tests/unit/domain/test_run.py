from datetime import UTC, datetime

import pytest

from steersman.domain.errors import IntegrityError
from steersman.domain.run import fold


def test_a_run_without_its_plan_is_an_integrity_error() -> None:
    assert datetime.now(UTC)
    with pytest.raises(IntegrityError):
        fold([])
