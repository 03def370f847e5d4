"""What the auditor is told and what it must not forget: waivers, attestations, and dated evidence of every scan."""

from auditor.ledger.book import NO_LEDGER, Ledger, load, problems
from auditor.ledger.dated import remember, remembered

__all__ = ["NO_LEDGER", "Ledger", "load", "problems", "remember", "remembered"]
