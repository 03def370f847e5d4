"""How a check is declared: one function, its page, its cases and its fix in one place."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.acceptance import Attestation
from auditor.kit.facts import Facts
from auditor.kit.time import ago, parse_time
from auditor.model import Document, Evidence, Gap, Severity

__all__ = ["CATALOG", "Case", "Check", "Fix", "NoThresholds", "check", "stated"]


@dataclass(frozen=True, slots=True)
class NoThresholds:
    """For checks without numbers."""


@dataclass(frozen=True, slots=True)
class Fix:
    """How a finding is mended: as a command with the resource's own fields filled in, and as a Terraform attribute."""

    cli: str
    """``aws … --name {name}``: {name}, {id}, {region}, {account}, {kind} (the type as the AWS CLI calls it: role, db-instance),
    top-level fields of the document and, as {facts.policy}, facts of the finding's first evidence are filled in; a list of
    several stands as words of its own, after ``=`` with commas between. What only a person can know stands in capitals
    (SUBNET_A). May be empty where no command mends it."""
    terraform: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One resource with what it is joined to: a test of the check and an example on its page."""

    document: Document
    related: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    """Resource type -> documents, in the case's own region (a document may say otherwise under ``#region``)."""
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    """Fields of the resource that could not be read."""
    unread: Sequence[str] = ()
    """Resource types that could not be read."""
    type: str = ""
    """The resource's type where the check is about several."""
    tags: Mapping[str, str] = field(default_factory=dict)
    attested: Sequence[Attestation] = ()
    """What people state of it."""
    recorded: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    """Resource type -> documents that only the evidence ledger still holds, in the case's own region."""
    elsewhere: Mapping[str, Mapping[str, Sequence[Document]]] = field(default_factory=dict)
    """Account id -> resource type -> documents of what that account's own scan read; other accounts were not scanned."""
    why: str = ""
    """A few words for people, where the document does not speak for itself."""


def stated(check: str, statement: str, *, given: str = "", until: str = "", evidence: str | None = None) -> Attestation:
    """Return an attestation for a case of CHECK: a month old, with eleven to go and a URL, where nothing else is said."""
    return Attestation(
        check=check,
        statement=statement,
        author="a.lovelace",
        given=parse_time(given or ago(days=30)).date(),
        until=parse_time(until or ago(days=-335)).date(),
        evidence="https://wiki.example.com/attested" if evidence is None else evidence,
        place="attestations.toml:1",
    )


Judge = Callable[[Facts, Any], Iterator[Evidence]]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule about one resource type that serves one or more patterns. Its docstring is its page."""

    id: str
    patterns: tuple[str, ...]
    """The patterns it is reported under; the first one holds its thresholds."""
    on: tuple[str, ...]
    severity: Severity
    fix: Fix
    thresholds: type[Any]
    judge: Judge
    reads: tuple[str, ...]
    """The resource types it joins, besides its own."""
    passes: tuple[Case, ...]
    fails: tuple[Case, ...]
    skips: tuple[Case, ...]
    unknowns: tuple[Case, ...]
    same_as: tuple[str, ...]
    aliases: tuple[str, ...]
    """The ids it had before, the latest first."""

    @property
    def attestable(self) -> bool:
        """Whether a person's word can prove it: whether one of its cases has an attestation."""
        return any(case.attested for case in (*self.passes, *self.fails, *self.skips, *self.unknowns))

    @property
    def first_id(self) -> str:
        """The id it had first: the keys of its findings are made of it and outlive a new name."""
        return self.aliases[-1] if self.aliases else self.id

    @property
    def doc(self) -> str:
        """The page: what must be true, ``Why:`` and ``Fix:`` paragraphs, and where the rule comes from."""
        return inspect.getdoc(self.judge) or ""

    @property
    def title(self) -> str:
        """What must be true, in one sentence: the page's first line."""
        return self.doc.partition("\n")[0]

    def section(self, name: str) -> str:
        """Return the paragraph of the page that begins with ``NAME:``, without the name and with its lines joined; or ``""``."""
        for paragraph in self.doc.split("\n\n"):
            for part in _labelled(paragraph):
                if part.startswith(f"{name}:"):
                    return " ".join(part.removeprefix(f"{name}:").split())
        return ""


def _labelled(paragraph: str) -> Iterator[str]:
    """Yield the labelled parts of a paragraph: a line that begins with ``Word:`` begins a new part."""
    part: list[str] = []
    for line in paragraph.splitlines():
        label = line.partition(":")[0]
        if part and line[:1].isupper() and label != line and label.isalpha():
            yield "\n".join(part)
            part = []
        part.append(line)
    yield "\n".join(part)


CATALOG: dict[str, Check] = {}
"""Every check that has been loaded, by id, in the order of loading."""


def check(
    id: str,
    *,
    pattern: str | Sequence[str],
    on: str | Sequence[str],
    severity: Severity,
    fix: Fix,
    passes: Sequence[Case | Document],
    fails: Sequence[Case | Document],
    skips: Sequence[Case | Document] = (),
    unknowns: Sequence[Case | Document] = (),
    reads: Sequence[str] = (),
    same_as: Sequence[str] = (),
    aliases: Sequence[str] = (),
) -> Callable[[Judge], Judge]:
    """Declare the decorated function as a check.

    The function takes the resource's Facts and its pattern's thresholds (a frozen dataclass, or NoThresholds) and yields
    Evidence for what is wrong; nothing yielded is a pass. It raises NotApplicable where it cannot concern the resource.
    PATTERN names the bullets it serves, the one with its thresholds first. READS names the resource types it joins.
    PASSES, FAILS, SKIPS and UNKNOWNS are its tests and the examples on its page. SAME_AS names the same rule elsewhere
    (``prowler:…``, ``fsbp:…``). ALIASES are ids it had before, the latest first: findings keep their history.

    Raises ValueError when the id is taken.
    """

    def declare(judge: Judge) -> Judge:
        hints = typing.get_type_hints(judge)
        thresholds = [hint for name, hint in hints.items() if name != "return"][1]
        made = Check(
            id=id,
            patterns=(pattern,) if isinstance(pattern, str) else tuple(pattern),
            on=(on,) if isinstance(on, str) else tuple(on),
            severity=severity,
            fix=fix,
            thresholds=thresholds,
            judge=judge,
            reads=tuple(reads),
            passes=_cases(passes),
            fails=_cases(fails),
            skips=_cases(skips),
            unknowns=_cases(unknowns),
            same_as=tuple(same_as),
            aliases=tuple(aliases),
        )
        if id in CATALOG:
            raise ValueError(f"check {id!r} is declared twice")
        CATALOG[id] = made
        return judge

    return declare


def _cases(cases: Sequence[Case | Document]) -> tuple[Case, ...]:
    return tuple(case if isinstance(case, Case) else Case(case) for case in cases)
