"""Findings in the report's order, in runs of those that are alike: what each has of its own stands in columns."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from auditor.model import FindingState, Severity, Verdict
from auditor.report.inputs import NOTHING_KNOWN, Known, ReportInputs
from auditor.report.text import clean_all, word

__all__ = ["Run", "ordered", "runs_of"]


class Run:
    """Findings of one check, verdict, severity, type, region and account, in order; its lists are as long as it."""

    __slots__ = (
        "account", "arns", "check", "ids", "known", "names", "region", "sentences", "severity", "shown", "states", "type",
        "verdict",
    )  # fmt: skip

    def __init__(
        self, states: list[FindingState], known: list[Known], names: list[str], shown: list[str], ids: list[str],
        arns: list[str],
    ) -> None:  # fmt: skip
        """KNOWN: of their resources; NAMES and IDS of those, and the same as readers see them: SHOWN and ARNS."""
        self.states, self.known, self.names, self.shown, self.ids, self.arns = states, known, names, shown, ids, arns
        first = states[0].finding
        self.check, self.verdict, self.severity = first.check, first.verdict, first.severity
        self.type, self.region, self.account = first.type, first.region, first.account
        self.sentences = [
            evidence[0].sentence if (evidence := state.finding.evidence) else state.finding.reason for state in states
        ]
        """The first evidence's, or why it is unknown; as the check gave them."""

    def parted(self, by: Callable[[FindingState], bool]) -> "tuple[Run | None, list[FindingState]]":
        """Return the run without those that BY holds for, and those."""
        kept = [not by(state) for state in self.states]
        if all(kept):
            return self, []
        out = [state for state, keep in zip(self.states, kept, strict=True) if not keep]
        places = [place for place, keep in enumerate(kept) if keep]
        return (self._at(places) if places else None), out

    def _at(self, places: Sequence[int]) -> "Run":
        lists = self.states, self.known, self.names, self.shown, self.ids, self.arns
        return Run(*[[held[place] for place in places] for held in lists])  # type: ignore[arg-type]


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
    last, get = len(rank), inputs.resources.get
    severities = {id(severity): severity.rank for severity in Severity}  # hashing a severity itself is dear
    alike: dict[tuple[bool, int, str, str], list[FindingState]] = {}
    for state in states:
        finding = state.finding
        kind = finding.verdict is not Verdict.FAIL, id(finding.severity), finding.check, finding.region
        held = alike.get(kind)
        if held is None:
            held = alike[kind] = []
        held.append(state)
    places: dict[tuple[bool, int, int, str], list[FindingState]] = {}
    for (open, severity, check, region), held in alike.items():
        place = open, severities[severity], rank.get(check, last), word(region)
        places.setdefault(place, []).extend(held)
    for place in sorted(places):
        held = places[place]
        ids = [state.finding.resource for state in held]
        known = [get(id, NOTHING_KNOWN) for id in ids]
        names = [of.name or state.finding.name or id for of, state, id in zip(known, held, ids, strict=True)]
        shown, arns = clean_all(names), clean_all(ids)
        order = sorted(range(len(held)), key=list(zip(shown, arns, strict=True)).__getitem__)
        lists = [[values[at] for at in order] for values in (held, known, names, shown, ids, arns)]
        yield from _uniform(lists)


def _uniform(lists: list[list]) -> Iterator[Run]:  # type: ignore[type-arg]
    """Yield runs of what is one in all that a run shares: nearly always that is all of it."""
    alike = [(of.check, of.type, of.region, of.account) for of in [state.finding for state in lists[0]]]
    if len(set(alike)) == 1:
        yield Run(*lists)
        return
    start = 0
    for at in range(1, len(alike) + 1):
        if at == len(alike) or alike[at] != alike[start]:
            yield Run(*[values[start:at] for values in lists])
            start = at
