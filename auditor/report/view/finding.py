"""One finding as readers see it, what it stands on, and what is accepted or stated beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.model import Lifecycle, Severity, Verdict

__all__ = [
    "AttestationView",
    "DateText",
    "EvidenceView",
    "FindingView",
    "IsoText",
    "SameView",
    "TurnView",
    "WaiverView",
]

DateText = str
"""``2026-06-15 03:00 UTC``."""


IsoText = str
"""``2026-06-15T03:00:00+00:00``; empty where there is none."""


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One observed fact: the sentence and its values."""

    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    """Field -> value as text."""


@dataclass(frozen=True, slots=True)
class WaiverView:
    """An accepted finding's waiver: who, why, until when, and where it is written."""

    subject: str
    """The check's or the pattern's id."""
    scope: str
    """Where it holds, in words; empty: everywhere."""
    reason: str
    owner: str
    ticket: str
    until: str
    """``2026-12-31``: the last day."""
    source: str
    state: str = "active"
    """``active``, ``ending``, ``expired``, ``unused``, ``unknown`` or ``unread``."""
    findings: int = 0
    """Findings it waives in this scan; of an expired one, those it would waive."""

    @property
    def words(self) -> str:
        """How it stands, in a few words."""
        return _WAIVING.get(self.state, self.state)


_WAIVING = {
    "active": "holds",
    "ending": "holds, and ends soon",
    "expired": "has ended",
    "unused": "matches nothing",
    "unknown": "names nothing that is known",
    "unread": "what it is about was not read",
}


@dataclass(frozen=True, slots=True)
class AttestationView:
    """What a person states where no API can show it."""

    subject: str
    """The check's or the pattern's id."""
    scope: str
    statement: str
    author: str
    given: str
    until: str
    evidence: str
    sha256: str
    source: str
    fault: str
    """Why it proves nothing; empty when it holds."""
    verdicts: tuple[tuple[str, str], ...]
    """Check and resource of each verdict that was given by it."""


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn in a finding's life."""

    at: IsoText
    scan: int
    what: Lifecycle
    """``open``: it was unverified, and fails still."""

    @property
    def words(self) -> str:
        """The turn in a few words: ``2026-01-15 reopened``."""
        return f"{self.at[:10]} {_TURNS.get(self.what, self.what)}"


_TURNS = {Lifecycle.OPEN: "fails still", Lifecycle.VANISHED: "gone", Lifecycle.UNVERIFIED: "could not be judged"}


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding that fails or is unknown, with everything a reader needs to act."""

    key: str
    check: str
    """The check's id; its title, why and Terraform attribute are in ``ReportView.checks``."""
    verdict: Verdict
    severity: Severity
    section: str
    """Id of the section of the check's first bullet."""
    resource: str
    name: str
    type: str
    region: str
    account: str
    evidence: tuple[EvidenceView, ...]
    reason: str
    """Why it is unknown, or what could not be read beside what fails."""
    gaps: tuple[str, ...]
    """``operation answered code``, for each."""
    command: str
    """The fix with the resource's own names filled in and quoted for a shell."""
    console: str
    """A page of AWS's console, or empty."""
    since: IsoText
    since_scan: int
    lifecycle: Lifecycle
    last_seen: IsoText
    usd_month: float | None
    """What mending it saves; ``None``: nothing, or not priced."""
    fault: bool
    tags: Mapping[str, str]
    waiver: WaiverView | None = None
    """By what it is accepted."""
    history: tuple[TurnView, ...] = ()
    """Its last turns, oldest first; nothing where it was opened once and has failed since."""

    @property
    def day(self) -> str:
        """The date it was first seen."""
        return self.since[:10]

    @property
    def sentence(self) -> str:
        """The first evidence's sentence, or the reason."""
        return self.evidence[0].sentence if self.evidence else self.reason


@dataclass(frozen=True, slots=True)
class SameView:
    """Failures of one check that read the same, said once."""

    check: str
    severity: Severity
    sentence: str
    type: str
    names: tuple[str, ...]
    """Some of the resources."""
    count: int
    """Of all of them."""
    regions: tuple[str, ...]
