"""What RDS and CloudTrail tell of a database that failed over: DocumentDB and Neptune answer on the same API."""

from datetime import timedelta

from auditor.kit import Facts, parse_time
from auditor.kit.databases import identifier, is_cluster
from auditor.kit.trail import TRAIL_EVENT, record_of

from .thresholds import FailoverTest

EVENT = "AWS::RDS::Event"


def is_recent_date(date: str, database: Facts, want: FailoverTest) -> bool:
    """Return whether DATE lies in the quarter."""
    return database.observed_at - parse_time(date) <= timedelta(days=want.failover_test_max_age_days)


def by_event(database: Facts, want: FailoverTest) -> bool:
    """Whether RDS reported a completed failover; the API gives no event ids, so the message tells."""
    if not want.count_unplanned:
        return False  # An event does not tell whether somebody wanted it.
    for event in database.recorded(EVENT, "SourceArn"):
        if (
            "failover" in event.get("EventCategories", ())
            and "completed" in event["Message"].lower()
            and is_recent_date(event["Date"], database, want)
        ):
            return True
    database.referrers(EVENT, "SourceArn")
    return False


def by_call(database: Facts, want: FailoverTest) -> bool:
    """Whether CloudTrail recorded a successful call that forces a failover."""
    path = "Resources[].ResourceName"
    for event in (
        *database.recorded(TRAIL_EVENT, path, identifier(database)),
        *database.recorded(TRAIL_EVENT, path),
    ):
        if event["EventName"] == (
            "FailoverDBCluster" if is_cluster(database) else "RebootDBInstance"
        ) and is_recent_date(event["EventTime"], database, want):
            record = record_of(event)
            parameters = record.get("requestParameters") or {}
            forced = is_cluster(database) or parameters.get("forceFailover") is True
            if forced and not record.get("errorCode"):
                return True
    database.referrers(TRAIL_EVENT, path)
    return False
