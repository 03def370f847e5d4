"""How many calls a second a service gets: AWS's limits are shared with production, so we stay below them and slow down first."""

import heapq
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Lane", "Limit", "Pace", "lane_name", "limit_of"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: so many calls a second in the long run, so many at once."""

    rate: float
    burst: float


_USUAL = Limit(40, 80)
# AWS documents these (service quotas and API throttling pages); elsewhere the usual limit holds. Each stays below.
_SERVICES = {
    "application-autoscaling": Limit(10, 20),
    "ce": Limit(4, 4),
    "cloudfront": Limit(10, 20),
    "cloudwatch": Limit(20, 40),
    "compute-optimizer": Limit(5, 5),
    "ec2": Limit(18, 45),
    "events": Limit(20, 40),
    "logs": Limit(5, 10),
    "organizations": Limit(4, 8),
    "pricing": Limit(8, 8),
    "route53": Limit(4, 5),
    "s3": Limit(100, 200),
}
# Operations with a limit of their own.
_OPERATIONS = {
    ("cloudtrail", "LookupEvents"): Limit(1.8, 2),
    ("cloudwatch", "DescribeAlarms"): Limit(8, 9),
    ("iam", "GenerateCredentialReport"): Limit(1, 2),
    ("iam", "GetAccountAuthorizationDetails"): Limit(4, 8),
}
_SLOWEST = 0.5
_RISE = 0.02


def limit_of(service: str, operation: str) -> Limit:
    """Return the limit of an operation: its own, or its service's."""
    return _OPERATIONS.get((service, operation)) or _SERVICES.get(service, _USUAL)


def lane_name(service: str, operation: str) -> str:
    """Return what shares one limit: the service, or the operation where that has its own."""
    return f"{service}:{operation}" if (service, operation) in _OPERATIONS else service


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how fast calls are tried again, in seconds."""

    first_delay: float = 0.4
    """The longest wait before the second attempt; doubled for each further one. The wait is drawn from zero to that."""
    longest_delay: float = 20.0
    throttled_attempts: int = 8
    transient_attempts: int = 5
    credentials_attempts: int = 2
    call_seconds: float = 120.0
    """After that a call is given up, whatever it does."""

    def longest_wait(self, attempts: int) -> float:
        """Return the longest wait after so many attempts."""
        return min(self.longest_delay, self.first_delay * 2.0 ** min(attempts - 1, 16))


@dataclass(eq=False, slots=True)
class Lane:
    """The calls of one service in one region: a token bucket that halves its rate when throttled and creeps up again.

    Not thread-safe: the queue's lock guards it.
    """

    limit: Limit
    rate: float
    tokens: float
    counted_at: float
    slowed_at: float = 0.0
    parked: list[tuple[int, int, Any]] = field(default_factory=list)
    """Calls that wait for a token, as a heap."""
    waking: bool = False

    @classmethod
    def of(cls, limit: Limit, now: float) -> "Lane":
        """Return a lane with a full bucket."""
        return cls(limit, limit.rate, limit.burst, now, now)

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self.tokens = min(self.limit.burst, self.tokens + (now - self.counted_at) * self.rate)
        self.counted_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def next_token(self) -> float:
        """Return when the next token comes."""
        return self.counted_at + max(0.0, 1 - self.tokens) / self.rate

    def park(self, entry: tuple[int, int, Any]) -> None:
        """Keep a call until there is a token."""
        heapq.heappush(self.parked, entry)

    def throttled(self, started: float, now: float) -> None:
        """Halve the rate; only once for all calls that were on their way at the same time."""
        if started >= self.slowed_at:
            self.rate = max(min(_SLOWEST, self.limit.rate), self.rate / 2)
            self.tokens = min(self.tokens, 0.0)
            self.slowed_at = self.counted_at = now

    def answered(self) -> None:
        """Let the rate creep up again."""
        if self.rate < self.limit.rate:
            self.rate = min(self.limit.rate, self.rate + self.limit.rate * _RISE)
