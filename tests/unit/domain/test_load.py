"""What a generator's process tells of itself."""

from datetime import UTC, datetime

from steersman.domain.load_port import Finished


def test_cpu_while_a_generator_starts_up_is_not_that_of_the_load() -> None:
    finished = Finished(
        exit_code=0,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        finished_at=datetime(2026, 1, 1, tzinfo=UTC),
        wall_s=12.5,
        cores=1,
        cpu_windows=((0.5, 0.99), (1.0, 0.98), (2.5, 0.3), (3.0, 0.4)),
    )
    assert finished.cpu_peak(10) == 0.4
    assert finished.cpu_peak(100) == 0.99
