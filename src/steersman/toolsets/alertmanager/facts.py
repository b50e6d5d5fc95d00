"""What the operations of Alertmanager take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from steersman.domain.fact import Fact, Slug
from steersman.domain.typed import Partial
from steersman.queries.matching import LabelName, Matcher, MatchOp
from steersman.queries.moments import Limit

Second = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
"""An instant in UTC to the second, spelled in one way only, so that states can be compared."""
SilenceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class Nothing(Fact):
    """No arguments."""


class AlertSearch(Fact):
    """Arguments of `alerts` and `groups`; a flag that is false leaves out what is so."""

    filter: tuple[Matcher, ...] = Field(default=(), max_length=20)
    active: bool | None = None
    silenced: bool | None = None
    inhibited: bool | None = None
    limit: Limit = 1_000


class SilenceSearch(Fact):
    """Arguments of `silences`."""

    filter: tuple[Matcher, ...] = Field(default=(), max_length=20)
    limit: Limit = 1_000


class SilenceLookup(Fact):
    """Arguments of `silence`."""

    id: SilenceId


class SilenceName(Fact):
    """Arguments of `get_silence` and `expire_silence`: a name that Steersman gave."""

    name: Slug


class LabelTest(Fact):
    """How a label is compared."""

    op: MatchOp
    value: str = Field(max_length=1_000)


class NewSilence(Fact):
    """Arguments of `create_silence`."""

    name: Slug
    """Chosen by who plans; a second silence of the same name is the same silence."""
    matchers: dict[LabelName, LabelTest] = Field(min_length=1, max_length=20)
    """By label; all must hold, and one at least must be an equality."""
    ends_at: Second
    comment: str = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _narrow(self) -> NewSilence:
        if not any(test.op == "=" and test.value for test in self.matchers.values()):
            raise ValueError(
                'one matcher at least must be an equality, such as {"alertname": {"op": "=", "value": ...}}'
            )
        return self


class Alert(Fact):
    """One alert. Its texts are untrusted."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    starts_at: str
    ends_at: str
    receivers: tuple[str, ...] = ()
    generator_url: str = ""


class Alerts(Partial):
    """Alerts that the server knows of."""

    alerts: tuple[Alert, ...]
    left_out: int = 0


class Group(Fact):
    """Alerts that are told together."""

    receiver: str
    labels: dict[str, str]
    alerts: tuple[Alert, ...]


class Groups(Partial):
    """Groups of alerts."""

    groups: tuple[Group, ...]
    left_out: int = 0


class Silence(Fact):
    """A silence, of whomever."""

    id: str
    state: str
    matchers: tuple[Matcher, ...]
    starts_at: str
    ends_at: str
    created_by: str
    comment: str


class Silences(Partial):
    """Silences: active, pending, expired."""

    silences: tuple[Silence, ...]
    left_out: int = 0


class FoundSilence(Fact):
    """A silence, or that there is none of that id."""

    found: bool
    silence: Silence | None = None


class SilenceState(Fact):
    """What `get_silence` observes: the state that the writes change."""

    exists: bool
    matchers: dict[str, LabelTest] | None = None
    ends_at: str | None = None
    comment: str | None = None


class Created(Fact):
    """Answer of `create_silence`."""

    id: str


class Expired(Fact):
    """Answer of `expire_silence`."""

    ids: tuple[str, ...]


class Names(Fact):
    """Receivers."""

    names: tuple[str, ...]


class Status(Fact):
    """Which server answers. Its configuration stays there: it may hold secrets."""

    version: str
    cluster: str
    peers: int
    uptime_since: str = ""
