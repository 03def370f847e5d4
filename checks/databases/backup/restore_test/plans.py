"""Restore testing plans of AWS Backup: they cover each kind of database and run each month."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from auditor.kit import LOW, Case, Document, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, ago, check
from auditor.kit.cron import fires_each_month
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE
from auditor.kit.restores import DATABASES, REDSHIFT_CLUSTER, TABLE, is_recent, kind_of

from ._databases import created_at
from ._examples import ARN, CLUSTER, ORDERS, table
from .thresholds import RestoreTest

REGION = "AWS::::Region"
PLAN = "AWS::Backup::RestoreTestingPlan"
SELECTION = "AWS::Backup::RestoreTestingSelection"

_TESTABLE = tuple(type for type in DATABASES if type != REDSHIFT_CLUSTER)
"""Source: AWS Backup Developer Guide, "Restore testing": Redshift is not among what can be tested."""

_HERE: dict[str, Any] = {"RegionName": "eu-west-1", "OptInStatus": "opt-in-not-required"}
_TAGGED = {**ORDERS, "TagList": [{"Key": "tier", "Value": "gold"}]}


def _plan(**fields: Any) -> dict[str, Any]:
    """A plan that runs on the first of each month and did so two weeks ago, for the cases."""
    return {
        "RestoreTestingPlanName": "monthly",
        "RestoreTestingPlanArn": "arn:aws:backup:eu-west-1:111122223333:restore-testing-plan:monthly",
        "ScheduleExpression": "cron(0 5 1 * ? *)",
        "CreationTime": ago(days=200),
        "LastExecutionTime": ago(days=14),
        **fields,
    }


def _selection(kind: str = "RDS", arns: Sequence[str] = ("*",), **conditions: Any) -> dict[str, Any]:
    """What the plan restores, for the cases."""
    return {
        "RestoreTestingPlanName": "monthly",
        "RestoreTestingSelectionName": kind.lower(),
        "ProtectedResourceType": kind,
        "Selection": {"ProtectedResourceArns": list(arns), "ProtectedResourceConditions": conditions},
    }


def _case(
    plans: Sequence[Document] = (),
    selections: Sequence[Document] = (),
    databases: Mapping[str, Sequence[Document]] | None = None,
    *,
    unread: Sequence[str] = (),
    why: str = "",
) -> Case:
    held = {DB_INSTANCE: [ORDERS]} if databases is None else databases
    return Case(_HERE, related={PLAN: plans, SELECTION: selections, **held}, unread=unread, why=why)


_GOLD = [{"Key": "aws:ResourceTag/tier", "Value": "gold"}]


@check(
    "restore-testing-plan-monthly",
    pattern="databases.backup.restore-test",
    on=REGION,
    severity=LOW,
    fix=Fix(
        cli="aws backup create-restore-testing-plan --region {name} --restore-testing-plan file://plan.json",
        terraform="aws_backup_restore_testing_plan.schedule_expression",
    ),
    reads=(*_TESTABLE, PLAN, SELECTION),
    passes=[
        _case([_plan()], [_selection()]),
        _case([_plan(ScheduleExpression="cron(0 5 ? * 2#1 *)")], [_selection()], why="each first Monday"),
        _case([_plan()], [_selection(arns=[ARN])]),
        _case([_plan()], [_selection(StringEquals=_GOLD)], {DB_INSTANCE: [_TAGGED]}),
        _case(
            [_plan()],
            [_selection(), _selection("Aurora"), _selection("DynamoDB")],
            {DB_INSTANCE: [ORDERS], DB_CLUSTER: [CLUSTER], TABLE: [table()]},
        ),
        _case(
            [_plan(), _plan(RestoreTestingPlanName="new", CreationTime=ago(days=2), LastExecutionTime=None)],
            [_selection(), {**_selection("Aurora"), "RestoreTestingPlanName": "new"}],
        ),
    ],
    fails=[
        _case(),
        _case([_plan()], [], why="a plan that restores nothing"),
        _case([_plan(ScheduleExpression="cron(0 5 1 1/3 ? *)")], [_selection()], why="each quarter"),
        _case([_plan(LastExecutionTime=ago(days=50))], [_selection()]),
        _case([_plan(LastExecutionTime=None)], [_selection()], why="it never ran"),
        _case([_plan()], [_selection("EBS")]),
        _case([_plan()], [_selection(arns=[f"{ARN}-2"])], why="it names another database"),
        _case([_plan()], [_selection(StringEquals=_GOLD)], why="no database has the tag"),
        _case([_plan()], [_selection(StringNotEquals=_GOLD)], {DB_INSTANCE: [_TAGGED]}),
        _case([_plan()], [_selection()], {DB_INSTANCE: [ORDERS], DB_CLUSTER: [CLUSTER]}, why="Aurora is left out"),
    ],
    skips=[
        _case(databases={}),
        _case(databases={DB_INSTANCE: [{**ORDERS, "InstanceCreateTime": ago(days=5)}]}),
        _case(
            [_plan(CreationTime=ago(days=3), LastExecutionTime=None)], [_selection()], why="its first run is to come"
        ),
    ],
    unknowns=[
        _case(unread=[PLAN]),
        _case([_plan()], unread=[SELECTION]),
        _case(databases={}, unread=[TABLE]),
        _case([_plan(ScheduleExpression="now and then")], [_selection()]),
        _case(
            [_plan()],
            [{key: value for key, value in _selection().items() if key != "Selection"}],
            why="what the selection holds was not read",
        ),
    ],
)
def restore_testing_plan_monthly(region: Facts, want: RestoreTest) -> Iterator[Evidence]:
    """A restore testing plan of AWS Backup restores each kind of database in the region every month.

    Why: a test that somebody must remember is left out when there is much to do. A plan restores by itself, and says so when
    it could not.

    Fix: make a restore testing plan that runs monthly, with a selection for each kind of database.

    Source: AWS Backup Developer Guide, "Restore testing"; the standard's "Test restore monthly". The plan must fire in each
    month, have run in the last 31 days, and select a database of each kind that is there; of those younger than a month, of
    replicas, and of Redshift, which cannot be tested so, nothing is asked.
    """
    region["RegionName"]
    days = want.restore_test_max_age_days
    needed = _needed(region, days)
    faults: dict[str, str] = {}
    pending: set[str] = set()
    gap: Unavailable | None = None
    for plan in region.known(PLAN):
        try:
            fault = _fault(plan, days)
            tested = set() if fault and fault != _TO_COME else _selected(plan, needed)
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
            continue
        if fault == _TO_COME:
            pending |= tested
        elif fault:
            faults[plan.name] = fault
        else:
            needed = {kind: held for kind, held in needed.items() if kind not in tested}
    if not needed:
        return
    region.require_read(PLAN)
    region.require_read(SELECTION)
    if gap:
        raise gap
    left = sorted(set(needed) - pending)
    if not left:
        raise NotApplicable("the plan that restores them is new: its first run is to come")
    yield Evidence(
        f"no restore testing plan restores {', '.join(left)} each month",
        {"kinds": left, "plans": faults, "days": days},
    )


_TO_COME = "did not run yet"


def _needed(region: Facts, days: int) -> dict[str, list[Facts]]:
    """Return the databases of the region that a plan must restore, by AWS Backup's name of their kind."""
    needed: dict[str, list[Facts]] = {}
    young, gap = False, None
    for type in _TESTABLE:
        for database in region.known(type):
            try:
                if is_recent(created_at(database), region.observed_at, days):
                    young = True
                else:
                    needed.setdefault(kind_of(database), []).append(database)
            except NotApplicable:
                continue
            except Unavailable as unavailable:
                gap = gap or unavailable.kept()
    if gap:
        raise gap
    for type in _TESTABLE:
        region.require_read(type)
    if not needed:
        raise NotApplicable(f"its databases are younger than {days} days" if young else "no database here")
    return needed


