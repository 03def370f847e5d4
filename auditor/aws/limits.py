"""How many calls a second a service gets: AWS's limits are shared with production, so we stay below them and slow down first."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["GENTLE", "Lane", "Limit", "Limiter", "Pace", "lane_name", "limit_of"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: so many calls a second in the long run, so many at once."""

    rate: float
    burst: float

    def share(self, fraction: float) -> "Limit":
        """Return FRACTION of the limit; a bucket holds one call at least."""
        return Limit(self.rate * fraction, max(1.0, self.burst * fraction))


GENTLE = 0.25
"""The part of the usual limits that a gentle scan keeps to."""

_USUAL = Limit(10, 20)
"""For services that document none: half of what the documented ones mostly are."""
# AWS counts per account and region; what it documents stands beside each limit (rate / bucket), which stays below it. A page
# in quotation marks is one of docs.aws.amazon.com. "Not documented": looked for and not found there, in November 2026.
_SERVICES = {
    "autoscaling": Limit(12, 24),  # not documented
    # "AWS Backup endpoints and quotas" has calls a second for each operation, in a table that could not be read here.
    "backup": Limit(5, 5),
    "budgets": Limit(4, 4),  # not documented, but that there is one (ThrottlingException in the API reference)
    # Not documented. Who maintains boto advises 10 a second (github.com/boto/botocore/issues/1820).
    "ce": Limit(4, 4),
    "cloudfront": Limit(10, 20),  # not documented
    "cloudtrail": Limit(9, 9),  # "Quotas in AWS CloudTrail": Get, Describe and List 10/s
    "cloudwatch": Limit(20, 22),  # "CloudWatch service quotas": ListMetrics 25/s
    "compute-optimizer": Limit(4, 4),  # not documented; known to be low
    "drs": Limit(4, 4),  # "AWS Elastic Disaster Recovery endpoints and quotas": no rates
    # "Request throttling for the Amazon EC2 API": reading 20/s (100), without filter and page size 10/s (50), for each
    # operation. No operation can outrun its own bucket while all of them together keep to this.
    "ec2": Limit(18, 45),
    # "Request throttling for the Amazon ECS API": a bucket of 50 for reading clusters; its refill (20/s) is from memory.
    "ecs": Limit(18, 45),
    # "Request throttling for the Elastic Load Balancing API": Describe* 40 at once, 10/s; each API version its own.
    "elb": Limit(9, 36),
    "elbv2": Limit(9, 36),
    "events": Limit(20, 40),  # "Amazon EventBridge quotas": 50/s for everything but PutEvents
    # Not documented ("IAM and AWS STS quotas" has none). AWS's support says: token buckets, several for an operation, whose
    # sizes depend on the operation (github.com/hashicorp/terraform-provider-aws/issues/44853). So there is a burst, and
    # nobody can say how large: all of the account's sign-ins and deployments draw from it, too, and 30 is what we dare.
    "iam": Limit(15, 30),
    "lambda": Limit(12, 12),  # "Lambda quotas": control plane 15/s over all operations but GetFunction
    "logs": Limit(4, 4),  # "CloudWatch Logs quotas": reading 5 to 10/s; DescribeDeliverySources is not in it
    "organizations": Limit(4, 8),  # "Quotas for AWS Organizations": reading has its own throttle for each operation
    "pricing": Limit(8, 8),  # not documented
    "route53": Limit(4, 4),  # "Quotas": five requests a second for each account
    "s3": Limit(100, 200),  # "Amazon S3 performance": thousands a second for a prefix; the buckets' settings less
    "secretsmanager": Limit(30, 40),  # ListSecrets 100/s ("What's New", 11 November 2022)
    # "Amazon SNS API Reference": ListTopics and ListSubscriptionsByTopic 30/s each; GetTopicAttributes is not in it.
    "sns": Limit(24, 28),
    "wafv2": Limit(4, 4),  # "AWS WAF quotas": each List and each Get 5/s
}
# Operations with a limit of their own.
_OPERATIONS = {
    ("cloudtrail", "LookupEvents"): Limit(1.8, 2),  # "Quotas in AWS CloudTrail": 2/s
    ("cloudwatch", "DescribeAlarms"): Limit(8, 8),  # "CloudWatch service quotas": 9/s
    # The same page: 50/s, and 396,000 datapoints a second that are older than three hours: 8,400 of them in a call of ours.
    ("cloudwatch", "GetMetricData"): Limit(36, 10),
    ("iam", "GenerateCredentialReport"): Limit(1, 2),
    ("iam", "GetAccountAuthorizationDetails"): Limit(4, 8),
    # "AWS WAF quotas": one a second each.
    ("wafv2", "GetWebACLForResource"): Limit(0.9, 1),
    ("wafv2", "ListResourcesForWebACL"): Limit(0.9, 1),
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
    """The longest wait before the second attempt; doubled for each further one."""
    longest_delay: float = 20.0
    throttled_attempts: int = 8
    transient_attempts: int = 5
    credentials_attempts: int = 2
    call_seconds: float = 120.0
    """After that a call is given up, whatever it does."""

    def longest_wait(self, attempts: int) -> float:
        """Return the longest wait after so many attempts."""
        return min(self.longest_delay, self.first_delay * 2.0 ** min(attempts - 1, 16))

    def wait(self, attempts: int, throttled: bool, lot: random.Random) -> float:
        """Return how long to wait after so many attempts, drawn by LOT: up to the longest wait.

        After throttling at least half of it, so that all attempts together outlast 22 seconds of nothing but throttling.
        """
        longest = self.longest_wait(attempts)
        return lot.uniform(longest / 2 if throttled else 0, longest)


@dataclass(eq=False, slots=True)
class Lane:
    """The calls that share one limit: a token bucket that halves its rate when throttled and creeps up again.

    Not thread-safe: its limiter's lock guards it.
    """

    limit: Limit
    rate: float
    tokens: float
    counted_at: float
    slowed_at: float = 0.0

    @classmethod
    def of(cls, limit: Limit, now: float) -> "Lane":
        """Return a lane with a full bucket."""
        return cls(limit, limit.rate, limit.burst, now, now)

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self.tokens = min(self.limit.burst, self.tokens + max(0.0, now - self.counted_at) * self.rate)
        self.counted_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def next_token(self) -> float:
        """Return when the next token comes."""
        return self.counted_at + max(0.0, 1 - self.tokens) / self.rate

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


@dataclass(eq=False)
class Limiter:
    """One account's limits: a lane for each region and service, and one for the whole account when that has a limit.

    All threads that call in the account share it, whatever they call for. It never waits: it says when a call may be
    made, and whoever asks puts the call aside until then.
    """

    fraction: float = 1.0
    """The part of the usual limits that is used: ``GENTLE`` for a gentle scan."""
    max_rate: float = 0.0
    """Calls a second in the whole account; 0: no limit but the services' own."""
    limits: Callable[[str, str], Limit] = limit_of
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = time.monotonic
    """Counts the seconds of limits, delays and deadlines."""
    _lanes: dict[tuple[str, str], Lane] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def lanes(self, service: str, operation: str, region: str) -> tuple[Lane, ...]:
        """Return the lanes a call needs a token of, in the order they are asked: its service's, then the account's."""
        with self._lock:
            own = self._lane((region, lane_name(service, operation)), service, operation)
            return (own,) if not self.max_rate else (own, self._lane(("", ""), "", ""))

    def _lane(self, key: tuple[str, str], service: str, operation: str) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            # The account's has no burst: whoever sets a rate wants no second to have more.
            limit = self.limits(service, operation).share(self.fraction) if service else Limit(self.max_rate, 1.0)
            lane = self._lanes[key] = Lane.of(limit, self.clock())
        return lane

    def take(self, lane: Lane, now: float) -> bool:
        """Take a token of LANE if there is one."""
        with self._lock:
            return lane.take(now)

    def next_token(self, lane: Lane) -> float:
        """Return when LANE's next token comes."""
        with self._lock:
            return lane.next_token()

    def throttled(self, lane: Lane, started: float, now: float) -> None:
        """Slow LANE down: a call that STARTED then was throttled."""
        with self._lock:
            lane.throttled(started, now)

    def answered(self, lane: Lane) -> None:
        """Let LANE speed up again: a call was answered."""
        with self._lock:
            lane.answered()
