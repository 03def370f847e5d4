"""Right-size: database classes of former generations."""

from collections.abc import Iterator

from auditor.kit import LOW, Case, Certainty, Evidence, Facts, Fix, NotApplicable, check, sum_of, unpriced
from auditor.kit.bills import database_class, database_hours
from auditor.kit.databases import SERVERLESS

from ._databases import DATABASE, DB_INSTANCE, class_parts
from .thresholds import RightSize


@check(
    "rds-instance-previous-generation",
    pattern="cost.right-sizing.right-size",
    on=DB_INSTANCE,
    severity=LOW,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --db-instance-class {facts.newer}",
        terraform="aws_db_instance.instance_class",
    ),
    same_as=("thrifty:latest_rds_instance_types", "service-screener:LatestInstanceGeneration"),
    passes=[
        DATABASE,
        {**DATABASE, "DBInstanceClass": "db.m7g.large"},
        {**DATABASE, "DBInstanceClass": "db.x2iedn.32xlarge"},
        Case({**DATABASE, "DBInstanceClass": "db.r5.2xlarge.tpc2.mem4x"}, why="a class with more memory, for Oracle"),
    ],
    fails=[
        {**DATABASE, "DBInstanceClass": "db.m4.large"},
        {**DATABASE, "DBInstanceClass": "db.t2.micro"},
        {**DATABASE, "DBInstanceClass": "db.r3.8xlarge"},
    ],
    skips=[{**DATABASE, "DBInstanceClass": SERVERLESS}],
    unknowns=[{**DATABASE, "DBInstanceClass": "huge"}],
)
def rds_instance_previous_generation(instance: Facts, want: RightSize) -> Iterator[Evidence]:
    """A database's class is of a current generation.

    Why: newer classes do more for the same price or less, get new engine versions, and AWS ends the old ones one day.

    Fix: change to the same size of a newer family in a maintenance window; a Graviton one (m7g, r7g, t4g) costs least where
    the engine runs on it.

    Source: Amazon RDS User Guide, "DB instance class types" and "Previous generation instances"; standard, "Match resources
    to actual usage".
    """
    if instance["DBInstanceClass"] == SERVERLESS:
        raise NotApplicable("it is serverless: it has no generation")
    family, size = class_parts(instance)
    if family not in want.rds_previous_families:
        return
    newer = want.rds_newer_families.get(family)
    yield Evidence(
        f"its class is of the former generation {family}",
        {"DBInstanceClass": instance["DBInstanceClass"], "newer": f"{newer}.{size}" if newer else ""},
        saving=sum_of(
            database_hours(instance),
            database_class(instance, f"{newer}.{size}").times(-1),
            certainty=Certainty.ESTIMATE,
        )
        if newer
        else unpriced("no newer family is named in the standard"),
    )
