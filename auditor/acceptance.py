"""What people say of findings: waivers (accepted, until when) and attestations (what no API can show). Plain frozen data."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

__all__ = ["NOTHING_ACCEPTED", "Accepted", "Attestation", "AttestationUse", "Waiver", "WaiverUse", "glob_matches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What waivers and attestations share: of what somebody speaks, where, until when, and where it is written."""

    check: str = ""
    """A check's id, also a former one; empty where a pattern is named."""
    pattern: str = ""
    """A bullet's id; empty where a check is named."""
    resource: str = ""
    """A glob (``*``, ``?``): of the whole ARN where it begins with ``arn:``, else of the whole name; empty: any."""
    account: str = ""
    region: str = ""
    until: date
    """The last day it holds (UTC)."""
    place: str = ""
    """``waivers.toml:12``; empty for one that is kept in the store."""
    number: int = 0
    """Of one that is kept in the store; 0 for one of a file."""
    recorded_by: str = ""
    """Who put it into the store."""
    recorded_at: datetime | None = None
    """When it was put into the store (UTC)."""
    revoked_at: datetime | None = None
    revoked_by: str = ""

    @property
    def source(self) -> str:
        """Where it is written, for people: file and line, or who put it into the store and when."""
        if self.recorded_at is None:
            return self.place
        return f"the store, number {self.number}, by {self.recorded_by} on {self.recorded_at:%Y-%m-%d}"

    @property
    def subject(self) -> str:
        """The check or the pattern it is about."""
        return self.check or self.pattern

    def is_about(self, check: str, former: Sequence[str], patterns: Sequence[str]) -> bool:
        """Whether it is about a check of that id, those FORMER ids and those PATTERNS."""
        return self.check in (check, *former) if self.check else self.pattern in patterns

    def reaches(self, account: str, region: str, id: str, name: str) -> bool:
        """Whether the resource lies where it holds."""
        return (
            self.account in ("", account)
            and self.region in ("", region)
            and (not self.resource or glob_matches(self.resource, id if self.resource.startswith("arn:") else name))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(_Said):
    """An accepted finding: it stays a failure, and weighs nothing until the waiver ends."""

    tag: str = ""
    """``key=value`` that the resource carries; empty: any."""
    reason: str
    owner: str
    ticket: str = ""

    def waives(
        self, account: str, region: str, id: str, name: str, tags: Callable[[], Mapping[str, str] | None]
    ) -> bool | None:
        """Whether it is about the resource; TAGS is asked only where a tag is named. ``None``: the tags could not be read."""
        if not self.reaches(account, region, id, name):
            return False
        if not self.tag:
            return True
        held = tags()
        key, _, value = self.tag.partition("=")
        return None if held is None else held.get(key) == value


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation(_Said):
    """A person's dated statement where no API can show it."""

    statement: str
    author: str
    """Who states it."""
    given: date
    """When it was stated."""
    evidence: str = ""
    """A URL, or a file's path; without any it proves nothing."""
    sha256: str = ""
    """Of the file, in hex."""
    doubt: str = ""
    """What is wrong with the evidence, found when it was loaded: a file that has changed since."""

    def fault(self, today: date, max_age_days: int | None = None) -> str:
        """Return why it proves nothing on the day TODAY, in a clause; empty when it does prove its statement."""
        if self.until < today:
            return f"ran out on {self.until}"
        if max_age_days is not None and (age := (today - self.given).days) > max_age_days:
            return f"is {age} days old, {max_age_days} allowed"
        if not self.evidence:
            return "names no evidence"
        return self.doubt


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """A waiver in one scan: whether it held, and what it waived."""

    waiver: Waiver
    state: str
    """``active``, ``ending`` (active, and announced to end), ``expired``, ``unused`` (it matches nothing), ``unknown``
    (no such check or pattern) or ``unread`` (what it is about was not read, so nothing is known of it)."""
    findings: int = 0
    """Findings it waives; of an expired one, those it would waive."""


@dataclass(frozen=True, slots=True)
class AttestationUse:
    """An attestation in one scan: what is wrong with it, and which verdicts stand on it."""

    attestation: Attestation
    fault: str = ""
    """Why it proves nothing; empty when it holds."""
    verdicts: tuple[tuple[str, str], ...] = ()
    """Check and resource (id) of each verdict that was given by it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What people said of one scan, as it was taken into account."""

    waived: Mapping[str, Waiver] = field(default_factory=dict)
    """Finding's key -> the waiver that takes its weight."""
    waivers: tuple[WaiverUse, ...] = ()
    attestations: tuple[AttestationUse, ...] = ()
    notices: tuple[str, ...] = ()
    """What somebody should look at, a sentence each: ended, ending soon, matching nothing, not known."""


NOTHING_ACCEPTED = Accepted()


def glob_matches(glob: str, text: str) -> bool:
    """Whether the whole TEXT matches GLOB: ``*`` stands for any characters, ``?`` for one; case counts.

    Takes at most length of TEXT times length of GLOB steps, whatever the two hold.
    """
    first, *rest = _parts(glob)
    found = first.match(text)
    if found is None:
        return False
    if not rest:
        return found.end() == len(text)
    at = found.end()
    *middle, last = rest
    for part in middle:
        # The leftmost place is as good as any: what follows has the more room.
        if (found := part.search(text, at)) is None:
            return False
        at = found.end()
    begin = len(text) - last.length
    return begin >= at and last.match(text, begin) is not None


class _Part:
    """What stands between two stars."""

    def __init__(self, part: str) -> None:
        expression = re.compile("".join("." if letter == "?" else re.escape(letter) for letter in part), re.DOTALL)
        self.match, self.search, self.length = expression.match, expression.search, len(part)


@functools.lru_cache(maxsize=1024)
def _parts(glob: str) -> tuple[_Part, ...]:
    return tuple(map(_Part, re.sub(r"\*+", "*", glob).split("*")))
