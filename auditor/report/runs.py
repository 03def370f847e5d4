"""Findings in the report's order, in runs of those that are alike: what each has of its own stands in columns."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain, pairwise
from operator import eq
from typing import NamedTuple

from auditor.model import Document, Evidence, FindingState, Gap, Lifecycle, Saving, Severity, Verdict
from auditor.report.columns import picked
from auditor.report.inputs import NOTHING_KNOWN, Known, ReportInputs
from auditor.report.tags import TagColumns, tag_columns
from auditor.report.text import clean, clean_all, word

__all__ = ["Run", "is_waived", "ordered", "runs_of"]

MOST = 4096
"""Findings of one run."""
_LONGEST = 1024
"""Characters of a name and an ARN that are taken for one made of the other."""
_NEW = (Lifecycle.OPENED, Lifecycle.REOPENED)


class Own(NamedTuple):
    """Columns of what findings of one run have of their own."""

    keys: tuple[str, ...]
    evidence: tuple[tuple[Evidence, ...], ...]
    reasons: tuple[str, ...]
    gaps: tuple[tuple[Gap, ...], ...]
    faults: tuple[bool, ...]
    lifecycles: tuple[Lifecycle, ...]
    since: tuple[datetime, ...]


class First(NamedTuple):
    """Columns of what their first evidence says."""

    sentences: tuple[str, ...]
    facts: tuple[Document, ...]
    savings: tuple[Saving | None, ...]


class Run:
    """Findings of one check, verdict, severity, type, region and account, in order; its lists are as long as it: at most MOST."""

    def __init__(
        self, frame: tuple[str, str] | None, states: list[FindingState], known: list[Known], names: list[str],
        shown: list[str], ids: list[str], arns: list[str],
    ) -> None:  # fmt: skip
        """KNOWN: of their resources; NAMES and IDS of those, and the same as readers see them: SHOWN and ARNS.

        FRAME: what stands before and after the name in every ARN; ``None``: they differ in more, or are not as readers see them.
        """
        self.states, self.known, self.names, self.shown, self.ids, self.arns = states, known, names, shown, ids, arns
        self.frame = frame
        first = states[0].finding
        self.check, self.verdict, self.severity = first.check, first.verdict, first.severity
        self.type, self.region, self.account = first.type, first.region, first.account

    @cached_property
    def own(self) -> "Own":
        """What each finding has of its own, read at one go: what lies far apart in memory is visited once."""
        rows = [
            (of.key, of.evidence, of.reason, of.gaps, of.fault, state.lifecycle, state.since)
            for state, of in zip(self.states, [state.finding for state in self.states], strict=True)
        ]
        return Own(*zip(*rows, strict=True))

    @cached_property
    def first(self) -> "First | None":
        """What the first evidence of each finding says; ``None``: some have none, for they are unknown."""
        evidence = self.own.evidence
        if not all(evidence):
            return None
        return First(*zip(*[(of.sentence, of.facts, of.saving) for of in [said[0] for said in evidence]], strict=True))

    @cached_property
    def more(self) -> list[int]:
        """The places of findings with more than one evidence."""
        return [place for place, said in enumerate(self.own.evidence) if len(said) > 1]

    @cached_property
    def sentences(self) -> list[str]:
        """The first evidence's, or why it is unknown; as the check gave them."""
        if self.first:
            return list(self.first.sentences)
        own = self.own
        return [said[0].sentence if said else reason for said, reason in zip(own.evidence, own.reasons, strict=True)]

    @cached_property
    def tags(self) -> TagColumns:
        """Of the resources."""
        return tag_columns([of.tags for of in self.known])

    @cached_property
    def new(self) -> list[int]:
        """1 for each that was opened or reopened by this scan, else 0."""
        return list(map(int, map(_NEW.__contains__, self.own.lifecycles)))

    def savings(self) -> list[tuple[int, int, Saving]]:
        """Return for each failure that has a saving its place, the number of the evidence that has the largest, and that."""
        savings = list(self.first.savings) if self.first else []
        numbers: dict[int, int] = {}
        for place in self.more if savings else ():
            saving = self.states[place].finding.saving
            if saving:
                savings[place], numbers[place] = saving, [of.saving for of in self.own.evidence[place]].index(saving)
        if not any(savings):
            return []
        return [(place, numbers.get(place, 0), saving) for place, saving in enumerate(savings) if saving]

    def parted(self) -> "tuple[Run | None, list[FindingState]]":
        """Return the run without those that are waived, and those."""
        waived = [state.waiver is not None for state in self.states] if self.verdict is Verdict.FAIL else []
        if not any(waived):
            return self, []
        out = [state for state, is_out in zip(self.states, waived, strict=True) if is_out]
        places = [place for place, is_out in enumerate(waived) if not is_out]
        return (self._at(places) if places else None), out

    def _at(self, places: list[int]) -> "Run":
        lists = self.states, self.known, self.names, self.shown, self.ids, self.arns
        return Run(self.frame, *[picked(held, places) for held in lists])


