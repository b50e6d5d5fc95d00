"""A load profile: who is asked what, how hard, for how long, and what counts as good. Facts only.

Strings are closed sets, patterns or printable text; nothing here is ever pasted into a program: generators take the
profile as JSON data.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from steersman.domain.fact import Digest, Fact, digest

GeneratorName = Literal["k6", "locust", "vegeta"]
Model = Literal["open", "closed"]
"""open: requests start at a rate, whatever the target does; closed: a number of users who wait for answers."""
Shape = Literal["smoke", "load", "stress", "spike", "soak", "breakpoint"]
Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
SAFE_METHODS: frozenset[str] = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing by RFC 9110, 9.2.1; every other one needs an operation that says so."""

MOST_BLOCKS = 40

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Origin = Annotated[
    str,
    StringConstraints(
        pattern=r"^https?://(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$"
    ),
]
RequestPath = Annotated[
    str, StringConstraints(pattern=r"^/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$", max_length=2_000)
]
"""Path and query, percent-encoded as RFC 3986 wants it."""
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{0,1000}$")]
SecretReference = Annotated[str, StringConstraints(pattern=r"^(?:env|file|vault):[A-Za-z0-9_./#-]{1,200}$")]

FRAMING: frozenset[str] = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"}
)
"""Headers by which a request could reach another host or smuggle a second one."""
CREDENTIALS: frozenset[str] = frozenset({"authorization", "cookie"})
"""Headers whose values are secrets: given by reference only."""


class Header(Fact):
    """A header to send. Pairs, not a map: names are somebody's text."""

    name: HeaderName
    value: HeaderValue

    @model_validator(mode="after")
    def _harmless(self) -> Self:
        if self.name.lower() in FRAMING:
            raise ValueError(f"header {self.name!r} is set by the generator; leave it out")
        if self.name.lower() in CREDENTIALS:
            raise ValueError(f"header {self.name!r} carries a secret; use `auth` with a reference such as `env:TOKEN`")
        return self


class Auth(Fact):
    """A header whose value is a secret, resolved when the run starts and never written to a script."""

    header: HeaderName = "Authorization"
    secret: SecretReference

    @model_validator(mode="after")
    def _harmless(self) -> Self:
        if self.header.lower() in FRAMING:
            raise ValueError(f"header {self.header!r} cannot carry a secret; take `Authorization`")
        return self


class Request(Fact):
    """One request of a journey."""

    name: Name
    method: Method = "GET"
    path: RequestPath = "/"
    headers: tuple[Header, ...] = Field(default=(), max_length=30)
    body: str | None = Field(default=None, max_length=65_536)
    expect: tuple[Annotated[int, Field(ge=100, le=599)], ...] = Field(default=(), max_length=20)
    """Statuses that count as success; empty: 200 to 399."""


class Journey(Fact):
    """What one user does, in order."""

    name: Name
    weight: int = Field(default=1, ge=1, le=1_000)
    requests: tuple[Request, ...] = Field(min_length=1, max_length=20)
    think_s: float = Field(default=0.0, ge=0, le=600)
    """Pause after each request but the last in the open model, after each in the closed one."""


class Stage(Fact):
    """A stretch of time that ends at a level: requests (journeys) per second, or users."""

    duration_s: float = Field(gt=0, le=86_400)
    level: float = Field(ge=0, le=1_000_000)
    ramp: bool = False
    """Whether the level is reached in a straight line from the former one, or at once."""


class Segment(NamedTuple):
    """A straight stretch of the level over time."""

    start_s: float
    duration_s: float
    begin: float
    end: float
    before: float
    """Journeys that the open model has started until then."""


class LatencyGoal(Fact):
    """A quantile of latency that must not be exceeded."""

    kind: Literal["latency"] = "latency"
    quantile: float = Field(ge=0.5, le=0.9999)
    max_ms: float = Field(gt=0, le=3_600_000)


class ErrorGoal(Fact):
    """A share of failed requests that must not be exceeded."""

    kind: Literal["errors"] = "errors"
    max_ratio: float = Field(gt=0, lt=1)


