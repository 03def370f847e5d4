"""What the checks of databases share: an instance for the cases, whether one is idle, and the class below."""

import re

from auditor.kit import Facts, Gap, NotApplicable, Unavailable, ago
from auditor.kit.databases import status
from auditor.kit.usage import datapoints, require_days

from ._recommendations import of_database
from .thresholds import RightSize

DB_INSTANCE = "AWS::RDS::DBInstance"
DB_CLUSTER = "AWS::RDS::DBCluster"
INSTANCE_TYPE = "AWS::EC2::InstanceType"
ORDERABLE = "AWS::RDS::OrderableDBInstanceOption"

ARN = "arn:aws:rds:eu-west-1:111122223333:db:shop"
NO_METRICS = {"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}
DATABASE = {
    "DBInstanceIdentifier": "shop",
    "DBInstanceArn": ARN,
    "DBInstanceClass": "db.m5.xlarge",
    "DBInstanceStatus": "available",
    "Engine": "mysql",
    "EngineVersion": "8.0.40",
    "LicenseModel": "general-public-license",
    "MultiAZ": False,
    "StorageType": "gp3",
    "AllocatedStorage": 500,
    "InstanceCreateTime": ago(days=400),
}
MEMBER = {
    **DATABASE,
    "DBClusterIdentifier": "shop-cluster",
    "Engine": "aurora-mysql",
    "DBInstanceClass": "db.r6g.large",
    "StorageType": "aurora",
    "AllocatedStorage": 1,
}


def measured(days: int = 14, **metrics: float) -> dict[str, object]:
    """Return metrics of a database that had these values on each of the last DAYS: ``CPUUtilization__Maximum=12``."""
    return {name.replace("__", "."): datapoints(*[value] * days) for name, value in metrics.items()}


def advice(**fields: object) -> dict[str, object]:
    """Return Compute Optimizer's recommendation for DATABASE with these FIELDS."""
    return {
        "resourceArn": ARN,
        "currentDBInstanceClass": DATABASE["DBInstanceClass"],
        "lastRefreshTimestamp": ago(days=1),
        **fields,
    }


def skip_unavailable(instance: Facts) -> None:
    """Raise NotApplicable for an instance that is stopped, being made or in trouble: its use says nothing then."""
    if status(instance) != "available":
        raise NotApplicable("it is not available, so its use says nothing")


def is_idle(instance: Facts, want: RightSize) -> bool:
    """Whether nobody connected on any of the last days; where there is no data, what Compute Optimizer says.

    Raises Unavailable when neither can tell.
    """
    try:
        series = instance.metric("DatabaseConnections", "Maximum", days=want.rds_idle_days)
        if series and series.maximum > want.rds_idle_connections_max:
            return False
        require_days(series, want.rds_idle_days, 1.0, "DatabaseConnections")
    except Unavailable:
        recommendation = of_database(instance)
        if recommendation and recommendation.get("idle") == "True":
            return True
        raise
    return True


_CLASS = re.compile(r"(db\.[a-z][a-z0-9-]*)\.([a-z0-9][a-z0-9.-]*)", re.ASCII)
_SIZES = (
    *("micro", "small", "medium", "large", "xlarge"),
    *(f"{number}xlarge" for number in (2, 3, 4, 6, 8, 9, 10, 12, 16, 18, 24, 32, 48)),
)


def class_parts(instance: Facts) -> tuple[str, str]:
    """Return family and size of the instance's class: ``db.m5`` and ``large``. Raises Unavailable for another shape."""
    name = str(instance["DBInstanceClass"])
    match = _CLASS.fullmatch(name)
    if not match:
        raise Unavailable(Gap("rds:DescribeDBInstances", "UnknownClass", f"{name} is no class of a family and a size"))
    return match[1], match[2]


_BEGIN_AT_LARGE = re.compile(r"db\.[mr]\d[a-z]*", re.ASCII)
"""Families whose smallest class is ``large`` or smaller. Source: Amazon RDS User Guide, "DB instance class types"."""
_ANY_SIZE = frozenset({"aurora", "aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "postgres"})
"""Engines that run on every size of a family; the others' editions have a smallest of their own."""


def next_smaller(instance: Facts) -> str | None:
    """Return the largest class of the same family below the instance's that its engine can run on.

    ``None``: there is none. Empty: there is one, and which is not known: a version that is no longer sold is offered no
    class, not even the one it runs on. Raises Unavailable when the classes on offer were not read, or do not tell.
    """
    family, size = class_parts(instance)
    own = f"{family}.{size}"
    below = [f"{family}.{name}" for name in _SIZES[: _SIZES.index(size)]] if size in _SIZES else []
    same = (instance["Engine"], instance["EngineVersion"])
    offered = {
        option["DBInstanceClass"]
        for option in instance.related(ORDERABLE, [own, *below], by="DBInstanceClass")
        if (option["Engine"], option["EngineVersion"]) == same
    }
    if own not in offered:
        if same[0] in _ANY_SIZE and f"{family}.large" in below and _BEGIN_AT_LARGE.fullmatch(family):
            return ""
        message = f"AWS offers {own} to no database of version {same[1]}"
        raise Unavailable(Gap("rds:DescribeOrderableDBInstanceOptions", "NotOffered", message))
    return next((name for name in reversed(below) if name in offered), None)
