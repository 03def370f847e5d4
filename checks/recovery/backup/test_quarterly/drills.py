"""Each replicated server: it was launched in a drill, or recovered, in the last quarter."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from auditor.kit import (
    DAYS,
    MEDIUM,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    parse_time,
)
from auditor.kit.restores import is_recent

from ._tests import DRILLS, JOB, LAUNCHED
from .thresholds import DisasterRecoveryTest

SOURCE_SERVER = "AWS::DRS::SourceServer"
_OPERATION = "drs:DescribeSourceServers"


def _server(result: str = "SUCCEEDED", days: float = 30, kind: str = "DRILL", status: str = "LAUNCHED") -> Document:
    """A server that was last launched so many days ago, for the cases."""
    called = {"apiCallDateTime": ago(days=days), "jobID": "drsjob-1", "type": kind}
    return {
        "sourceServerID": "s-1",
        "arn": "arn:aws:drs:eu-west-1:111122223333:source-server/s-1",
        "lastLaunchResult": result,
        "lifeCycle": {"addedToServiceDateTime": ago(days=400), "lastLaunch": {"initiated": called, "status": status}},
    }


def _never(days: float = 400, **fields: Any) -> Document:
    """A server that was never launched, for the cases."""
    return {**_server("NOT_STARTED"), "lifeCycle": {"addedToServiceDateTime": ago(days=days)}, **fields}


def _job(days: float = 40, server: str = "s-1", launched: str = "LAUNCHED", **fields: Any) -> Document:
    """A drill that ended so many days ago, for the cases."""
    return {
        "jobID": "drsjob-2",
        "arn": "arn:aws:drs:eu-west-1:111122223333:job/drsjob-2",
        "type": "LAUNCH",
        "initiatedBy": "START_DRILL",
        "status": "COMPLETED",
        "creationDateTime": ago(days=days, hours=1),
        "endDateTime": ago(days=days),
        "participatingServers": [{"sourceServerID": server, "launchStatus": launched}],
        **fields,
    }


def _case(
    server: Document,
    *jobs: Document,
    kept: Sequence[Document] = (),
    unread: Sequence[str] = (),
    gaps: Mapping[str, Gap] | None = None,
    why: str = "",
) -> Case:
    return Case(server, related={JOB: jobs}, recorded={JOB: kept}, unread=unread, gaps=gaps or {}, why=why)


_DENIED = Gap(_OPERATION, "AccessDenied", "")
_IN_ONE_JOB: dict[str, Any] = {
    "participatingServers": [
        {"sourceServerID": "s-1", "launchStatus": "FAILED"},
        {"sourceServerID": "s-2", "launchStatus": "LAUNCHED"},
    ]
}


@check(
    "drs-drill-quarterly",
    pattern="recovery.backup.test-quarterly",
    on=SOURCE_SERVER,
    severity=MEDIUM,
    fix=Fix(
        cli="aws drs start-recovery --is-drill --source-servers sourceServerID={name} --region {region}",
        terraform="aws_scheduler_schedule.target.arn",
    ),
    same_as=("prowler:drs_job_exist",),
    reads=(JOB,),
    passes=[
        _case(_server()),
        _case(_server(kind="RECOVERY"), why="a recovery that was for real proves it as well"),
        _case(_server(status="TERMINATED"), why="what the drill launched was ended again"),
        _case(_server(days=91.5), unread=[JOB]),
        _case(
            _server(days=100),
            kept=[_job()],
            unread=[JOB],
            why="the evidence ledger knows a newer drill that AWS forgot",
        ),
        _case(
            _never(), kept=[_job()], why="its history begins anew when it replicates back; the ledger did not forget"
        ),
        _case(
            _server("PENDING", 0, status="IN_PROGRESS"), _job(60), why="a drill is under way, another one was before"
        ),
        _case(_never(10), kept=[_job(5)], why="young, and launched already"),
    ],
    fails=[
        _case(_never()),
        _case(_never(), unread=[JOB], why="the server itself tells that it was never launched"),
        _case(_server(days=95)),
        _case(_server(days=95), unread=[JOB]),
        _case(_server("FAILED", status="FAILED")),
        _case(
            _server("FAILED", 5, status="FAILED"), _job(), why="the newest launch failed, whatever an older one came to"
        ),
        _case(_server(days=100), _job(40, server="s-2"), why="a drill of another server"),
        _case(_server(days=100), kept=[_job(40, **_IN_ONE_JOB)], why="the job launched another server, not this one"),
        _case(_server(days=100), _job(40, initiatedBy="DIAGNOSTIC")),
        _case(_server(days=100), _job(40, status="STARTED")),
        _case(_server(days=100), kept=[_job(98)], why="the ledger knows an old one alone"),
    ],
    skips=[_case(_never(30)), _case({**_server("FAILED", 5, status="FAILED"), "lifeCycle": _never(30)["lifeCycle"]})],
    unknowns=[
        _case(_server("PENDING", 0, status="IN_PROGRESS"), why="what was before the launch under way is not told"),
        _case(_never(lastLaunchResult="SUCCEEDED"), why="it was launched, and nothing tells when"),
        _case(_never(lifeCycle={}), why="since when it is replicated is not known"),
        Case({"sourceServerID": "s-1"}, gaps={"lifeCycle": _DENIED, "lastLaunchResult": _DENIED}, related={JOB: []}),
    ],
)
def drs_drill_quarterly(server: Facts, want: DisasterRecoveryTest) -> Iterator[Evidence]:
    """A server that Elastic Disaster Recovery replicates was launched in a drill, or recovered, in the last quarter.

    Why: that data arrives does not show that a server starts from it. Drivers, licences, addresses and the launch settings
    prove themselves when the copy runs, and a drill disturbs neither the server nor its replication.

    Fix: start a drill, try the application on it, and end the drill's instances; a schedule of EventBridge Scheduler can start it
    (``arn:aws:scheduler:::aws-sdk:drs:startRecovery``).

    Source: Elastic Disaster Recovery User Guide, "Preparing for failover" (drills regularly); the standard's "Test DR
    procedures quarterly". The server tells its newest launch alone; jobs are forgotten by AWS, what a scan saw of them stands
    in the evidence ledger. A newest launch that failed is a fail, whatever an older one came to, unless ``count_failed`` says
    that a failed test is a test. A server that is replicated for less than a quarter is not judged.
    """
    days, now = want.dr_test_max_age_days, server.observed_at
    launch = server["lifeCycle"].get("lastLaunch") or {}
    called = launch.get("initiated", {})
    newest = parse_time(called["apiCallDateTime"]) if called.get("apiCallDateTime") else None
    result = _result(server, launch)
    if newest and is_recent(newest, now, days):
        if result == "SUCCEEDED" or (result == "FAILED" and want.count_failed):
            return
        if result == "FAILED":
            _skip_new(server, days)
            yield Evidence(
                f"its newest launch, a {str(called.get('type', 'launch')).lower()} {DAYS} days ago, failed",
                {"days": days, "lastLaunchResult": result, "apiCallDateTime": newest.isoformat()},
                since=newest,
            )
            return
    known = sorted(_launches(server))
    if known and is_recent(known[-1], now, days):
        return
    _skip_new(server, days)
    if result == "PENDING":
        raise Unavailable(Gap(_OPERATION, "NotFinished", "a launch is under way, and of those before nothing is known"))
    if not newest and result != "NOT_STARTED":
        raise Unavailable(Gap(_OPERATION, "FieldMissing", "the answer did not hold when it was last launched"))
    newest = max([*known, *([newest] if newest else [])], default=None)
    yield Evidence(
        f"its newest known launch was {DAYS} days ago, {days} allowed"
        if newest
        else "it was never launched in a drill",
        {"days": days, "lastLaunchResult": result, "newest": newest.isoformat() if newest else None},
        since=newest,
    )


def _result(server: Facts, launch: Mapping[str, Any]) -> str:
    """Return what the newest launch came to: PENDING, SUCCEEDED, FAILED, or NOT_STARTED where there was none."""
    if launch.get("status") in ("PENDING", "IN_PROGRESS"):
        return "PENDING"
    return "FAILED" if launch.get("status") == "FAILED" else str(server["lastLaunchResult"])


def _launches(server: Facts) -> Iterator[datetime]:
    """Yield when jobs that are known, by the list or by the ledger, had launched the server (UTC)."""
    id = server["sourceServerID"]
    for job in server.recorded(JOB, "participatingServers[].sourceServerID", id):
        if job["initiatedBy"] not in DRILLS or job["status"] != "COMPLETED" or not job.get("endDateTime"):
            continue
        if any(
            part.get("sourceServerID") == id and part.get("launchStatus") in LAUNCHED
            for part in job["participatingServers"]
        ):
            yield job.time("endDateTime")


def _skip_new(server: Facts, days: int) -> None:
    """Raise NotApplicable for a server that was not yet replicated DAYS ago; Unavailable where that is not known."""
    added = server["lifeCycle"].get("addedToServiceDateTime")
    if not added:
        raise Unavailable(Gap(_OPERATION, "FieldMissing", "the answer did not hold lifeCycle.addedToServiceDateTime"))
    if is_recent(parse_time(added), server.observed_at, days):
        raise NotApplicable(f"it is replicated for less than {days} days")
