"""Everything a check may import. Change with care: checks outside this repository depend on it."""

from auditor.kit.check import CATALOG, Case, Check, Fix, NoThresholds, check, stated
from auditor.kit.facts import ATTESTATION, OBSERVED_AT, Facts, NotApplicable, Series, Unavailable
from auditor.kit.money import (
    HOURS_PER_MONTH,
    Certainty,
    Part,
    Price,
    PriceBook,
    Saving,
    recommended,
    saving,
    sum_of,
    unpriced,
)
from auditor.kit.time import DAYS, HOURS, MINUTES, NOW, ago, hours_between, iso, parse_duration, parse_time
from auditor.model import Document, Evidence, Gap, Severity

CRITICAL, HIGH, MEDIUM, LOW, INFO = Severity

__all__ = [
    "ATTESTATION",
    "CATALOG",
    "CRITICAL",
    "DAYS",
    "HIGH",
    "HOURS",
    "HOURS_PER_MONTH",
    "INFO",
    "LOW",
    "MEDIUM",
    "MINUTES",
    "NOW",
    "OBSERVED_AT",
    "Case",
    "Certainty",
    "Check",
    "Document",
    "Evidence",
    "Facts",
    "Fix",
    "Gap",
    "NoThresholds",
    "NotApplicable",
    "Part",
    "Price",
    "PriceBook",
    "Saving",
    "Series",
    "Severity",
    "Unavailable",
    "ago",
    "check",
    "hours_between",
    "iso",
    "parse_duration",
    "parse_time",
    "recommended",
    "saving",
    "stated",
    "sum_of",
    "unpriced",
]
