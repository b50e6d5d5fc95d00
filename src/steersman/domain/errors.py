"""One tree of errors, split by who acts next.

    SteersmanError
    ├── InputError             the caller mends what was given          exit 2
    ├── ConfigError            the operator mends the configuration     exit 2
    ├── ToolError              another way may work                     exit 1
    │   └── NoSourceError         nothing here measures or keeps it
    ├── UnavailableError       trying again later may work              exit 1
    │   └── OutcomeUnknownError   sent, no answer: settle, never retry blindly
    ├── GuardrailError         recorded, never retried                  exit 4
    │   ├── PolicyDeniedError
    │   ├── ApprovalNeededError   parks the run                         exit 3
    │   ├── ApprovalRefusedError  forged, expired, replayed, altered
    │   ├── DriftError
    │   ├── EnvironmentMismatchError
    │   ├── BudgetExceededError
    │   └── StoppedError          the kill switch is on
    ├── ConcurrencyError       somebody else is on it                   exit 1
    └── IntegrityError         the journal is not what was written      exit 1

Messages say what, the value as `!r`, and the remedy, in one line.
"""

from __future__ import annotations

from typing import ClassVar

from steersman.domain.exit_codes import ExitCode


class SteersmanError(Exception):
    """Base of all expected errors. Anything else is a bug and stops the run."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class InputError(SteersmanError):
    """What was given is wrong; the message says how to mend it."""

    exit_code = ExitCode.USAGE


class ConfigError(SteersmanError):
    """The configuration is wrong; an operator mends it."""

    exit_code = ExitCode.USAGE


class ToolError(SteersmanError):
    """The tool answered that it will not do this call; another way may work."""


class NoSourceError(ToolError):
    """Nothing here measures or keeps what is asked for: asking again is no use, and nothing is down."""


class UnavailableError(SteersmanError):
    """The tool could not be reached or was busy; the call had no effect."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknownError(UnavailableError):
    """The call was sent and no answer came: it may or may not have had its effect."""


class GuardrailError(SteersmanError):
    """A guard said no. Recorded, never retried."""

    exit_code = ExitCode.REFUSED
    guard: str = ""
    """Which guard said so; set by the gate."""


class PolicyDeniedError(GuardrailError):
    """The policy denies the call."""


class ApprovalNeededError(GuardrailError):
    """The call waits for a person's approval; `approval_id` names the request."""

    exit_code = ExitCode.WAITING

    def __init__(self, message: str, *, approval_id: str) -> None:
        super().__init__(message)
        self.approval_id = approval_id


class ApprovalRefusedError(GuardrailError):
    """An approval was presented that does not allow this."""


class DriftError(GuardrailError):
    """The world is not as it was when the plan was made."""


class EnvironmentMismatchError(GuardrailError):
    """The call would act on another environment than was planned."""


class BudgetExceededError(GuardrailError):
    """The run's budget of calls, seconds, tokens or money is used up."""


class StoppedError(GuardrailError):
    """The kill switch is on."""


class ConcurrencyError(SteersmanError):
    """Somebody else does it, or has begun to: the same attempt is recorded already, or the lease is another's."""


class IntegrityError(SteersmanError):
    """The journal is not what was written: edited, cut, reordered or unreadable."""