class FailureGoal(Fact):
    """A number of failed requests that must not be exceeded: an exact count, for smoke tests."""

    kind: Literal["failures"] = "failures"
    max_count: int = Field(ge=0, le=1_000_000)


Goal = Annotated[LatencyGoal | ErrorGoal | FailureGoal, Field(discriminator="kind")]


class AbortWhen(Fact):
    """What ends a run before its time: seen while it goes on, for a while without a break."""

    kind: Literal["errors", "latency"]
    above: float = Field(gt=0, le=3_600_000)
    """errors: share of failed requests; latency: 95th percentile in milliseconds."""
    for_s: float = Field(default=5.0, gt=0, le=600)

    @model_validator(mode="after")
    def _a_share(self) -> Self:
        if self.kind == "errors" and self.above >= 1:
            raise ValueError(f"a share of failed requests is below 1; write {self.above / 100:g} for {self.above:g} %")
        return self

    def __str__(self) -> str:
        what = f"{self.above:.3g} of requests failed" if self.kind == "errors" else f"p95 above {self.above:g} ms"
        return f"{what} for {self.for_s:g} s"


class LoadProfile(Fact):
    """Everything that a load generator must know."""

    name: Name
    target: Origin
    """Scheme, host and port; redirects are not followed, so nothing else is ever asked."""
    model: Model = "open"
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=50)
    warm_up_s: float = Field(default=0.0, ge=0, le=3_600)
    """Seconds at the start, inside the stages, that are sent and not measured."""
    journeys: tuple[Journey, ...] = Field(min_length=1, max_length=20)
    goals: tuple[Goal, ...] = Field(default=(), max_length=20)
    abort: tuple[AbortWhen, ...] = Field(default=(), max_length=10)
    """What ends the run at once, as a failure."""
    timeout_s: float = Field(default=10.0, gt=0, le=120)
    """A request that takes longer has failed."""
    max_in_flight: int = Field(default=200, ge=1, le=10_000)
    """Journeys under way at once in the open model; what would need more is dropped and counted."""
    auth: Auth | None = None
    tags: dict[Name, Name] = Field(default={}, max_length=20)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        port = urlsplit(self.target).port  # raises ValueError above 65535
        if port == 0:
            raise ValueError("port 0 is none")
        if all(stage.level == 0 for stage in self.stages):
            raise ValueError("no stage has a level above 0; nothing would be sent")
        if self.warm_up_s >= self.duration_s:
            raise ValueError(f"the warm-up of {self.warm_up_s:g} s leaves nothing of {self.duration_s:g} s to measure")
        names = [f"{journey.name}/{request.name}" for journey in self.journeys for request in journey.requests]
        if len(set(names)) < len(names):
            raise ValueError("two requests have one name; journeys and the requests in each need names of their own")
        if self.model == "closed" and any(stage.level != int(stage.level) for stage in self.stages):
            raise ValueError("in the closed model levels are whole users")
        return self

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return sum(stage.duration_s for stage in self.stages)

    @property
    def peak(self) -> float:
        """The highest level."""
        return max(stage.level for stage in self.stages)

    @property
    def host(self) -> str:
        """The only host that is asked, without port."""
        return urlsplit(self.target).hostname or ""

    @property
    def changes_data(self) -> bool:
        """Whether a request uses a method that may change something at the target."""
        return any(request.method not in SAFE_METHODS for journey in self.journeys for request in journey.requests)

    @property
    def peak_requests_s(self) -> float:
        """Requests per second at the peak, in the open model: a journey can have more than one."""
        total = sum(journey.weight for journey in self.journeys)
        return self.peak * sum(journey.weight * len(journey.requests) for journey in self.journeys) / total

    @property
    def fingerprint(self) -> Digest:
        """Equal for profiles whose runs may be compared: the same load, whatever target, name, goals and tags."""
        load = self.model_dump(mode="json", exclude={"name", "target", "goals", "abort", "tags", "auth"})
        return digest(load)

    def segments(self) -> tuple[Segment, ...]:
        """The stages as straight lines, with what has been started before each."""
        found: list[Segment] = []
        at = level = before = 0.0
        for stage in self.stages:
            begin = level if stage.ramp else stage.level
            found.append(Segment(at, stage.duration_s, begin, stage.level, before))
            before += stage.duration_s * (begin + stage.level) / 2
            at, level = at + stage.duration_s, stage.level
        return tuple(found)

    def planned(self, start_s: float, end_s: float) -> float:
        """Journeys that the open model starts between two instants: the area under its stages."""
        area = 0.0
        for segment in self.segments():
            low, high = max(start_s, segment.start_s), min(end_s, segment.start_s + segment.duration_s)
            if high > low:
                slope = (segment.end - segment.begin) / segment.duration_s
                area += (high - low) * (segment.begin + slope * ((low + high) / 2 - segment.start_s))
        return area

    def block_edges(self) -> tuple[float, ...]:
        """Instants that cut the measured time into equal blocks of a second or more, at most 40."""
        measured = self.duration_s - self.warm_up_s
        count = min(max(int(measured), 1), MOST_BLOCKS)
        return tuple(self.warm_up_s + measured * i / count for i in range(count + 1))


