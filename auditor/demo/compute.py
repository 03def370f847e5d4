"""The demo account's machines: instances, Auto Scaling groups, volumes and their snapshots."""

from datetime import datetime
from typing import Any

from auditor.demo.network import Network
from auditor.demo.past import ago, backend, set_date, set_field
from auditor.demo.usage import tell
from auditor.demo.way import Clients, tag, tags_of

__all__ = ["auto_scaling", "images", "instances", "volumes"]

_GROUPS: dict[str, tuple[str, int, int, float]] = {
    "web": ("m7g.large", 3, 12, 66),
    "api": ("m6i.large", 2, 8, 71),
    "worker": ("c6i.xlarge", 1, 6, 48),
    "search": ("r6g.large", 2, 2, 88),
    "nightly-import": ("m4.xlarge", 1, 1, 4),
}
"""Auto Scaling group -> instance type, least and most instances, CPU in per cent."""

Volume = tuple[str, int, int | None, float, float]
"""Type, GiB, IOPS, age in days, operations a second (0: attached to nothing)."""
_CAREFUL: tuple[Volume, ...] = (
    ("gp3", 100, 3000, 210, 900),
    ("gp3", 200, 3000, 120, 400),
    ("gp3", 50, 3000, 30, 60),
    ("io2", 250, 6000, 300, 5100),
)
_CARELESS: tuple[Volume, ...] = (
    ("gp2", 500, None, 1200, 300),
    ("gp2", 80, None, 900, 12),
    ("io1", 400, 8000, 820, 700),
    ("gp2", 1000, None, 760, 0),
    ("io2", 250, 12000, 300, 0),
    ("st1", 2000, None, 950, 0),
    ("standard", 40, None, 1400, 0),
    ("gp3", 500, 6000, 95, 0),
    ("gp2", 20, None, 3, 0),
    ("gp2", 300, None, 640, 0),
)


def images(client: Clients, network: Network, environment: str, now: datetime) -> str:
    """Make the environment's own machine images, an old one and the one in use, and return the latter's id."""
    ec2, newest = client("ec2"), ""
    for name, days in ((f"{environment}-base-2022-03", 1350.0), (f"{environment}-base-2026-06", 60.0)):
        newest = ec2.register_image(Name=name, Description="Linux and what every machine needs")["ImageId"]
        record = backend("ec2", network.region).amis[newest]
        set_date(record, ["creation_date"], ago(now, days))
        set_date(record.ebs_snapshot, ["start_time"], ago(now, days))
    return newest


def instances(
    client: Clients,
    network: Network,
    environment: str,
    names: dict[str, tuple[str, float]],
    image: str,
    now: datetime,
) -> list[str]:
    """Start an instance of IMAGE for each name (type, age in days) across the private subnets, and return their ids."""
    ec2, made = client("ec2"), []
    for number, (name, (kind, days)) in enumerate(names.items()):
        instance = ec2.run_instances(
            ImageId=image,
            InstanceType=kind,
            MinCount=1,
            MaxCount=1,
            SubnetId=network.private[number % len(network.private)],
            SecurityGroupIds=[network.groups["app"]],
        )["Instances"][0]["InstanceId"]
        tag(ec2, environment, name, instance)
        _born(backend("ec2", network.region).get_instance(instance), environment, name, ago(now, days), network.region)
        made.append(instance)
    return made


def _born(record: Any, environment: str, name: str, moment: datetime, region: str) -> None:
    """Date an instance and its root volume."""
    set_date(record, ["launch_time"], moment)
    ec2 = backend("ec2", region)
    for device in record.block_device_mapping.values():
        volume = ec2.volumes[device.volume_id]
        set_date(volume, ["create_time"], moment)
        set_field(volume, "size", 20)
        volume.attachment.delete_on_termination = True  # moto does not say it of volumes
        if environment == "production":
            for field, value in (("volume_type", "gp3"), ("iops", 3000), ("throughput", 125)):
                set_field(volume, field, value)
        volume.add_tags({"Name": f"{name}-root", "Environment": environment})


