"""Which rows are healthy, and which belong to the incident."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steersman.diagnosis.bundle import Bundle, Flags, Floats

LEAD_S = 60.0
"""How long before the page a fault is taken to have begun: alert rules commonly wait one minute (`for: 1m`)."""


@dataclass(frozen=True, slots=True)
class Period:
    """The incident is [onset, end); healthy is what is marked as reference or lies before the onset."""

    onset: float
    end: float

    def incident(self, time: Floats, reference: Flags) -> Flags:
        """Rows of the incident."""
        return ~reference & (time >= self.onset) & (time < self.end)

    def healthy(self, time: Floats, reference: Flags) -> Flags:
        """Rows to compare with."""
        return reference | (np.isfinite(time) & (time < self.onset))

    def calm(self, time: Floats, reference: Flags) -> tuple[Flags, Flags]:
        """The healthy rows by stretch: marked as reference, and before the onset."""
        return reference, ~reference & np.isfinite(time) & (time < self.onset)


def period(bundle: Bundle) -> Period:
    """The period of an incident. Without an alert all of the window is suspect, and only reference rows are healthy."""
    onset = bundle.start if bundle.alert is None else max(bundle.start, bundle.alert - LEAD_S)
    return Period(onset=onset, end=bundle.end)
