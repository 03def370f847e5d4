"""What the formats of other programs say of a waived finding."""

from auditor.report.view import FindingView

__all__ = ["waiver_words"]


def waiver_words(finding: FindingView) -> str:
    """Return ``waived by OWNER until 2026-12-31 (TICKET): REASON``; empty where nothing is waived."""
    waiver = finding.waiver
    if waiver is None:
        return ""
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    return f"waived by {waiver.owner} until {waiver.until}{ticket}: {waiver.reason}"
