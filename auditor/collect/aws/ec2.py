"""EC2's machines: instances and their types, volumes, snapshots, images and launch templates."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from auditor.collect.asking import batches, raise_first, read, side_by_side
from auditor.collect.aws.autoscaling import GROUPS
from auditor.collect.declare import Call, CallFailed, Collector, Metric, ResourceType, Row
from auditor.model import Gap

INSTANCES = Call("ec2", "DescribeInstances", "Reservations[].Instances", params={"MaxResults": 500})

INSTANCE = ResourceType(
    "AWS::EC2::Instance",
    "A virtual machine. Its user data is never asked for.",
    list=INSTANCES,
    id="arn:{partition}:ec2:{region}:{account}:instance/{InstanceId}",
    name="{InstanceId}",
    tags="Tags",
    get=Call("ec2", "DescribeInstances", "Reservations[].Instances", args={"InstanceIds[]": "InstanceId"}),
)

# ---- volumes ---------------------------------------------------------------------------------------------------------


def _performance_matters(volume: Row) -> bool:
    """Whether the volume's use decides anything: provisioned performance, or gp2's that a gp3 volume would have to match."""
    if volume.get("State") != "in-use":
        return False
    if volume.get("VolumeType") == "gp3":
        # What every gp3 volume has without extra charge (AWS: 3,000 IOPS and 125 MiB/s).
        return bool(volume.get("Iops", 0) > 3000 or volume.get("Throughput", 0) > 125)
    return volume.get("VolumeType") in ("gp2", "io1", "io2")


def _unattached(volume: Row) -> bool:
    return volume.get("State") == "available"


_VOLUME = {"VolumeId": "VolumeId"}

VOLUME = ResourceType(
    "AWS::EC2::Volume",
    "An EBS volume, with the operations and bytes of each hour where performance is paid for.",
    list=Call("ec2", "DescribeVolumes", "Volumes", params={"MaxResults": 500}),
    id="arn:{partition}:ec2:{region}:{account}:volume/{VolumeId}",
    name="{VolumeId}",
    tags="Tags",
    metrics=(
        *(
            Metric("AWS/EBS", name, "Sum", _VOLUME, days=14, period=3600, when=_performance_matters)
            for name in ("VolumeReadOps", "VolumeWriteOps", "VolumeReadBytes", "VolumeWriteBytes")
        ),
        # A volume reports only while it is attached: the last datapoint is when it was detached.
        Metric("AWS/EBS", "VolumeIdleTime", "Sum", _VOLUME, days=90, when=_unattached),
    ),
    get=Call("ec2", "DescribeVolumes", "Volumes", args={"VolumeIds[]": "VolumeId"}),
)

# ---- snapshots and images --------------------------------------------------------------------------------------------

SNAPSHOT = ResourceType(
    "AWS::EC2::Snapshot",
    "An EBS snapshot that this account owns.",
    list=Call("ec2", "DescribeSnapshots", "Snapshots", params={"OwnerIds": ["self"], "MaxResults": 500}),
    owner="OwnerId",
    # AWS's ARN of a snapshot or an image has no account.
    id="arn:{partition}:ec2:{region}::snapshot/{SnapshotId}",
    name="{SnapshotId}",
    tags="Tags",
    volatile=("Progress",),
    get=Call("ec2", "DescribeSnapshots", "Snapshots", args={"SnapshotIds[]": "SnapshotId"}),
)

IMAGE = ResourceType(
    "AWS::EC2::Image",
    "An AMI that this account owns, deprecated and disabled ones included.",
    list=Call(
        "ec2",
        "DescribeImages",
        "Images",
        params={"Owners": ["self"], "IncludeDeprecated": True, "IncludeDisabled": True},
    ),
    id="arn:{partition}:ec2:{region}::image/{ImageId}",
    name="{ImageId}",
    tags="Tags",
    volatile=("LastLaunchedTime",),
)

# ---- launch templates ------------------------------------------------------------------------------------------------

_TEMPLATES = Call("ec2", "DescribeLaunchTemplates", "LaunchTemplates", params={"MaxResults": 200})
_VERSIONS = Call("ec2", "DescribeLaunchTemplateVersions", "LaunchTemplateVersions")
_NEWEST = Call(
    "ec2",
    "DescribeLaunchTemplateVersions",
    "LaunchTemplateVersions",
    params={"Versions": ["$Latest", "$Default"], "MaxResults": 200},
)


def _specifications(group: Row) -> Iterator[Mapping[str, Any]]:
    """Yield the launch template specifications that a group names: its own, the mixed one, and those of the overrides."""
    yield group.get("LaunchTemplate") or {}
    mixed = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    yield mixed.get("LaunchTemplateSpecification") or {}
    for override in mixed.get("Overrides") or ():
        yield override.get("LaunchTemplateSpecification") or {}


def _templates() -> Collector:
    """Yield the templates with their latest and default versions, and the numbered ones that Auto Scaling groups name."""
    templates, newest, groups = yield [_TEMPLATES, _NEWEST, GROUPS]
    if isinstance(templates, CallFailed):
        raise templates
    failed: Gap | None = next((answer.gap for answer in (newest, groups) if isinstance(answer, CallFailed)), None)
    versions: dict[str, dict[int, Row]] = defaultdict(dict)
    if failed is None:
        for version in newest:
            versions[version["LaunchTemplateId"]][version["VersionNumber"]] = version
        named: dict[str, set[str]] = defaultdict(set)
        for specification in (spec for group in groups for spec in _specifications(group)):
            template, number = specification.get("LaunchTemplateId"), str(specification.get("Version", ""))
            if template and number.isdigit() and int(number) not in versions[template]:
                named[template].add(number)
        answers = yield from side_by_side(
            Call(
                "ec2",
                "DescribeLaunchTemplateVersions",
                "LaunchTemplateVersions",
                params={"LaunchTemplateId": template, "Versions": sorted(numbers)},
                # The template or the version that a group names can be gone: then there is none.
                absent=("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound"),
            )
            for template, numbers in sorted(named.items())
        )
        failed = next((answer.gap for answer in answers if isinstance(answer, CallFailed)), None)
        for version in read(answer or () for answer in answers):
            versions[version["LaunchTemplateId"]][version["VersionNumber"]] = version
    yield [
        {
            **template,
            "Versions": failed or [found for _, found in sorted(versions[template["LaunchTemplateId"]].items())],
        }
        for template in templates
    ]


LAUNCH_TEMPLATE = ResourceType(
    "AWS::EC2::LaunchTemplate",
    "A launch template; Versions holds the latest, the default and those that an Auto Scaling group names.",
    collect=_templates,
    calls=(_TEMPLATES, _VERSIONS, GROUPS),
    id="arn:{partition}:ec2:{region}:{account}:launch-template/{LaunchTemplateId}",
    name="{LaunchTemplateName}",
    tags="Tags",
    drop=("Versions[].LaunchTemplateData.UserData",),
)

# ---- instance types --------------------------------------------------------------------------------------------------

_INSTANCE_TYPES = Call("ec2", "DescribeInstanceTypes", "InstanceTypes")
# Lists that are read anyway; of all their rows at once only this is held.
_TYPES_OF_INSTANCES = replace(INSTANCES, result="Reservations[].Instances[].InstanceType")
_DB_CLASSES = Call("rds", "DescribeDBInstances", "DBInstances[].DBInstanceClass")
_TYPES_PER_CALL = 100
_KEPT = ("InstanceType", "MemoryInfo", "VCpuInfo", "CurrentGeneration")


def _instance_types() -> Collector:
    """Yield the types of the region's instances and databases. A database class is the type of the same name after ``db.``."""
    instances, databases = yield [_TYPES_OF_INSTANCES, _DB_CLASSES]
    names = {*read([instances]), *(name.removeprefix("db.") for name in read([databases]))}
    answers = yield from side_by_side(
        Call(
            "ec2",
            "DescribeInstanceTypes",
            "InstanceTypes",
            # A filter, because a name that EC2 does not know (db.serverless) would fail the call as an argument.
            params={"Filters": [{"Name": "instance-type", "Values": batch}]},
        )
        for batch in batches(sorted(names), _TYPES_PER_CALL)
    )
    yield [{name: row[name] for name in _KEPT if name in row} for row in read(answers)]
    raise_first([instances, databases, *answers])


INSTANCE_TYPE = ResourceType(
    "AWS::EC2::InstanceType",
    "A type of machine that an instance or a database of the region runs on: its memory and processors.",
    collect=_instance_types,
    calls=(_TYPES_OF_INSTANCES, _DB_CLASSES, _INSTANCE_TYPES),
    id="arn:{partition}:ec2:{region}::instance-type/{InstanceType}",
    name="{InstanceType}",
    offering=True,
)

# ---- reservations ----------------------------------------------------------------------------------------------------

RESERVED_INSTANCES = ResourceType(
    "AWS::EC2::ReservedInstances",
    "Instances that are paid for a year or three, or queued to be.",
    list=Call("ec2", "DescribeReservedInstances", "ReservedInstances"),
    only=lambda reserved: reserved.get("State") != "retired",
    id="arn:{partition}:ec2:{region}:{account}:reserved-instances/{ReservedInstancesId}",
    name="{ReservedInstancesId}",
    tags="Tags",
)
