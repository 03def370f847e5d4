"""Failover: Automatic failover between AZs."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import HIGH, MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, Unavailable, check
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    is_aurora,
    is_running,
    readers,
    skip_member,
    skip_replica,
    skip_transient,
)
from auditor.kit.scaling import CAPACITY_PROVIDER, by_kubernetes, is_balanced, skip_owned

GROUP = "AWS::AutoScaling::AutoScalingGroup"

READERS_OF_A_MULTI_AZ_CLUSTER = 2
"""Amazon RDS User Guide, "Multi-AZ DB cluster deployments": one writer and two readable standbys in three zones."""

NO_MULTI_AZ_EDITIONS = ("sqlserver-ex", "sqlserver-web")
"""Engines whose editions historically lack Multi-AZ (Amazon RDS User Guide, "Multi-AZ deployments for SQL Server")."""


@dataclass(frozen=True, slots=True)
class Failover:
    """What must take over by itself."""

    healing_processes: tuple[str, ...]
    min_dedicated_masters: int
    redshift_accept_relocation: bool
    redshift_ra3_only: bool
    idle_vpn_tag: str
    one_off_migration_tag: str


_SINGLE = {"Engine": "postgres", "DBInstanceStatus": "available", "MultiAZ": False}
_BOTH = ("cloud.multi-az.failover", "databases.high-availability.automatic-failover", "recovery.failover.automated")


@check(
    "rds-instance-multi-az",
    pattern=_BOTH,
    on=DB_INSTANCE,
    severity=HIGH,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --multi-az --apply-immediately",
        terraform="aws_db_instance.multi_az",
    ),
    same_as=("prowler:rds_instance_multi_az", "service-screener:MultiAZ", "fsbp:RDS.5"),
    passes=[{**_SINGLE, "MultiAZ": True}],
    fails=[
        _SINGLE,
        Case({**_SINGLE, "Engine": "sqlserver-web"}, why="the edition may have to change as well"),
        {**_SINGLE, "PendingModifiedValues": {"MultiAZ": True}},
    ],
    skips=[
        {**_SINGLE, "DBClusterIdentifier": "shop"},
        {**_SINGLE, "MultiAZ": True, "ReadReplicaSourceDBInstanceIdentifier": "shop"},
        {**_SINGLE, "Engine": "custom-oracle-ee"},
        {**_SINGLE, "DBInstanceStatus": "deleting"},
    ],
)
def rds_instance_multi_az(database: Facts, _: Failover) -> Iterator[Evidence]:
    """A database has a standby in another Availability Zone that takes over by itself.

    Why: without one, a broken host or zone means restoring a backup by hand: hours of outage and minutes of lost data,
    instead of a minute.

    Fix: turn Multi-AZ on (it roughly doubles the instance's price). A read replica does not take over by itself.

    Source: AWS FSBP RDS.5; standard, "Automatic failover between AZs". RDS Custom reports Multi-AZ unreliably and is not
    judged.
    """
    skip_member(database)
    skip_replica(database)
    skip_transient(database)
    if database["Engine"].startswith("custom-"):
        raise NotApplicable("Multi-AZ means nothing for RDS Custom")
    if not database["MultiAZ"]:
        note = ""
        if database["Engine"] in NO_MULTI_AZ_EDITIONS:
            note = "; this edition may need to change for it"
        elif (database.get("PendingModifiedValues") or {}).get("MultiAZ"):
            note = "; turning it on is pending"
        yield Evidence(
            f"Multi-AZ is off: no standby takes over{note}", {"MultiAZ": False, "Engine": database["Engine"]}
        )


def _cluster(*members: str, **fields: object) -> dict[str, object]:
    """Return a cluster whose first member writes."""
    return {
        "Engine": "aurora-postgresql",
        "Status": "available",
        "DBClusterMembers": [{"DBInstanceIdentifier": m, "IsClusterWriter": m == members[0]} for m in members],
        **fields,
    }


def _member(name: str, zone: str, status: str = "available") -> dict[str, str]:
    return {"DBInstanceIdentifier": name, "AvailabilityZone": zone, "DBInstanceStatus": status}


_READER = {"DBInstanceIdentifier": "a", "IsClusterWriter": False}
_A, _B = _member("a", "eu-west-1a"), _member("b", "eu-west-1b")


@check(
    "aurora-cluster-failover-target",
    pattern=_BOTH,
    on=DB_CLUSTER,
    severity=HIGH,
    reads=(DB_INSTANCE,),
    fix=Fix(
        cli="aws rds create-db-instance --db-instance-identifier {name}-reader --db-cluster-identifier {name} --engine {Engine} --db-instance-class CLASS --availability-zone OTHER_ZONE",
        terraform="aws_rds_cluster_instance.availability_zone",
    ),
    same_as=("prowler:rds_cluster_multi_az", "service-screener:Aurora__ClusterSize", "fsbp:RDS.15"),
    passes=[
        Case(_cluster("a", "b"), related={DB_INSTANCE: [_A, _B]}),
        Case(_cluster("a", "b", "c"), related={DB_INSTANCE: [_A, _B]}, why="one good reader is enough"),
        Case(
            _cluster(
                GlobalClusterIdentifier="world", DBClusterMembers=[_READER, {**_READER, "DBInstanceIdentifier": "b"}]
            ),
            related={DB_INSTANCE: [_A, _B]},
            why="a global cluster's secondary has no writer",
        ),
        Case(_cluster(EngineMode="serverless"), why="Serverless v1 recreates its capacity in another zone by itself"),
        Case(_cluster("a", "b", "c", Engine="mysql"), why="a Multi-AZ DB cluster with its two standbys"),
    ],
    fails=[
        Case(_cluster("a"), related={DB_INSTANCE: [_A]}),
        Case(_cluster("a", "b"), related={DB_INSTANCE: [_A, _member("b", "eu-west-1a")]}),
        Case(_cluster("a", "b"), related={DB_INSTANCE: [_A, _member("b", "eu-west-1b", "incompatible-parameters")]}),
        Case(
            _cluster("a", AvailabilityZones=["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
            related={DB_INSTANCE: [_A]},
            why="these are the zones of its storage",
        ),
        _cluster(),
        _cluster("a", "b", Engine="postgres"),
        Case(
            _cluster(GlobalClusterIdentifier="world", DBClusterMembers=[_READER]),
            related={DB_INSTANCE: [_A]},
            why="the lone reader of a global cluster's secondary",
        ),
    ],
    skips=[
        Case(_cluster(GlobalClusterIdentifier="world"), why="a secondary without instances"),
        _cluster("a", Status="stopped"),
        Case(
            _cluster("a", "b", Status="starting"),
            related={DB_INSTANCE: [_A, _member("b", "eu-west-1b", "starting")]},
            why="nothing in it runs yet",
        ),
        _cluster("a", ClusterScalabilityType="limitless"),
    ],
    unknowns=[
        Case(_cluster("a", "b"), unread=[DB_INSTANCE]),
        Case(_cluster("a", "b"), related={DB_INSTANCE: [_A]}, why="a reader is not in the inventory"),
    ],
)
def aurora_cluster_failover_target(cluster: Facts, _: Failover) -> Iterator[Evidence]:
    """A cluster has an available reader in another Availability Zone than its writer.

    Why: Aurora keeps its data in three zones but fails over only to an instance that is there; alone, the writer has to be
    made anew, which takes minutes and needs capacity at the worst moment.

    Fix: add a reader of the writer's class in another zone.

    Source: AWS FSBP RDS.15; Amazon Aurora User Guide, "High availability for Amazon Aurora"; standard, "Automatic failover
    between AZs".
    """
    skip_transient(cluster)
    if (now := cluster["Status"]) in ("stopped", "stopping", "starting"):
        raise NotApplicable(f"the cluster is {now}")
    if cluster.get("ClusterScalabilityType") == "limitless":
        raise NotApplicable("the shard group of a limitless database sets its own redundancy")
    members = cluster["DBClusterMembers"]
    if not members and cluster.get("GlobalClusterIdentifier"):
        raise NotApplicable("a secondary of a global cluster that holds data only")
    if cluster.get("EngineMode") == "serverless":
        return
    names = readers(cluster)
    if not is_aurora(cluster):
        if len(names) < READERS_OF_A_MULTI_AZ_CLUSTER:
            yield Evidence(f"has {len(names)} of {READERS_OF_A_MULTI_AZ_CLUSTER} readable standbys", {"readers": names})
        return
    zones = _zones_of_readers(cluster, [m["DBInstanceIdentifier"] for m in members if m.get("IsClusterWriter")], names)
    if zones is not None:
        yield Evidence(
            "has no reader" if not names else "has no available reader in another zone than its writer",
            {"readers": names, "zones": zones},
        )


def _zones_of_readers(cluster: Facts, writers: list[str], names: list[str]) -> dict[str, str] | None:
    """Return where the readers stand and how they are, or ``None`` when one can take over from another zone."""
    if not names:
        return {}
    taken = {
        w["AvailabilityZone"] for w in cluster.related(DB_INSTANCE, writers, by="DBInstanceIdentifier", required=True)
    }
    seen: dict[str, str] = {}
    doubt: Unavailable | None = None
    for name in names:
        try:
            reader = cluster.related(DB_INSTANCE, [name], by="DBInstanceIdentifier", required=True)[0]
            zone, status = reader["AvailabilityZone"], reader["DBInstanceStatus"]
        except Unavailable as unread:
            doubt = doubt or unread.kept()
            continue
        if is_running(reader) and zone not in taken:
            if taken:
                return None
            # No writer here: in a secondary of a global cluster two readers stand in for each other.
            taken.add(zone)
        seen[name] = f"{zone} ({status})"
    if doubt:
        raise doubt
    return seen


_TARGETS = {"TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"]}
_LATTICE = {
    "Identifier": "arn:aws:vpc-lattice:eu-west-1:111122223333:targetgroup/tg-0a1",
    "Type": "vpc-lattice",
}


@check(
    "asg-elb-health-check-enabled",
    pattern=("cloud.multi-az.failover", "cloud.load-balancing.health-checks", "recovery.failover.automated"),
    on=GROUP,
    severity=MEDIUM,
    reads=(CAPACITY_PROVIDER,),
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --health-check-type ELB --health-check-grace-period 300",
        terraform="aws_autoscaling_group.health_check_type",
    ),
    same_as=(
        "prowler:autoscaling_group_elb_health_check_enabled",
        "service-screener:ASGELBHealthCheckEnabled",
        "fsbp:AutoScaling.1",
    ),
    passes=[
        {**_TARGETS, "HealthCheckType": "ELB"},
        {**_TARGETS, "HealthCheckType": "EC2,EBS,ELB"},
        {"TrafficSources": [_LATTICE], "HealthCheckType": "VPC_LATTICE"},
    ],
    fails=[
        {**_TARGETS, "HealthCheckType": "EC2"},
        {"LoadBalancerNames": ["web"], "HealthCheckType": "EC2,EBS"},
        Case({"TrafficSources": [_LATTICE], "HealthCheckType": "ELB"}, why="VPC Lattice has a health check of its own"),
    ],
    skips=[
        {"TargetGroupARNs": [], "LoadBalancerNames": [], "HealthCheckType": "EC2"},
        Case({**_TARGETS, "HealthCheckType": "EC2"}, tags={"eks:cluster-name": "shop"}),
        Case(
            {**_TARGETS, "HealthCheckType": "EC2"},
            tags={"AmazonECSManaged": ""},
            why="ELB checks would kill the hosts of healthy containers",
        ),
    ],
    unknowns=[Case({**_TARGETS, "HealthCheckType": "EC2"}, unread=[CAPACITY_PROVIDER])],
)
def asg_elb_health_check_enabled(group: Facts, _: Failover) -> Iterator[Evidence]:
    """An Auto Scaling group behind a load balancer replaces what the balancer finds unhealthy.

    Why: EC2's own checks see a machine that runs, not an application that hangs; the balancer takes it out of traffic, and
    the group keeps it for ever.

    Fix: add ELB (VPC_LATTICE for VPC Lattice) to the group's health checks, with a grace period long enough to start.

    Source: AWS FSBP AutoScaling.1; standard, "Automatic failover between AZs" and "Health checks". Groups of Kubernetes
    nodes and ECS instances are left out.
    """
    if not is_balanced(group):
        raise NotApplicable("no load balancer sends the group traffic")
    doubt = skip_owned(group)
    held = {kind.strip() for kind in group["HealthCheckType"].split(",")}
    missing = sorted(_health_checks_wanted(group) - held)
    if missing:
        if doubt:
            raise doubt
        yield Evidence(
            f"health checks are {', '.join(sorted(held))}, without {' and '.join(missing)}",
            {"HealthCheckType": group["HealthCheckType"], "missing": missing},
        )


def _health_checks_wanted(group: Facts) -> set[str]:
    sources = group.get("TrafficSources", ())
    lattice = [s for s in sources if s.get("Type") == "vpc-lattice" or ":vpc-lattice:" in s["Identifier"]]
    wanted = {"VPC_LATTICE"} if lattice else set()
    if group.get("TargetGroupARNs") or group.get("LoadBalancerNames") or len(lattice) < len(sources):
        wanted.add("ELB")
    return wanted


_BY_HAND = "User suspended at 2026-06-14T20:11:04Z"


def _suspended(*processes: str) -> dict[str, object]:
    return {
        "MaxSize": 4,
        "SuspendedProcesses": [{"ProcessName": name, "SuspensionReason": _BY_HAND} for name in processes],
    }


@check(
    "asg-healing-processes-active",
    pattern=("cloud.multi-az.failover", "recovery.failover.automated", "cloud.auto-scaling.horizontal"),
    on=GROUP,
    severity=HIGH,
    fix=Fix(
        cli="aws autoscaling resume-processes --auto-scaling-group-name {name}",
        terraform="aws_autoscaling_group.suspended_processes",
    ),
    passes=[
        _suspended(),
        Case(_suspended("ScheduledActions"), why="scaling by the clock heals nothing"),
        Case(
            _suspended("AZRebalance"),
            tags={"eks:cluster-name": "shop"},
            why="EKS and the cluster autoscaler suspend it on purpose",
        ),
    ],
    fails=[
        _suspended("ReplaceUnhealthy"),
        _suspended("AZRebalance"),
        Case(_suspended("Launch", "AZRebalance"), tags={"k8s.io/cluster-autoscaler/enabled": "true"}),
    ],
    skips=[
        {**_suspended("Launch"), "MaxSize": 0},
        {**_suspended("Launch"), "Status": "Delete in progress"},
    ],
)
def asg_healing_processes_active(group: Facts, want: Failover) -> Iterator[Evidence]:
    """An Auto Scaling group may launch, check and replace its instances.

    Why: a suspended process is usually left over from a deployment or a night of trouble; the group then looks fine and
    replaces nothing when an instance or a zone breaks.

    Fix: resume the processes once you know why they were suspended.

    Source: Amazon EC2 Auto Scaling User Guide, "Suspend and resume Amazon EC2 Auto Scaling processes"; standard, "Automatic
    failover between AZs".
    """
    if group["MaxSize"] == 0:
        raise NotApplicable("the group can never hold an instance")
    if group.get("Status"):
        raise NotApplicable("the group is being deleted")
    suspended = {p["ProcessName"]: p.get("SuspensionReason", "") for p in group["SuspendedProcesses"]}
    rebalance = suspended.pop("AZRebalance", None)
    for name, reason in suspended.items():
        if name in want.healing_processes:
            yield _suspension(name, reason)
    if rebalance is not None and "AZRebalance" in want.healing_processes and not by_kubernetes(group):
        yield _suspension("AZRebalance", rebalance)


def _suspension(process: str, reason: str) -> Evidence:
    return Evidence(
        f"{process} is suspended" + (f" ({reason})" if reason else ""), {"process": process, "reason": reason}
    )