def auto_scaling(
    client: Clients, network: Network, environment: str, careful: bool, image: str, serving: list[str], now: datetime
) -> None:
    """Make the Auto Scaling groups; SERVING are the target groups of the web servers.

    A careless environment keeps them in one zone and on launch configurations.
    """
    ec2, scaling = client("ec2"), client("autoscaling")
    for number, (name, (kind, least, most, cpu)) in enumerate(_GROUPS.items()):
        full = f"{environment}-{name}"
        serves = serving[:1] if name == "web" else serving[1:2] if name == "api" else []
        group: dict[str, Any] = {
            "AutoScalingGroupName": full,
            "MinSize": least,
            "MaxSize": most,
            "DesiredCapacity": least,
            "VPCZoneIdentifier": ",".join(network.private if careful or name == "web" else network.private[:1]),
            "HealthCheckType": "ELB" if careful and serves else "EC2",
            "HealthCheckGracePeriod": 120,
            "TargetGroupARNs": serves,
            "Tags": tags_of(environment),
        }
        if careful or name == "web":
            template = {"ImageId": image, "InstanceType": kind, "SecurityGroupIds": [network.groups["app"]]}
            made = ec2.create_launch_template(LaunchTemplateName=full, LaunchTemplateData=template)
            used = made["LaunchTemplate"]["LaunchTemplateId"]
            group["LaunchTemplate"] = {"LaunchTemplateId": used, "Version": "$Latest"}
        else:
            scaling.create_launch_configuration(
                LaunchConfigurationName=full, ImageId=image, InstanceType=kind, SecurityGroups=[network.groups["app"]]
            )
            group["LaunchConfigurationName"] = full
        scaling.create_auto_scaling_group(**group)
        if name in ("web", "api"):
            _follow_cpu(scaling, full, 70.0 if careful or name == "web" else 35.0)
        if careful and name in ("web", "api"):
            client("cloudwatch").put_metric_data(
                Namespace="CWAgent",
                MetricData=[
                    {
                        "MetricName": "mem_used_percent",
                        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": full}],
                        "Value": 58.0,
                    }
                ],
            )
        tell(network.region, "AWS/EC2", full, {"CPUUtilization": cpu if careful or name != "api" else 22.0})
        _spread(network, full, careful, ago(now, 640 - 60 * number), ago(now, 9 + number))


def _follow_cpu(scaling: Any, group: str, target: float) -> None:
    scaling.put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName=f"{group}-cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": target,
        },
    )


def _spread(network: Network, group: str, careful: bool, made: datetime, launched: datetime) -> None:
    """Date a group and its instances, and give the instances of a careful environment a zone each: moto puts all into one."""
    record = backend("autoscaling", network.region).autoscaling_groups[group]
    set_date(record, ["created_time"], made)
    environment = group.partition("-")[0]
    for number, state in enumerate(record.instance_states):
        _born(state.instance, environment, group, launched, network.region)
        if careful:
            zone = f"{network.region}{'abc'[number % 3]}"
            set_field(state, "availability_zone", zone)
            set_field(state.instance.placement, "zone", zone)


def volumes(
    client: Clients, network: Network, environment: str, careful: bool, machines: list[str], now: datetime
) -> None:
    """Make data volumes used and forgotten, of every type, and snapshots young, old and orphaned."""
    ec2, region = client("ec2"), network.region
    for number, (kind, size, iops, days, rate) in enumerate(_CAREFUL if careful else _CARELESS):
        given: dict[str, Any] = {"Iops": iops} if iops else {}
        if kind == "gp3":
            given["Throughput"] = 125
        machine = machines[number % len(machines)]
        home = backend("ec2", region).get_instance(machine).placement.zone
        volume = ec2.create_volume(AvailabilityZone=home, Size=size, VolumeType=kind, Encrypted=careful, **given)[
            "VolumeId"
        ]
        tag(ec2, environment, f"{environment}-data-{number}", volume, **({"keep": "true"} if number == 6 else {}))
        set_date(backend("ec2", region).volumes[volume], ["create_time"], ago(now, days))
        if rate:
            ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device=f"/dev/sd{'fghi'[number]}")
            day = 86_400 * rate / 2
            operations = {"VolumeReadOps": day, "VolumeWriteOps": day}
            bytes = {"VolumeReadBytes": day * 16_384, "VolumeWriteBytes": day * 16_384}
            tell(region, "AWS/EBS", volume, operations | bytes)
        else:
            tell(region, "AWS/EBS", volume, {"VolumeIdleTime": 86_000}, until=ago(now, 40))
        for back in (0.02, 0.5, 1, 7, 30) if careful else (3, 95, 400, 900) if number % 2 else ():
            snapshot = ec2.create_snapshot(VolumeId=volume, Description=f"{environment} data {number}")["SnapshotId"]
            tag(ec2, environment, f"{environment}-data-{number}", snapshot)
            set_date(backend("ec2", region).snapshots[snapshot], ["start_time"], ago(now, min(back, days)))
        if not careful and number in (7, 9):
            ec2.delete_volume(VolumeId=volume)
