"""A small world to scan: an account of pumps and valves, three checks, a standard."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from scripted import ACCOUNT

from auditor.aws.answer import Answer, CallError, Operation
from auditor.aws.session import Identity
from auditor.collect import declare
from auditor.collect.declare import Call, ResourceType
from auditor.job import Outcome, exit_code
from auditor.kit import HIGH, LOW, NOW, Case, Check, Evidence, Facts, Fix, NoThresholds
from auditor.kit.money import NoPrices
from auditor.model import Lifecycle
from auditor.scan import Judged, ScanRequest, coverage_percent, run_scan
from auditor.standard import Pattern, Standard
from auditor.store import Store

HERE, THERE = "eu-west-1", "us-east-1"
PUMP, VALVE = "Test::Water::Pump", "Test::Water::Valve"


@dataclass(frozen=True, slots=True)
class Dampness:
    """How wet a pump may be."""

    most_wet: int


def pump_dry(pump: Facts, want: Dampness) -> Iterator[Evidence]:
    """A pump is dry."""
    if pump["Wet"] > want.most_wet:
        yield Evidence(f"it is {pump['Wet']} wet")


def valve_has_pump(valve: Facts, _: NoThresholds) -> Iterator[Evidence]:
    """A valve belongs to a pump of its region."""
    if not valve.related(PUMP, [valve["Pump"]], by="Id"):
        yield Evidence("it has no pump")


def pump_unique(pump: Facts, _: NoThresholds) -> Iterator[Evidence]:
    """No two pumps of the account have the same id."""
    if [other["Id"] for other in pump.all(PUMP, everywhere=True)].count(pump["Id"]) > 1:
        yield Evidence("there are two of them")


def a_check(judge: Any, pattern: str, on: str, **more: Any) -> Check:
    fields: dict[str, Any] = {
        "id": judge.__name__.replace("_", "-"), "patterns": (pattern,), "on": (on,), "severity": HIGH, "fix": Fix(""),
        "thresholds": NoThresholds, "judge": judge, "reads": (), "passes": (Case({}),), "fails": (), "skips": (),
        "unknowns": (), "same_as": (), "aliases": (),
    }  # fmt: skip
    return Check(**(fields | more))


CHECKS = {
    check.id: check
    for check in (
        a_check(pump_dry, "water.pumps.dry", PUMP, thresholds=Dampness),
        a_check(pump_unique, "water.pumps.unique", PUMP, severity=LOW, reads=(PUMP,)),
        a_check(valve_has_pump, "water.valves.pump", VALVE, reads=(PUMP,)),
    )
}


def a_standard(most_wet: int = 0) -> Standard:
    patterns = (
        Pattern("water.pumps.dry", "Water", "Pumps", "Dry", "Pumps are dry", {"most_wet": most_wet}),
        Pattern("water.pumps.unique", "Water", "Pumps", "Unique", "Pumps are unique"),
        Pattern("water.valves.pump", "Water", "Valves", "Pump", "Valves belong to pumps"),
    )
    return Standard("Waterworks", "by hand", patterns, f"digest-{most_wet}")


def a_type(name: str) -> ResourceType:
    with patch.object(declare, "TYPES", {}):
        call = Call("water", f"List{name.rpartition('::')[2]}s", "Items")
        return ResourceType(name, "Something.", list=call, id="arn:{partition}:x:{region}:{account}:{Id}", name="{Id}")


TYPES = {name: a_type(name) for name in (PUMP, VALVE)}
Place = tuple[str, str]
"""Operation and region."""


@dataclass
class Waterworks:
    """An account whose answers are rows or errors, by operation and region; something can be made to happen in a call."""

    rows: dict[Place, list[dict[str, Any]] | CallError] = field(default_factory=dict)
    during: dict[Place, Callable[[], None]] = field(default_factory=dict)
    regions: Sequence[str] | Exception = (HERE, THERE)
    calls: Counter[Place] = field(default_factory=Counter)

    def identify(self) -> Identity:
        return Identity(ACCOUNT, "aws", f"arn:aws:iam::{ACCOUNT}:user/auditor")

    def enabled_regions(self) -> tuple[str, ...]:
        if isinstance(self.regions, Exception):
            raise self.regions
        return tuple(self.regions)

    def caller(self) -> "Waterworks":
        return self

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        place = (operation, region)
        self.calls[place] += 1
        self.during.get(place, lambda: None)()
        answer = self.rows.get(place, [])
        if isinstance(answer, CallError):
            raise answer
        return Answer({"Items": answer}, NOW)

    def operation(self, service: str, operation: str) -> Operation:
        return Operation()

    def pumps(self, **wet: int) -> "Waterworks":
        self.rows["ListPumps", HERE] = [{"Id": name, "Wet": amount} for name, amount in wet.items()]
        return self

    def valves(self, **pumps: str) -> "Waterworks":
        self.rows["ListValves", HERE] = [{"Id": name, "Pump": pump} for name, pump in pumps.items()]
        return self


def scan(store: Store, account: Waterworks, standard: Standard | None = None, **more: Any) -> Judged:
    """Scan as the command does; MORE of it is the request's, or run_scan's own."""
    asked: dict[str, Any] = {"account_name": "works", "threads": 2}
    asked |= {name: more.pop(name) for name in list(more) if name in ScanRequest.__slots__}
    request = ScanRequest(**asked)
    connection: Any = account
    options: dict[str, Any] = {"prices": NoPrices, "checks": CHECKS} | more
    return run_scan(request, connection, store, standard=standard or a_standard(), types=TYPES, **options)


def outcome(judged: Judged) -> Outcome:
    nothing: Any = None
    return Outcome(judged, nothing, (), coverage_percent(judged.coverage.values()))


def code(judged: Judged, fail_on: str = "never", min_coverage: float = 100) -> int:
    return exit_code(outcome(judged), fail_on, min_coverage)


def lives(store: Store, judged: Judged) -> dict[str, Lifecycle]:
    return {state.finding.name: state.lifecycle for state in store.changes(judged.scan.id)}
