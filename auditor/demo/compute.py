"""The demo account's machines: instances, Auto Scaling groups, load balancers of three kinds, volumes and their snapshots."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from auditor.demo.network import Network, tag
from auditor.demo.past import ago, backend, set_date

__all__ = ["Clients", "auto_scaling", "balancers", "instances", "volumes"]

_CLASSIC = (("legacy-shop", "HTTP", 80, 3), ("legacy-feed", "TCP", 5000, 1), ("legacy-idle", "HTTP", 80, 2))
"""Classic Load Balancers: name, protocol, port, in how many zones."""

Clients = Callable[[str], Any]
"""A service's name -> its client in one region."""


def instances(
    client: Clients, network: Network, environment: str, names: dict[str, tuple[str, float]], now: datetime
) -> list[str]:
    """Start an instance for each name (type, age in days) across the private subnets, and return their ids."""
    ec2, made = client("ec2"), []
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
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
        record = backend("ec2", network.region).get_instance(instance)
        set_date(record, ["launch_time"], ago(now, days))
        for device in record.block_device_mapping.values():
            set_date(backend("ec2", network.region).volumes[device.volume_id], ["create_time"], ago(now, days))
        made.append(instance)
    return made


def auto_scaling(client: Clients, network: Network, environment: str, careful: bool, now: datetime) -> None:
    """Make the web, api and worker groups; a careless environment keeps them in one zone and on launch configurations."""
    ec2, scaling, cloudwatch = client("ec2"), client("autoscaling"), client("cloudwatch")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    for name, (kind, least, most) in {
        "web": ("m7g.large", 3, 12), "api": ("m6i.large", 2, 8), "worker": ("c6i.xlarge", 1, 6), "search": ("r6g.large", 2, 2),
        "nightly-import": ("m4.xlarge", 1, 1),
    }.items():  # fmt: skip
        full = f"{environment}-{name}"
        group: dict[str, Any] = {
            "AutoScalingGroupName": full,
            "MinSize": least,
            "MaxSize": most,
            "DesiredCapacity": least,
            "VPCZoneIdentifier": ",".join(network.private if careful or name == "web" else network.private[:1]),
            "HealthCheckType": "ELB" if careful and name in ("web", "api") else "EC2",
            "Tags": [{"Key": "Environment", "Value": environment, "PropagateAtLaunch": True}],
        }
        if careful or name == "web":
            template = ec2.create_launch_template(
                LaunchTemplateName=full,
                LaunchTemplateData={
                    "ImageId": image,
                    "InstanceType": kind,
                    "SecurityGroupIds": [network.groups["app"]],
                },
            )["LaunchTemplate"]["LaunchTemplateId"]
            group["LaunchTemplate"] = {"LaunchTemplateId": template, "Version": "$Latest"}
        else:
            scaling.create_launch_configuration(
                LaunchConfigurationName=full, ImageId=image, InstanceType=kind, SecurityGroups=[network.groups["app"]]
            )
            group["LaunchConfigurationName"] = full
        scaling.create_auto_scaling_group(**group)
        if name in ("web", "api"):
            target = 70.0 if careful or name == "web" else 35.0
            scaling.put_scaling_policy(
                AutoScalingGroupName=full,
                PolicyName=f"{full}-cpu",
                PolicyType="TargetTrackingScaling",
                TargetTrackingConfiguration={
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                    "TargetValue": target,
                },
            )
        set_date(backend("autoscaling", network.region).autoscaling_groups[full], ["created_time"], ago(now, 640))
        _cpu(cloudwatch, full, {"web": 66, "api": 71 if careful else 22, "worker": 48, "search": 88}.get(name, 4), now)


