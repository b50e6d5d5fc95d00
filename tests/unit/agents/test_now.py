from steersman.agents.now import measured_now
from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Selector, Series, SignalName, Window
from steersman.testing.clock import NOON


class Some:
    """A source that knows the error rate, has no points of the queue, and cannot be asked for more."""

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        assert selector.service == "payments"
        assert (window.end - window.start).total_seconds() == 300
        if signal == "error_rate":
            return Series(signal=signal, selector=selector, times=(1.0, 2.0), values=(0.1, 0.3))
        if signal == "queue_depth":
            return Series(signal=signal, selector=selector, times=(), values=())
        raise UnavailableError("down")


async def test_what_cannot_be_measured_is_left_out_and_never_zero() -> None:
    found = await measured_now(Some(), "payments", ("error_rate", "queue_depth", "cpu"), now=NOON)
    assert found == {"error_rate": 0.2}
