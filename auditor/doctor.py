"""What stands in the way of a whole scan: each thing that was looked at, and what to do about it."""

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from auditor import config as configuration
from auditor.accounts import accounts_of
from auditor.aws.answer import Fault
from auditor.aws.faults import classify
from auditor.aws.session import Connection
from auditor.collect.closed import REGION_CLOSED
from auditor.collect.declare import ResourceType
from auditor.collect.plan import make_plan
from auditor.collect.run import collect
from auditor.config import Settings
from auditor.errors import AuditorError
from auditor.job import connection_of, load
from auditor.kit.check import Check
from auditor.model import Coverage, CoverageState, Gap, Resource, Scope
from auditor.reporting import permissions
from auditor.scan import bind_all, enabled_regions
from auditor.selection import choose_regions
from auditor.store import Store

__all__ = ["Diagnosis", "Health", "examine", "gaps_of"]

_CLOCK_SECONDS = 60
"""AWS refuses requests signed more than five minutes off; well before that the clock wants mending."""
_PROBE_SECONDS = 120.0
_NIGHTS_OF_ROOM = 90
"""A disk with room for fewer nights wants attention."""
_IN_EVERY_REGION = "AWS::EC2::VPC"
"""What is asked for to see whether a region is closed: cheap, and there is no region without the service."""
_NAMED = 6
"""How many blinded checks, and bullets of the standard, are named."""
_NO_ANSWER = re.compile("timeout|connection|endpoint|proxy|deadline|incomplete", re.IGNORECASE)
_REMEDIES = {
    Fault.THROTTLED: "AWS throttled it to the end: scan at a quieter hour, or with fewer `threads` in [scan]",
    Fault.TRANSIENT: "AWS or the network did not answer properly: run this again; if it stays, look at network and proxy",
    Fault.CREDENTIALS: "the credentials ended on the way: get new ones that last as long as a scan",
    Fault.UNSUPPORTED: "the endpoint does not know this operation: AWS does, what AWS_ENDPOINT_URL names may not",
    Fault.OTHER: "run this again; if it stays, report it",
}
"""What to do about an answer that is no denial."""