def _cpu(cloudwatch: Any, group: str, level: float, now: datetime) -> None:
    """Give a group two weeks of CPU: LEVEL per cent, more by day than by night."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    data = [
        {
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": group}],
            "Timestamp": hour - timedelta(hours=back),
            "Value": round(level * (1.08 if 8 <= (hour - timedelta(hours=back)).hour < 20 else 0.92), 2),
            "Unit": "Percent",
        }
        for back in range(1, 14 * 24)
    ]
    for start in range(0, len(data), 500):
        cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=data[start : start + 500])


def balancers(client: Clients, network: Network, environment: str, careful: bool, targets: list[str]) -> None:
    """Make an Application, a Network and Classic Load Balancers with listeners, target groups and health checks."""
    elbv2, elb = client("elbv2"), client("elb")
    shop = _application(elbv2, network, f"{environment}-shop", environment, careful, targets)
    if not careful:
        _application(elbv2, network, f"{environment}-intranet", environment, careful, [])
    subnets = network.private if careful else network.private[:1]
    ingest = elbv2.create_load_balancer(
        Name=f"{environment}-ingest", Type="network", Scheme="internal", Subnets=list(subnets), Tags=_tags(environment)
    )["LoadBalancers"][0]["LoadBalancerArn"]
    tcp = _targets(elbv2, network, f"{environment}-ingest", "TCP", 9000, 10, targets[:1])
    elbv2.create_listener(
        LoadBalancerArn=ingest, Protocol="TCP", Port=9000, DefaultActions=[{"Type": "forward", "TargetGroupArn": tcp}]
    )
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=shop, Attributes=[{"Key": "deletion_protection.enabled", "Value": str(careful).lower()}]
    )
    if careful:
        return
    for name, protocol, port, zones in _CLASSIC:
        elb.create_load_balancer(
            LoadBalancerName=f"{environment}-{name}",
            Listeners=[
                {"Protocol": protocol, "LoadBalancerPort": port, "InstanceProtocol": protocol, "InstancePort": port}
            ],
            Subnets=list(network.public[:zones]),
            Tags=_tags(environment),
        )
        elb.configure_health_check(
            LoadBalancerName=f"{environment}-{name}",
            HealthCheck={
                "Target": f"{protocol}:{port}" + ("/" if protocol == "HTTP" else ""),
                "Interval": 60 if name == "legacy-feed" else 30,
                "Timeout": 5,
                "UnhealthyThreshold": 2,
                "HealthyThreshold": 3,
            },
        )
        if name != "legacy-idle":
            elb.register_instances_with_load_balancer(
                LoadBalancerName=f"{environment}-{name}", Instances=[{"InstanceId": id} for id in targets]
            )


def _tags(environment: str) -> list[dict[str, str]]:
    return [{"Key": "Environment", "Value": environment}]


def _targets(
    elbv2: Any, network: Network, name: str, protocol: str, port: int, interval: int, targets: list[str]
) -> str:
    group: str = elbv2.create_target_group(
        Name=name,
        Protocol=protocol,
        Port=port,
        VpcId=network.vpc,
        HealthCheckProtocol=protocol,
        HealthCheckIntervalSeconds=interval,
    )["TargetGroups"][0]["TargetGroupArn"]
    if targets:
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": id} for id in targets])
    return group


def _application(elbv2: Any, network: Network, name: str, environment: str, careful: bool, targets: list[str]) -> str:
    balancer: str = elbv2.create_load_balancer(
        Name=name,
        Type="application",
        Scheme="internet-facing",
        Subnets=list(network.public),
        SecurityGroups=[network.groups["web-public"]],
        Tags=_tags(environment),
    )["LoadBalancers"][0]["LoadBalancerArn"]
    group = _targets(elbv2, network, name, "HTTP", 8080, 30 if careful else 120, targets)
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]
    elbv2.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=redirect if careful else forward
    )
    if careful:
        elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=balancer,
            Attributes=[
                {"Key": "access_logs.s3.enabled", "Value": "true"},
                {"Key": "access_logs.s3.bucket", "Value": "northwind-access-logs"},
            ],
        )
    else:
        elbv2.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}]
        )
    return balancer


def volumes(
    client: Clients, network: Network, environment: str, careful: bool, attach_to: list[str], now: datetime
) -> None:
    """Make volumes attached and forgotten, of every type, and snapshots young, old and orphaned."""
    ec2, region = client("ec2"), network.region
    kinds: list[tuple[str, int, int | None, float]] = [
        ("gp3", 100, 3000, 210),
        ("gp3", 200, 3000, 120),
        ("gp3", 50, 3000, 30),
    ]
    if not careful:
        kinds += [
            ("gp2", 500, None, 1200), ("gp2", 80, None, 900), ("gp2", 1000, None, 760), ("io1", 400, 8000, 820),
            ("io2", 250, 12000, 300), ("st1", 2000, None, 950), ("standard", 40, None, 1400), ("gp3", 500, 6000, 95),
            ("gp2", 20, None, 3),
        ]  # fmt: skip
    for number, (kind, size, iops, days) in enumerate(kinds):
        given = {"Iops": iops} if iops and kind != "gp3" else {"Iops": iops, "Throughput": 125} if kind == "gp3" else {}
        zone = f"{region}{'abc'[number % 3]}"
        volume = ec2.create_volume(AvailabilityZone=zone, Size=size, VolumeType=kind, Encrypted=careful, **given)[
            "VolumeId"
        ]
        tag(
            ec2,
            environment,
            f"{environment}-data-{number}",
            volume,
            **({"keep": "true"} if number == 1 and not careful else {}),
        )
        set_date(backend("ec2", region).volumes[volume], ["create_time"], ago(now, days))
        if attach_to and number < 3:
            machine = attach_to[number % len(attach_to)]
            ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device=f"/dev/sd{'fgh'[number]}")
        for back in (0.02, 0.5, 1, 7, 30) if careful else (3, 95, 400, 900) if number % 2 else ():
            snapshot = ec2.create_snapshot(VolumeId=volume, Description=f"{environment} data {number}")["SnapshotId"]
            set_date(backend("ec2", region).snapshots[snapshot], ["start_time"], ago(now, min(back, days)))
        if not careful and number in (7, 9):
            ec2.delete_volume(VolumeId=volume)
