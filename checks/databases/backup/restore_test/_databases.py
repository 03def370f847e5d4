"""Which databases are to be restored, and since when there is something to restore."""

from datetime import datetime

from auditor.kit import Facts, parse_time
from auditor.kit import databases as rds
from auditor.kit.restores import REDSHIFT_CLUSTER, TABLE


def created_at(database: Facts) -> datetime:
    """Return when DATABASE was created (UTC). Raises NotApplicable for what is restored with another: members, replicas."""
    if database.type == TABLE:
        return parse_time(database["Table"]["CreationDateTime"])
    if database.type == REDSHIFT_CLUSTER:
        return database.time("ClusterCreateTime")
    rds.skip_member(database)
    rds.skip_replica(database)
    rds.skip_transient(database)
    return rds.created_at(database)