def stages_of(shape: Shape, level: float, duration_s: float) -> tuple[Stage, ...]:
    """The usual stages of a kind of load test, with `level` as its ordinary load.

    smoke and soak hold it; load ramps up, holds, and down; stress climbs to twice, spike jumps to five times and back;
    breakpoint climbs in a straight line from nothing to `level`.
    """
    d = duration_s
    match shape:
        case "smoke" | "soak":
            return (Stage(duration_s=d, level=level),)
        case "load":
            return (
                Stage(duration_s=d * 0.2, level=level, ramp=True),
                Stage(duration_s=d * 0.7, level=level),
                Stage(duration_s=d * 0.1, level=0, ramp=True),
            )
        case "stress":
            return tuple(
                stage
                for factor in (1.0, 1.5, 2.0)
                for stage in (
                    Stage(duration_s=d * 0.1, level=round(level * factor), ramp=True),
                    Stage(duration_s=d * 0.7 / 3, level=round(level * factor)),
                )
            )
        case "spike":
            return (
                Stage(duration_s=d * 0.3, level=level),
                Stage(duration_s=d * 0.2, level=level * 5),
                Stage(duration_s=d * 0.5, level=level),
            )
        case "breakpoint":
            return (Stage(duration_s=d, level=level, ramp=True),)


class LoadCaps(Fact):
    """What the operator allows of any load run."""

    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """Hosts that may be asked, whole names."""
    requests_s: float = Field(default=500.0, gt=0)
    users: int = Field(default=200, gt=0)
    duration_s: float = Field(default=1_800.0, gt=0)


def excess(profile: LoadProfile, caps: LoadCaps) -> str | None:
    """What goes beyond the caps, with the remedy; None when nothing does."""
    if profile.host not in caps.hosts:
        where = "`environments.NAME.load.hosts`"
        return f"host {profile.host!r} is not on the list of hosts that may be put under load; add it to {where}"
    if profile.duration_s > caps.duration_s:
        return f"{profile.duration_s:g} s is longer than the cap of {caps.duration_s:g} s; shorten the stages"
    if profile.model == "open" and profile.peak_requests_s > caps.requests_s:
        return f"{profile.peak_requests_s:g} requests/s is above the cap of {caps.requests_s:g}; lower the levels"
    users = profile.peak if profile.model == "closed" else profile.max_in_flight
    if users > caps.users:
        return f"{users:g} users at once is above the cap of {caps.users}; lower `level` or `max_in_flight`"
    return None


class Gap(Fact):
    """Something of a profile that a generator cannot do as written; told before the run."""

    generator: GeneratorName
    feature: Literal[
        "closed_model",
        "smooth_levels",
        "idle_stage",
        "think_time",
        "journey_order",
        "weights",
        "in_flight_cap",
        "auth",
        "abort",
    ]
    severity: Literal["refused", "approximated"]
    """refused: the run would mean something else, so it is not made."""
    detail: str


class Compiled(Fact):
    """A profile in a generator's own language."""

    generator: GeneratorName
    files: dict[str, str]
    """Name to text; together they are what a person would run by hand."""
    main: str
    gaps: tuple[Gap, ...] = ()
