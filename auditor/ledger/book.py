"""The waivers and attestations that stand today, and what came of them in a scan."""

import logging
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from auditor.acceptance import Accepted, Attestation, AttestationUse, Waiver
from auditor.config import Settings
from auditor.kit.check import Check
from auditor.kit.world import Inventory
from auditor.ledger import attestations as attested
from auditor.ledger.attestations import read_attestations
from auditor.ledger.entries import first_of
from auditor.ledger.waivers import lay, read_waivers
from auditor.model import Finding, Scan, Tally
from auditor.standard import Standard
from auditor.store import Store

__all__ = ["NO_LEDGER", "Ledger", "attestation_files", "load", "problems", "waiver_files"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What people say today: waivers and attestations, of files and of the store."""

    waivers: tuple[Waiver, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    announce_days: int = 14
    checks: Mapping[str, Check] = field(default_factory=dict)
    """All checks there are, by id: a waiver of another one is told."""
    patterns: tuple[str, ...] = ()
    """Ids of all patterns there are."""

    def of(self, account: str) -> tuple[Attestation, ...]:
        """Return the attestations that may concern ACCOUNT."""
        return tuple(held for held in self.attestations if held.account in ("", account))

    def lay_over(
        self,
        scan: Scan,
        inventory: Inventory,
        findings: Iterable[Finding],
        tallies: Iterable[Tally],
        regions: Collection[str] = (),
    ) -> Accepted:
        """Return what of SCAN is waived and attested, judged as of the day the scan began (UTC), and what is to be told.

        REGIONS are all that anything of the account was ever read in.
        """
        today = scan.started_at.astimezone(UTC).date()
        tags = _Tags(inventory).of
        accepted = lay(
            self.waivers, findings, tallies, self.checks, self.patterns, tags, scan, today, self.announce_days, regions
        )
        uses = self._attested(scan.account, inventory, today)
        told = attested.notices(uses, self.checks, self.patterns, today, self.announce_days)
        accepted = replace(accepted, attestations=uses, notices=(*accepted.notices, *told))
        for notice in accepted.notices:
            log.warning("%s", notice)
        return accepted

    def _attested(self, account: str, inventory: Inventory, today: date) -> tuple[AttestationUse, ...]:
        verdicts: dict[int, list[tuple[str, str]]] = defaultdict(list)
        faults: dict[int, str] = {}
        for attestation, check, resource, fault in inventory.attested.values():
            verdicts[id(attestation)].append((check, resource))
            faults[id(attestation)] = fault
        return tuple(
            AttestationUse(
                held, faults[id(held)] if id(held) in faults else held.fault(today), tuple(verdicts[id(held)])
            )
            for held in self.of(account)
        )


NO_LEDGER = Ledger()


class _Tags:
    """The tags of findings' resources, looked up only where a waiver names a tag."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._held: dict[str, Mapping[str, Mapping[str, str] | None]] = {}

    def of(self, finding: Finding) -> Mapping[str, str] | None:
        """Return the tags of the finding's resource; ``None`` when they could not be read."""
        if finding.type not in self._held:
            self._held[finding.type] = {facts.id: facts.known_tags for facts in self._inventory.facts(finding.type)}
        return self._held[finding.type].get(finding.resource)


def waiver_files(settings: Settings) -> list[Path]:
    """Return the files of waivers by the settings."""
    return _files(settings, settings.waivers.files, "waivers.toml")


def attestation_files(settings: Settings) -> list[Path]:
    """Return the files of attestations by the settings."""
    return _files(settings, settings.attestations.files, "attestations.toml")


def _files(settings: Settings, named: Sequence[str], usual: str) -> list[Path]:
    if named:
        return [settings.path(name) for name in named]
    beside = settings.path(usual)
    return [beside] if os.path.lexists(beside) else []  # a link that leads nowhere is a file that cannot be read


def load(settings: Settings, store: Store, checks: Mapping[str, Check], standard: Standard) -> Ledger:
    """Return what stands today in the files of the settings and in STORE; CHECKS and STANDARD are all there are.

    Raises ConfigError for a file with anything wrong in it: file, line, what; nothing of such a file is used.
    """
    waivers, attestations, faults = _read(settings)
    if faults:
        raise first_of([fault for fault, _ in faults], f"auditor {faults[0][1]} validate")
    return Ledger(
        waivers=(*waivers, *(held for held in store.waivers() if not held.revoked_at)),
        attestations=(
            *attestations,
            *(attested.verified(held, Path()) for held in store.attestations() if not held.revoked_at),
        ),
        announce_days=settings.waivers.announce_days,
        checks=checks,
        patterns=tuple(pattern.id for pattern in standard),
    )


def problems(settings: Settings) -> list[str]:
    """Return a line for everything that is wrong in the files of waivers and attestations."""
    return [fault for fault, _ in _read(settings)[2]]


def _read(settings: Settings) -> tuple[list[Waiver], list[Attestation], list[tuple[str, str]]]:
    today = datetime.now(UTC).date()
    waivers: list[Waiver] = []
    attestations: list[Attestation] = []
    faults: list[tuple[str, str]] = []
    for path in waiver_files(settings):
        held, wrong = read_waivers(path, settings.waivers.max_days, today)
        waivers += held
        faults += [(fault, "waivers") for fault in wrong]
    for path in attestation_files(settings):
        stated, wrong = read_attestations(path, settings.attestations.max_days, today)
        attestations += stated
        faults += [(fault, "attestations") for fault in wrong]
    return waivers, attestations, faults