def is_waived(state: FindingState) -> bool:
    """Whether it fails and is accepted; what is unknown has no weight to take."""
    return state.waiver is not None and state.finding.verdict is Verdict.FAIL


def ordered(inputs: ReportInputs, checks: Sequence[str]) -> Callable[[], Iterator[Run]]:
    """Return what gives all findings of a scan in order, as often as it is called; CHECKS (ids) gives the order."""
    states = inputs.states
    if isinstance(states, Sequence):
        held = states
        return lambda: runs_of(held, inputs, checks)
    read = states
    return lambda: chain.from_iterable(runs_of(batch, inputs, checks) for batch in read(checks))


def runs_of(states: Iterable[FindingState], inputs: ReportInputs, checks: Sequence[str]) -> Iterator[Run]:
    """Yield STATES with failures first, worst first, then in the order of CHECKS (ids), by region and name as readers see them."""
    rank = {id: number for number, id in enumerate(checks)}
    last = len(rank)
    severities = {id(severity): severity.rank for severity in Severity}  # hashing a severity itself is dear
    alike: dict[tuple[bool, int, str, str, str, str], list[FindingState]] = {}
    for state in states:
        of = state.finding
        kind = of.verdict is not Verdict.FAIL, id(of.severity), of.check, of.region, of.type, of.account
        held = alike.get(kind)
        if held is None:
            held = alike[kind] = []
        held.append(state)
    places: dict[tuple[bool, int, int, str], list[list[FindingState]]] = {}
    for (open, severity, check, region, _, _), held in alike.items():
        place = open, severities[severity], rank.get(check, last), word(region)
        places.setdefault(place, []).append(held)
    for place in sorted(places):
        kinds = places[place]
        yield from _in_order(kinds[0] if len(kinds) == 1 else [*chain.from_iterable(kinds)], len(kinds) == 1, inputs)


def _in_order(held: list[FindingState], uniform: bool, inputs: ReportInputs) -> Iterator[Run]:
    """Yield findings of one place in the report's order, by name; UNIFORM: all are one in what a run shares, as nearly always."""
    get = inputs.resources.get
    ids = [state.finding.resource for state in held]
    known = [get(id, NOTHING_KNOWN) for id in ids]
    names = [of.name or state.finding.name or id for of, state, id in zip(known, held, ids, strict=True)]
    shown = clean_all(names)
    frame = _frame(ids, names) if shown is names else None
    arns = ids if frame else clean_all(ids)
    order = _order(shown, arns)
    same_names, same_ids = shown is names, arns is ids
    held, known, names, ids = picked(held, order), picked(known, order), picked(names, order), picked(ids, order)
    shown, arns = names if same_names else picked(shown, order), ids if same_ids else picked(arns, order)
    for start, end in _spans(held, uniform):
        yield Run(frame, *[column[start:end] for column in (held, known, names, shown, ids, arns)])  # type: ignore[arg-type]


def _order(names: list[str], arns: list[str]) -> list[int]:
    """Return the places of NAMES in their order; of equal ones, which are rare, in that of their ARNs."""
    order = sorted(range(len(names)), key=names.__getitem__)
    ordered = picked(names, order)
    if any(map(eq, ordered, ordered[1:])):
        order.sort(key=list(zip(names, arns, strict=True)).__getitem__)
    return order


def _spans(states: list[FindingState], uniform: bool) -> Iterator[tuple[int, int]]:
    """Yield from where to where STATES are one in what a run shares, and not too many for one."""
    edges = [0, len(states)]
    if not uniform:
        kinds = [(of.check, of.type, of.region, of.account) for of in [state.finding for state in states]]
        edges[1:1] = [at for at in range(1, len(kinds)) if kinds[at] != kinds[at - 1]]
    for start, end in pairwise(edges):
        for first in range(start, end, MOST):
            yield first, min(first + MOST, end)


def _frame(ids: list[str], names: list[str]) -> tuple[str, str] | None:
    """Return what stands before and after the name in every one of IDS, where all are made so; NAMES are as readers see them."""
    before, found, after = ids[0].rpartition(names[0]) if names[0] else ("", "", "")
    if (
        not found
        or clean(before + after) != before + after
        or len(before + after) + 2 * max(map(len, names)) > _LONGEST
    ):
        return None
    # No name has a line's end: the two are one only where each line is.
    return (before, after) if "\n".join(ids) == before + f"{after}\n{before}".join(names) + after else None