def _fault(plan: Facts, days: int) -> str:
    """Return why PLAN does not restore each month, empty where it does."""
    schedule = str(plan["ScheduleExpression"])
    try:
        monthly = fires_each_month(schedule, plan.observed_at.date())
    except ValueError as error:
        gap = Gap("backup:ListRestoreTestingPlans", "NotUnderstood", f"the schedule of {plan.name}: {error}")
        raise Unavailable(gap) from None
    if not monthly:
        return f"does not fire each month: {schedule}"
    if plan.get("LastExecutionTime"):
        return (
            "" if is_recent(plan.time("LastExecutionTime"), plan.observed_at, days) else f"did not run in {days} days"
        )
    return _TO_COME if is_recent(plan.time("CreationTime"), plan.observed_at, days) else "never ran"


def _selected(plan: Facts, needed: Mapping[str, Sequence[Facts]]) -> set[str]:
    """Return the kinds of which PLAN selects a database. Raises Unavailable where one selection that matters was not read."""
    found: set[str] = set()
    gap: Unavailable | None = None
    for selection in plan.known_referrers(SELECTION, "RestoreTestingPlanName", str(plan["RestoreTestingPlanName"])):
        kind = str(selection["ProtectedResourceType"])
        try:
            if any(_is_selected(database, selection["Selection"]) for database in needed.get(kind, ())):
                found.add(kind)
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
    if gap and not found.issuperset(needed):
        raise gap
    return found


def _is_selected(database: Facts, selection: Mapping[str, Any]) -> bool:
    arns = selection.get("ProtectedResourceArns") or ()
    if arns and not any(fnmatchcase(database.id, arn) for arn in arns):
        return False
    conditions = selection.get("ProtectedResourceConditions") or {}
    equal, different = conditions.get("StringEquals") or (), conditions.get("StringNotEquals") or ()
    if not equal and not different:
        return bool(arns)
    held = {f"aws:ResourceTag/{key}": value for key, value in database.tags.items()}
    return all(held.get(pair["Key"]) == pair["Value"] for pair in equal) and not any(
        held.get(pair["Key"]) == pair["Value"] for pair in different
    )
