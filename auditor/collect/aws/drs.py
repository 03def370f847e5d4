"""Elastic Disaster Recovery: servers that are replicated, and the drills and recoveries that launched them."""

from auditor.collect.declare import Call, Dated, ResourceType, Row

_NO_SERVICE = ("UninitializedAccountException",)
"""What an account answers that never set the service up: it has none."""

SOURCE_SERVER = ResourceType(
    "AWS::DRS::SourceServer",
    "A server that Elastic Disaster Recovery replicates, how far behind the copy is, and when it was last launched.",
    list=Call("drs", "DescribeSourceServers", "items", absent=_NO_SERVICE),
    id="{arn}",
    name="{sourceServerID}",
    tags="tags",
    volatile=("dataReplicationInfo", "lifeCycle"),
    drop=("sourceProperties.lastUpdatedDateTime",),
)


_LAUNCHED = ("LAUNCHED", "TERMINATED")
"""What became of a server that a drill launched: once the drill is over, it is ended again."""


def _ended(job: Row) -> bool:
    """Whether it is a drill or a recovery that has ended."""
    return job.get("initiatedBy") in ("START_DRILL", "START_RECOVERY") and job.get("status") == "COMPLETED"


def _launched(job: Row) -> bool:
    """Whether a drill or a recovery launched a server: which ones, its list tells."""
    return _ended(job) and any(
        server.get("launchStatus") in _LAUNCHED for server in job.get("participatingServers") or ()
    )


def _failed(job: Row) -> bool:
    """Whether a drill or a recovery launched none of its servers."""
    servers = job.get("participatingServers") or ()
    return _ended(job) and bool(servers) and all(server.get("launchStatus") == "FAILED" for server in servers)


JOB = ResourceType(
    "AWS::DRS::Job",
    "A drill, recovery or other job of Elastic Disaster Recovery, and which servers took part.",
    list=Call("drs", "DescribeJobs", "items", absent=_NO_SERVICE),
    id="{arn}",
    name="{jobID}",
    # The parameters of actions after a launch can hold anything; the service marks its tags as sensitive.
    drop=("participatingServers[].launchActionsStatus", "tags"),
    dated=(
        Dated("drill", at="endDateTime", about="participatingServers[].sourceServerID", when=_launched),
        Dated("drill-failed", at="endDateTime", about="participatingServers[].sourceServerID", when=_failed),
    ),
)
