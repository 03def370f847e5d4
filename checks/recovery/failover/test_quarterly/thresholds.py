"""The numbers of "Failover testing"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailoverTest:
    """The numbers of "Failover testing"."""

    failover_test_max_age_days: int
    count_unplanned: bool
