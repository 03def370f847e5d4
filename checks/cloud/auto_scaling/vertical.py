"""Vertical scaling: Resize instances (limited)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from auditor.kit import LOW, MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.databases import DB_INSTANCE, SERVERLESS, is_running, skip_replica

GROUP = "AWS::AutoScaling::AutoScalingGroup"
OPTION = "AWS::RDS::OrderableDBInstanceOption"


@dataclass(frozen=True, slots=True)
class Vertical:
    """How resizing must be possible, and stay limited."""

    max_resizes_per_90_days: int
    vertical_headroom_steps: int
    min_resource_age_days: int
    storage_headroom_min_pct: int


_TEMPLATE = {"LaunchTemplateId": "lt-0a1", "LaunchTemplateName": "web", "Version": "$Latest"}


@check(
    "asg-uses-launch-template",
    pattern="cloud.auto-scaling.vertical",
    on=GROUP,
    severity=MEDIUM,
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --launch-template 'LaunchTemplateId=TEMPLATE,Version=$Latest'",
        terraform="aws_autoscaling_group.launch_template",
    ),
    same_as=("prowler:autoscaling_group_using_ec2_launch_template", "fsbp:AutoScaling.9"),
    passes=[
        {"LaunchTemplate": _TEMPLATE},
        {"MixedInstancesPolicy": {"LaunchTemplate": {"LaunchTemplateSpecification": _TEMPLATE}}},
    ],
    fails=[{"LaunchConfigurationName": "web-2019"}],
)
def asg_uses_launch_template(group: Facts, _: Vertical) -> Iterator[Evidence]:
    """An Auto Scaling group launches its instances from a launch template.

    Why: a launch configuration can never be changed, so another instance type means replacing it; AWS gives it no new
    instance types and no new features.

    Fix: make a launch template of the configuration's values and give it to the group.

    Source: AWS FSBP AutoScaling.9; Amazon EC2 Auto Scaling User Guide, "Launch configurations" (deprecated); standard,
    "Resize instances (limited)".
    """
    if group.get("LaunchTemplate") or group.get("MixedInstancesPolicy"):
        return
    yield Evidence(
        "launches from a launch configuration, which cannot be changed and is deprecated",
        {"LaunchConfigurationName": group["LaunchConfigurationName"]},
    )


_MYSQL = {"Engine": "mysql", "EngineVersion": "8.0.39", "DBInstanceStatus": "available"}


def _option(size: str, engine: str = "mysql", version: str = "8.0.39") -> dict[str, str]:
    return {"Engine": engine, "EngineVersion": version, "DBInstanceClass": size}


_SIZES = [_option(f"db.r6g.{size}") for size in ("large", "xlarge", "2xlarge", "12xlarge", "16xlarge")]


@check(
    "rds-instance-vertical-headroom",
    pattern="cloud.auto-scaling.vertical",
    on=DB_INSTANCE,
    severity=LOW,
    reads=(OPTION,),
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --db-instance-class CLASS_OF_A_LARGER_FAMILY",
        terraform="aws_db_instance.instance_class",
    ),
    same_as=("service-screener:LatestInstanceGeneration",),
    passes=[
        Case({**_MYSQL, "DBInstanceClass": "db.r6g.large"}, related={OPTION: _SIZES}),
        Case(
            {**_MYSQL, "DBInstanceClass": "db.r6g.2xlarge"},
            related={OPTION: _SIZES},
            why="2xlarge is less than 12xlarge",
        ),
        Case(
            {
                **_MYSQL,
                "Engine": "oracle-ee",
                "EngineVersion": "19.0.0.0",
                "DBInstanceClass": "db.r5.4xlarge.tpc2.mem2x",
            },
            related={OPTION: [_option("db.r5.8xlarge.tpc2.mem3x", "oracle-ee", "19.0.0.0")]},
        ),
    ],
    fails=[
        Case({**_MYSQL, "DBInstanceClass": "db.r6g.16xlarge"}, related={OPTION: _SIZES}),
        Case(
            {**_MYSQL, "DBInstanceClass": "db.r6g.16xlarge"},
            related={OPTION: [*_SIZES, _option("db.r6i.32xlarge"), _option("db.r6g.24xlarge", version="8.4.3")]},
            why="larger, but of another family or for another version",
        ),
        Case({**_MYSQL, "DBInstanceClass": "db.m3.large"}, related={OPTION: _SIZES}, why="the family is sold out"),
    ],
    skips=[
        {**_MYSQL, "Engine": "aurora-mysql", "DBInstanceClass": "db.serverless"},
        {**_MYSQL, "DBInstanceClass": "db.r6g.large", "DBInstanceStatus": "stopped"},
    ],
    unknowns=[
        Case({**_MYSQL, "DBInstanceClass": "db.r6g.large"}, unread=[OPTION]),
        Case({**_MYSQL, "DBInstanceClass": "db.r6g.large"}, why="nothing can be ordered for a version that ended"),
    ],
)
def rds_instance_vertical_headroom(database: Facts, want: Vertical) -> Iterator[Evidence]:
    """A database can still be given a larger class of its family.

    Why: at the largest class the next peak has no quick answer left; changing family or design takes weeks.

    Fix: plan ahead: a larger family, read replicas, or splitting the data.

    Source: Amazon RDS User Guide, "Supported DB engines for DB instance classes" (DescribeOrderableDBInstanceOptions);
    standard, "Resize instances (limited)".
    """
    if database["DBInstanceClass"] == SERVERLESS:
        raise NotApplicable("a serverless instance resizes itself")
    if not is_running(database):
        raise NotApplicable("the instance is not running")
    engine, version = database["Engine"], database["EngineVersion"]
    family, size = _family_and_size(database["DBInstanceClass"])
    larger: set[int] = set()
    orderable = False
    for option in database.known_referrers(OPTION, "EngineVersion", version):
        if option["Engine"] != engine:
            continue
        orderable = True
        other_family, other_size = _family_and_size(option["DBInstanceClass"])
        if other_family == family and other_size > size:
            larger.add(other_size)
            if len(larger) >= want.vertical_headroom_steps:
                return
    database.referrers(OPTION, "EngineVersion", version)
    if not orderable:
        raise Unavailable(Gap(OPTION, "NotFound", f"no class is offered for {engine} {version}"))
    yield Evidence(
        f"larger classes of its family that can be ordered: {len(larger)}, at least {want.vertical_headroom_steps} wanted",
        {"DBInstanceClass": database["DBInstanceClass"], "Engine": engine, "EngineVersion": version},
    )


_SMALL_SIZES = ("nano", "micro", "small", "medium", "large", "xlarge")


@lru_cache(maxsize=4096)
def _family_and_size(instance_class: str) -> tuple[str, int]:
    """Return the family of a class (``r6g`` of ``db.r6g.2xlarge.tpc1``) and a number that grows with its size."""
    _, family, size, *_ = f"{instance_class}..".split(".")
    if size in _SMALL_SIZES:
        return family, _SMALL_SIZES.index(size)
    times = size.removesuffix("xlarge")
    if not times.isdecimal():
        raise Unavailable(Gap(DB_INSTANCE, "NotUnderstood", f"the size of {instance_class} is not known"))
    return family, len(_SMALL_SIZES) + int(times)


_STORAGE = {"Engine": "postgres", "AllocatedStorage": 100}


@check(
    "rds-storage-autoscaling-enabled",
    pattern="cloud.auto-scaling.vertical",
    on=DB_INSTANCE,
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --max-allocated-storage GIB",
        terraform="aws_db_instance.max_allocated_storage",
    ),
    same_as=("service-screener:EnableStorageAutoscaling",),
    passes=[{**_STORAGE, "MaxAllocatedStorage": 500}, {**_STORAGE, "MaxAllocatedStorage": 110}],
    fails=[
        Case(_STORAGE, why="the field is missing when it is off"),
        {**_STORAGE, "MaxAllocatedStorage": 109},
        {**_STORAGE, "MaxAllocatedStorage": 100},
    ],
    skips=[
        Case({**_STORAGE, "Engine": "aurora-mysql", "DBClusterIdentifier": "shop"}, why="grows by design"),
        Case({**_STORAGE, "DBClusterIdentifier": "shop"}, why="a Multi-AZ cluster cannot grow by itself"),
        {**_STORAGE, "ReadReplicaSourceDBInstanceIdentifier": "shop"},
        {**_STORAGE, "Engine": "custom-oracle-ee"},
    ],
)
def rds_storage_autoscaling_enabled(database: Facts, want: Vertical) -> Iterator[Evidence]:
    """A database's storage grows by itself before it is full.

    Why: a database whose storage is full stops; growing it by hand at night takes a person and, within six hours of the
    last growth, is not even possible.

    Fix: set a maximum well above the allocated storage; only what is used is paid for.

    Source: Amazon RDS User Guide, "Managing capacity automatically with Amazon RDS storage autoscaling" (not for Aurora,
    Multi-AZ DB clusters and RDS Custom); standard, "Resize instances (limited)".
    """
    if database.get("DBClusterIdentifier"):
        raise NotApplicable("the storage is its cluster's")
    skip_replica(database)
    if database["Engine"].startswith("custom-"):
        raise NotApplicable("RDS Custom has no storage autoscaling")
    allocated, most = database["AllocatedStorage"], database.get("MaxAllocatedStorage", 0)
    if (most - allocated) * 100 < allocated * want.storage_headroom_min_pct:
        yield Evidence(
            f"storage may grow from {allocated} GiB to {most} GiB: less than {want.storage_headroom_min_pct}% of room"
            if most
            else f"storage is fixed at {allocated} GiB: storage autoscaling is off",
            {"AllocatedStorage": allocated, "MaxAllocatedStorage": most, "wanted_pct": want.storage_headroom_min_pct},
        )
