"""Cost alerts: something watches the costs for anomalies."""

from collections.abc import Iterable, Iterator
from typing import Any

from auditor.kit import MEDIUM, Case, Document, Evidence, Facts, Fix, NotApplicable, Unavailable, ago, check, parse_time
from auditor.kit.billing import ORGANIZATION, billed_here, covers_monitor, partly, payer_of

from .thresholds import CostAlerts

ACCOUNT = "AWS::::Account"
MONITOR = "AWS::CE::AnomalyMonitor"
_PAYER = "999988887777"
_THE_ACCOUNT = {"Account": "111122223333"}
_MEMBER = {ORGANIZATION: [{"MasterAccountId": _PAYER}]}


def _monitor(**fields: Any) -> dict[str, Any]:
    """Return a monitor of all services that looked at them yesterday, but for FIELDS."""
    return {
        "MonitorArn": "arn:aws:ce::111122223333:anomalymonitor/1",
        "MonitorName": "services",
        "MonitorType": "DIMENSIONAL",
        "MonitorDimension": "SERVICE",
        "CreationDate": ago(days=300)[:10],
        "LastEvaluatedDate": ago(days=1)[:10],
        **fields,
    }


def _custom(**expression: Any) -> dict[str, Any]:
    return _monitor(MonitorType="CUSTOM", MonitorName="custom", MonitorSpecification=expression)


def _accounts(*ids: str) -> dict[str, Any]:
    return _custom(Dimensions={"Key": "LINKED_ACCOUNT", "Values": list(ids)})


def _case(*monitors: Document, why: str = "", member: bool = False, payers: Iterable[Document] | None = None) -> Case:
    """Return the account with MONITORS; MEMBER: of an organisation, in whose payer's scan the monitors are PAYERS."""
    elsewhere = {} if payers is None else {_PAYER: {MONITOR: list(payers)}}
    return Case(_THE_ACCOUNT, related={MONITOR: monitors, **(_MEMBER if member else {})}, elsewhere=elsewhere, why=why)


@check(
    "cost-anomaly-monitor",
    pattern="cost.cleanup.cost-alerts",
    on=ACCOUNT,
    severity=MEDIUM,
    reads=(MONITOR, ORGANIZATION),
    fix=Fix(
        cli="aws ce create-anomaly-monitor --anomaly-monitor "
        "MonitorName=services,MonitorType=DIMENSIONAL,MonitorDimension=SERVICE",
        terraform="aws_ce_anomaly_monitor",
    ),
    passes=[
        _case(_monitor()),
        _case(_monitor(MonitorDimension="TAG"), why="one that AWS manages"),
        _case(_accounts("222233334444", "111122223333")),
        _case(_monitor(LastEvaluatedDate=None, CreationDate=ago(days=1)[:10]), why="it is a day old"),
        _case(_monitor(), member=True, why="its own is enough, whoever pays"),
    ],
    fails=[
        _case(why="there is no monitor"),
        _case(_monitor(LastEvaluatedDate=ago(days=20)[:10])),
        _case(_monitor(LastEvaluatedDate=None), why="it never looked"),
        _case(_accounts("222233334444")),
        _case(member=True, payers=[_accounts("222233334444")], why="the payer watches others"),
    ],
    skips=[
        _case(member=True, payers=[_monitor()], why="the payer's monitor sees all that it pays for"),
        _case(member=True, payers=[_accounts("111122223333")]),
    ],
    unknowns=[
        Case(_THE_ACCOUNT, unread=[MONITOR]),
        _case(_custom(Tags={"Key": "team", "Values": ["core"]}), why="how much of the costs has the tag nobody said"),
        _case(member=True, why="the payer was not scanned"),
        _case(member=True, payers=[_monitor(MonitorDimension="COST_CATEGORY")]),
    ],
)
def cost_anomaly_monitor(account: Facts, want: CostAlerts) -> Iterator[Evidence]:
    """Something watches the account's costs for anomalies, and did so in the last days.

    Why: what runs away costs most in its first days. The monitor is free and knows what is usual; a budget does not.

    Fix: create a monitor of AWS services. In an organisation one in the account that pays sees all its members.

    Source: AWS Well-Architected, COST03; AWS Cost Management User Guide, "Detecting unusual spend with AWS Cost Anomaly
    Detection". A monitor of one's own that filters by tags or services watches a part, and how large that is is not read.
    """
    account["Account"]
    billed_here(account)
    faults: dict[str, str] = {}
    unsure = _watched(account.known(MONITOR), account, want, faults)
    if unsure is _ENOUGH:
        return
    payer = payer_of(account, want.payer_account)
    if payer != account.account:
        theirs = _watched(account.elsewhere(payer, MONITOR), account, want, faults)
        if theirs is _ENOUGH:
            raise NotApplicable(f"a monitor of {payer}, which pays for it, watches it")
        unsure = unsure or theirs
    account.require_read(MONITOR)
    if isinstance(unsure, Unavailable):
        raise unsure
    told = "; ".join(f"{name} {fault}" for name, fault in sorted(faults.items()))
    yield Evidence("nothing watches the account's costs: " + (told or "there is no monitor"), {"monitors": faults})


_ENOUGH = object()


def _watched(monitors: Iterable[Facts], account: Facts, want: CostAlerts, faults: dict[str, str]) -> object:
    """Return _ENOUGH when one of MONITORS watches the account, why that is not known, or None; faults go into FAULTS."""
    unsure: Unavailable | None = None
    for monitor in monitors:
        fault = _fault(monitor, account, want.monitor_max_age_days)
        if fault:
            faults[monitor.name] = fault
            continue
        covered = covers_monitor(monitor, account.account)
        if covered:
            return _ENOUGH
        if covered is None:
            unsure = unsure or partly("ce:GetAnomalyMonitors", f"monitor {monitor.name}")
        else:
            faults[monitor.name] = "watches other accounts"
    return unsure


def _fault(monitor: Facts, account: Facts, max_age_days: int) -> str:
    """Return why MONITOR does not work, empty where it does; a new one has a few days to begin."""
    last = str(monitor.get("LastEvaluatedDate", ""))
    since = last or str(monitor.get("CreationDate", ""))
    if since and (account.observed_at.date() - parse_time(since).date()).days <= max_age_days:
        return ""
    return f"looked last on {last[:10]}" if last else "never looked"
