"""The numbers of "Testing"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DisasterRecoveryTest:
    """The numbers of "Testing"."""

    dr_test_max_age_days: int
    count_failed: bool
    accounts_without_production: tuple[str, ...]