class Health(StrEnum):
    """How a thing that was looked at is."""

    GOOD = "ok"
    POOR = "warning"
    """A scan works, and something will be missing from it."""
    BAD = "problem"
    """A scan cannot work."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    what: str
    health: Health
    finding: str
    """What was seen, in one line."""
    advice: str = ""
    """What to do; empty when nothing is to be done."""


def examine(
    config_path: Path | None, store_url: str | None, default_url: Callable[[], str], *, probe: bool = True
) -> Iterator[Diagnosis]:
    """Yield a diagnosis for configuration, standard and checks, store, credentials, clock, regions and permissions.

    PROBE: read one region as a scan would (keeping nothing) to see which permissions are missing. Never raises for what is
    wrong: that is what it says.
    """
    settings = yield from _configuration(config_path)
    if settings is None:
        return
    loaded = yield from _catalog(settings)
    yield from _store(store_url or settings.store.url or default_url())
    if loaded is None:
        return
    checks, types = loaded
    if settings.several:
        settings = yield from _accounts(settings, types)
        if settings is None:
            return
    try:
        connection = connection_of(settings, types)
        identity = connection.identify()
    except AuditorError as error:
        yield Diagnosis("credentials", Health.BAD, str(error), "mend them, then run this again")
        return
    yield Diagnosis("credentials", Health.GOOD, f"account {identity.account} as {identity.arn}")
    yield _clock(connection)
    try:
        enabled = enabled_regions(connection, settings.account.regions)
        regions = choose_regions(settings.account.regions, enabled)
    except AuditorError as error:
        yield Diagnosis("regions", Health.BAD, str(error), "mend `regions` in [account], or allow ec2:DescribeRegions")
        return
    regions = tuple(region for region in regions if region not in settings.account.closed_regions)
    if not regions:
        yield Diagnosis("regions", Health.BAD, "every one is in closed_regions", "mend closed_regions in [account]")
        return
    if enabled is None:
        said = f"which are enabled may not be asked; {', '.join(regions)} are read, what would join others is unknown"
        yield Diagnosis("regions", Health.POOR, said, "allow ec2:DescribeRegions")
    else:
        yield Diagnosis("regions", Health.GOOD, f"{len(regions)} of {len(enabled)} enabled regions are read")
    if probe:
        shut = _closed(connection, identity.account, identity.partition, regions, types)
        if shut:
            yield _say_closed(shut)
        regions = tuple(region for region in regions if region not in shut) or regions
        home = connection.region if connection.region in regions else regions[0]
        yield from _permissions(connection, identity.account, identity.partition, home, checks, types)


def _accounts(settings: Settings, types: Mapping[str, ResourceType]) -> Generator[Diagnosis, None, Settings | None]:
    """Say of each of several accounts whether it can be entered; return the settings of the first that can."""
    try:
        members = accounts_of(settings)
    except AuditorError as error:
        yield Diagnosis("accounts", Health.BAD, str(error), "mend it, then run this again")
        return None
    entered = []
    for account in members.accounts:
        try:
            identity = connection_of(settings.model_copy(update={"account": account}), types).identify()
        except AuditorError as error:
            yield Diagnosis(
                "accounts", Health.BAD, f"{account.title}: {error}", "the other accounts are scanned without it"
            )
            continue
        yield Diagnosis("accounts", Health.GOOD, f"{account.title}: {identity.account} as {identity.arn}")
        entered.append(account)
    alike: dict[str, list[str]] = {}
    for account, why in members.left_out:
        alike.setdefault(why, []).append(account.title)
    for why, titles in alike.items():
        which = titles[0] if len(titles) == 1 else f"{len(titles):,} accounts"
        yield Diagnosis("accounts", Health.GOOD, f"{which}: not scanned, {why}")
    if not entered:
        return None
    if len(entered) > 1:
        yield Diagnosis("accounts", Health.GOOD, f"what follows was looked at in {entered[0].title}")
    return settings.model_copy(update={"account": entered[0]})


def _configuration(path: Path | None) -> Generator[Diagnosis, None, Settings | None]:
    named = path or configuration.default_path()
    if path is None and not named.is_file():
        yield Diagnosis(
            "configuration", Health.GOOD, "no config.toml: the defaults hold", "`auditor config init` writes one"
        )
        return Settings()
    faults = configuration.problems(named)
    for fault in faults:
        yield Diagnosis("configuration", Health.BAD, fault, "mend this line")
    if faults:
        return None
    yield Diagnosis("configuration", Health.GOOD, f"{named} is valid")
    return configuration.load(named)


def _catalog(
    settings: Settings,
) -> Generator[Diagnosis, None, tuple[Mapping[str, Check], Mapping[str, ResourceType]] | None]:
    try:
        standard, checks, types = load(settings)
        bind_all(checks.values(), standard)
    except AuditorError as error:
        yield Diagnosis("standard", Health.BAD, str(error), "`auditor standard validate` shows all that is wrong")
        return None
    judged = {pattern for check in checks.values() for pattern in check.patterns}
    said = f"{len(standard)} bullets, {len(judged)} of them judged by {len(checks)} checks"
    yield Diagnosis("standard", Health.GOOD, said)
    return checks, types


def _store(url: str) -> Iterator[Diagnosis]:
    try:
        with Store.open(url, migrate=False) as store:
            scans = store.scans(limit=1)
            said = f"{store.url}, revision {store.revision}, " + (
                f"newest scan {scans[0].id} of {scans[0].started_at:%Y-%m-%d %H:%M} UTC" if scans else "no scan yet"
            )
            yield Diagnosis("store", Health.GOOD, said)
            yield _growth(store)
    except AuditorError as error:
        yield Diagnosis("store", Health.BAD, str(error), "name another with --store, or mend this one")


def _growth(store: Store) -> Diagnosis:
    """How large the store is and will be; whether its disk has room for that."""
    size = store.size()
    said = f"{size.bytes / 1e6:,.1f} MB"
    if size.bytes_per_night is None or size.in_a_year is None:
        return Diagnosis("store size", Health.GOOD, f"{said}; how fast it grows shows after a second night")
    said += f", {size.bytes_per_night / 1e6:,.1f} MB a night, {size.in_a_year / 1e6:,.0f} MB in a year at that rate"
    if store.file is not None:
        free = shutil.disk_usage(store.file.parent).free
        if size.bytes_per_night * _NIGHTS_OF_ROOM > free:
            said += f"; its disk has {free / 1e6:,.0f} MB left, room for {free / size.bytes_per_night:,.0f} nights"
            return Diagnosis(
                "store size", Health.POOR, said, "make room, or `auditor db prune` and `auditor db vacuum`"
            )
    return Diagnosis("store size", Health.GOOD, said)


def _clock(connection: Connection) -> Diagnosis:
    try:
        answer = connection.patient().call("sts", "GetCallerIdentity", {}, connection.region)
    except Exception as error:  # noqa: BLE001  (whatever it is, the doctor says it)
        return Diagnosis("clock", Health.POOR, f"could not be compared: {error}")
    seconds = abs((datetime.now(UTC) - answer.date).total_seconds())
    if seconds > _CLOCK_SECONDS:
        return Diagnosis(
            "clock", Health.POOR, f"{seconds:.0f} s off AWS's", "set it (NTP); AWS refuses what is five minutes off"
        )
    return Diagnosis("clock", Health.GOOD, "agrees with AWS's")


class _Nowhere:
    """A sink that keeps nothing."""

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        """Forget the page."""

    def close(self, coverage: Coverage) -> None:
        """Forget the coverage."""


def _closed(
    connection: Connection,
    account: str,
    partition: str,
    regions: Sequence[str],
    types: Mapping[str, ResourceType],
) -> Sequence[str]:
    """Return which of REGIONS a policy of the organisation closes, by one call to each."""
    if _IN_EVERY_REGION not in types:
        return ()
    plan = make_plan([types[_IN_EVERY_REGION]], types, account, partition, regions)
    read = collect(plan, connection.caller(), _Nowhere(), deadline_seconds=_PROBE_SECONDS, limiter=connection.limiter)
    return [scope.region for scope, cover in read.coverage.items() if cover.gap and cover.gap.code == REGION_CLOSED]


def _say_closed(regions: Sequence[str]) -> Diagnosis:
    many = len(regions) != 1
    return Diagnosis(
        "regions",
        Health.POOR,
        f"a policy of the organisation closes {', '.join(sorted(regions))}: what is there cannot be read, and counts so",
        f"name {'them' if many else 'it'} under closed_regions in [account]: then {'they are' if many else 'it is'} "
        "out of scope; no permission of the auditor's role opens such a region",
    )


def _permissions(
    connection: Connection,
    account: str,
    partition: str,
    region: str,
    checks: Mapping[str, Check],
    types: Mapping[str, ResourceType],
) -> Iterator[Diagnosis]:
    """Read REGION as a scan would, and say what is denied, which types that leaves unread and which checks it blinds."""
    needed = sorted({type for check in checks.values() for type in (*check.on, *check.reads)})
    plan = make_plan([types[name] for name in needed], types, account, partition, [region])
    read = collect(plan, connection.caller(), _Nowhere(), deadline_seconds=_PROBE_SECONDS, limiter=connection.limiter)
    yield from gaps_of(read.coverage.values(), checks, types, region)


def gaps_of(
    coverage: Iterable[Coverage], checks: Mapping[str, Check], types: Mapping[str, ResourceType], region: str
) -> Iterator[Diagnosis]:
    """Yield a diagnosis for each operation that left something of REGION unread, denials first.

    What was denied wants a permission; what was answered otherwise wants something else, and no permission mends it.
    """
    codes: dict[tuple[bool, str], set[str]] = defaultdict(set)
    unread: dict[tuple[bool, str], set[str]] = defaultdict(set)
    for cover in coverage:
        found = [(gap, False) for gap in cover.gaps.values()]
        if not cover.state.known and (cover.gap or not cover.gaps):
            gap = cover.gap or Gap(cover.scope.type, str(cover.state))
            found.append((gap, cover.state is CoverageState.DENIED))
        for gap, denied in found:
            denied = denied and gap.code != REGION_CLOSED  # no permission opens it
            key = not (denied or _fault(gap.code) is Fault.DENIED), gap.operation
            codes[key].add(gap.code)
            unread[key].add(cover.scope.type)
    opened = permissions(checks.values(), types)
    for key in sorted(codes):
        otherwise, operation = key
        blinded = sorted(check.id for check in checks.values() if unread[key] & {*check.on, *check.reads})
        blinds = f"blinds {len(blinded)} check{'s' if len(blinded) != 1 else ''}: {', '.join(blinded[:_NAMED])}"
        bullets = sorted({pattern for id in blinded for pattern in checks[id].patterns})
        blinds += f"{', …' if len(blinded) > _NAMED else ''}; of {', '.join(bullets[:_NAMED])}"
        answered = f"{operation} answered {' and '.join(sorted(codes[key]))} in {region}"
        action = opened[operation].action if operation in opened else operation
        yield Diagnosis(
            "answers" if otherwise else "permissions",
            Health.POOR,
            f"{answered}; leaves {', '.join(sorted(unread[key]))} unread"
            + (f"; {blinds}{', …' if len(bullets) > _NAMED else ''}" if blinded else ""),
            _remedy(codes[key]) if otherwise else f"allow {action} (`auditor policy` prints the whole policy)",
        )
    if all(otherwise for otherwise, _ in codes):
        rest = " but for what is said above" if codes else ""
        yield Diagnosis("permissions", Health.GOOD, f"nothing the checks need was denied in {region}{rest}")


def _fault(code: str) -> Fault:
    """Return the family of an error code; the codes of what never became an answer are names of exceptions."""
    if _NO_ANSWER.search(code):
        return Fault.TRANSIENT
    return classify(code, int(code) if code.isdecimal() else 0)


def _remedy(codes: Iterable[str]) -> str:
    """Return what to do about answers that are no denials."""
    return "; ".join(dict.fromkeys(_remedy_of(code) for code in sorted(codes)))


def _remedy_of(code: str) -> str:
    if code == REGION_CLOSED:
        return "a policy of the organisation closes the region: name it under closed_regions in [account]"
    return _REMEDIES.get(_fault(code), _REMEDIES[Fault.OTHER])
