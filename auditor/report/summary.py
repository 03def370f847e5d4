"""One scan in short: what a page over many accounts says of each, kept as a small file beside the account's reports."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from auditor.model import Severity
from auditor.report.money import UNTAGGED
from auditor.report.view import Counts, DateText, MoneyShare, ReportView, SameView, Standing

__all__ = ["SCHEMA", "BulletSummary", "Summary", "summary_from", "summary_json", "summary_of"]

SCHEMA = 1
"""The number of this shape; a file of another one is made anew."""
_WORST = 3


@dataclass(frozen=True, slots=True)
class BulletSummary:
    """How one bullet of the standard stands."""

    standing: Standing
    note: str
    score: float | None
    letter: str | None
    worst: tuple[SameView, ...]
    """Its worst failures, those that read the same together; a few."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One judged scan, counted. Every text in it is clean, as in a ReportView."""

    schema: int
    scan: int
    when: DateText
    digests: tuple[str, str]
    """Of the standard and the checks it was judged by: scores compare only under the same."""
    verdict: str
    score: float | None
    letter: str | None
    sections: Mapping[str, tuple[float | None, str | None]]
    """Section id -> score and letter."""
    severities: Mapping[Severity, int]
    """Failing findings that are not waived; all five keys."""
    waived: int
    unknown: int
    known: int
    """Scopes that were read whole, of those asked."""
    asked: int
    savings: float
    """USD a month: per resource the largest saving, never the sum."""
    savings_by_tag: Mapping[str, tuple[MoneyShare, ...]]
    """Tag key -> its values' shares of the savings, largest first."""
    checks: Mapping[str, Counts]
    """Of the checks that were part of the scan."""
    bullets: Mapping[str, BulletSummary]


def summary_of(view: ReportView) -> Summary:
    """Return what VIEW says, in short."""
    return Summary(
        schema=SCHEMA,
        scan=view.scan,
        when=view.when,
        digests=(view.standard_digest, view.checks_digest),
        verdict=view.verdict,
        score=view.score,
        letter=view.letter,
        sections={section.id: (section.score, section.letter) for section in view.sections},
        severities=view.severities,
        waived=len(view.waived),
        unknown=view.counts.unknown,
        known=view.coverage.known,
        asked=view.coverage.asked,
        savings=view.money.total,
        savings_by_tag={
            name: shares
            for name, shares in (("environment", view.money.by_environment), ("owner", view.money.by_owner))
            if any(share.name != UNTAGGED for share in shares)
        },
        checks={check.id: check.counts for check in view.checks.values() if check.ran},
        bullets={
            bullet.id: BulletSummary(bullet.standing, bullet.note, bullet.score, bullet.letter, bullet.worst[:_WORST])
            for section in view.sections
            for bullet in section.bullets
        },
    )


def summary_json(summary: Summary) -> bytes:
    """Return SUMMARY as JSON; ``summary_from`` reads it."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(dataclasses.asdict(summary), option=options)


def summary_from(data: bytes) -> Summary | None:
    """Return the summary in DATA; ``None`` where it is none of this SCHEMA."""
    from pydantic import TypeAdapter, ValidationError

    try:
        summary = TypeAdapter(Summary).validate_json(data)
    except ValidationError:
        return None
    return summary if summary.schema == SCHEMA else None
