"""The numbers of "Testing"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestoreTest:
    """The numbers of "Testing"."""

    restore_test_max_age_days: int
    scope: str
