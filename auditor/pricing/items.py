"""What has a price: how each item is called, asked for in AWS's Price List, and found in the shipped table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from auditor.pricing.compute import database_engine, database_entry, instance_entry
from auditor.pricing.products import Product, Query, has_usage
from auditor.pricing.table import Entry

__all__ = ["ITEMS", "Attributes", "Item"]

Attributes = Mapping[str, str]

_HOURS = frozenset({"hrs", "hours", "hour"})
_GB_MONTHS = frozenset({"gb-mo", "gb-month"})
_IOPS_MONTHS = frozenset({"iops-mo", "iops-month"})


@dataclass(frozen=True, slots=True)
class Item:
    """Something with a price. ATTRIBUTES are what must be said to name one price."""

    text: str
    """For people, with the attributes filled in: ``EBS {volume_type} storage``."""
    unit: str
    entry: Callable[[Attributes], Entry | None]
    """Where the shipped table has it."""
    attributes: tuple[str, ...] = ()
    defaults: Attributes = field(default_factory=dict)
    """Attributes that may be left out."""
    query: Callable[[Attributes], Query | None] = lambda _: None
    """How AWS is asked; ``None``: only the table has it."""
    accepts: Callable[[Attributes, Product], bool] = lambda _, __: False
    """Which of the answer's prices is the one."""
    units: frozenset[str] = frozenset()
    """AWS's names of the unit, in lower case."""
    scale: float = 1.0
    """What AWS's price is divided by to be one of UNIT."""

    def named(self, given: Attributes) -> Attributes | None:
        """Return GIVEN with the defaults; ``None`` when an attribute is missing or unknown."""
        whole = {**self.defaults, **given}
        return whole if set(whole) == {*self.attributes, *self.defaults} else None


def _by(*names: str) -> Callable[[Attributes], Entry]:
    """Return what finds an item in the table under the values of the attributes NAMES."""
    return lambda given: Entry(" ".join(given[name] for name in names))


def _ask(service: str, **filters: str) -> Callable[[Attributes], Query]:
    """Return what asks for a whole family of products at once: its members share one call."""
    query = Query(service, tuple(filters.items()))
    return lambda _: query


def _usage(*usages: str) -> Callable[[Attributes, Product], bool]:
    return lambda _, product: any(has_usage(product, usage) for usage in usages)


def _usage_of(name: str, usages: Mapping[str, str]) -> Callable[[Attributes, Product], bool]:
    """Return what accepts the usage type that USAGES gives for the attribute NAME."""
    return lambda given, product: given[name] in usages and has_usage(product, usages[given[name]])


def _hourly(text: str, service: str, family: str, usage: str) -> Item:
    query = _ask(service, productFamily=family)
    return Item(text, "hour", _by(), query=query, accepts=_usage(usage), units=_HOURS)


def _stored(text: str, service: str, family: str, usage: str) -> Item:
    query = _ask(service, productFamily=family)
    return Item(text, "GB-month", _by(), query=query, accepts=_usage(usage), units=_GB_MONTHS)


def _only_in_table(text: str, unit: str, *attributes: str) -> Item:
    return Item(text, unit, _by(*attributes), attributes)


# ---- EBS -------------------------------------------------------------------------------------------------------------

_VOLUMES = {
    "gp2": "EBS:VolumeUsage.gp2",
    "gp3": "EBS:VolumeUsage.gp3",
    "io1": "EBS:VolumeUsage.piops",
    "io2": "EBS:VolumeUsage.io2",
    "st1": "EBS:VolumeUsage.st1",
    "sc1": "EBS:VolumeUsage.sc1",
    "standard": "EBS:VolumeUsage",
}
_IOPS = {
    ("io1", "1"): "EBS:VolumeP-IOPS.piops",
    ("io2", "1"): "EBS:VolumeP-IOPS.io2",
    ("io2", "2"): "EBS:VolumeP-IOPS.io2.tier2",
    ("io2", "3"): "EBS:VolumeP-IOPS.io2.tier3",
    ("gp3", "1"): "EBS:VolumeP-IOPS.gp3",
}
_SNAPSHOTS = {"standard": "EBS:SnapshotUsage", "archive": "EBS:SnapshotArchiveStorage"}


def _iops_entry(given: Attributes) -> Entry:
    tier = given["tier"]
    return Entry(given["volume_type"] if tier == "1" else f"{given['volume_type']} tier {tier}")


def _iops_accepts(given: Attributes, product: Product) -> bool:
    usage = _IOPS.get((given["volume_type"], given["tier"]))
    return usage is not None and has_usage(product, usage)


# ---- load balancers --------------------------------------------------------------------------------------------------

_BALANCERS = {
    "application": "Load Balancer-Application",
    "network": "Load Balancer-Network",
    "gateway": "Load Balancer-Gateway",
    "classic": "Load Balancer",
}


def _balancer_query(given: Attributes) -> Query | None:
    family = _BALANCERS.get(given["type"])
    return Query("AWSELB", (("productFamily", family), ("locationType", "AWS Region"))) if family else None


# ---- EC2 -------------------------------------------------------------------------------------------------------------


def _instance_query(given: Attributes) -> Query:
    filters = {
        "instanceType": given["instance_type"],
        "tenancy": given["tenancy"],
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "operation": given["operation"],
    }
    return Query("AmazonEC2", tuple(filters.items()))


# ---- RDS -------------------------------------------------------------------------------------------------------------

_DEPLOYMENTS = {
    "single-az": ("Single-AZ",),
    "multi-az": ("Multi-AZ", "Multi-AZ (SQL Server Mirror)"),
}
_RDS_VOLUMES = {
    "gp2": "General Purpose",
    "gp3": "General Purpose-GP3",
    "io1": "Provisioned IOPS",
    "standard": "Magnetic",
}
_RDS_IOPS = {"io1": "RDS Provisioned IOPS", "gp3": "RDS Provisioned GP3 IOPS"}
_LICENSES = {
    "license-included": "License included",
    "bring-your-own-license": "Bring your own license",
    "general-public-license": "No license required",
    "postgresql-license": "No license required",
}


def _deployed(given: Attributes, product: Product) -> bool:
    return product.attributes.get("deploymentOption") in _DEPLOYMENTS.get(given["deployment"], ())


def _database_query(given: Attributes) -> Query | None:
    known = database_engine(given["engine"]) and given["license_model"] in _LICENSES
    filters = (("productFamily", "Database Instance"), ("instanceType", given["instance_class"]))
    return Query("AmazonRDS", filters) if known else None


def _database_accepts(given: Attributes, product: Product) -> bool:
    engine = database_engine(given["engine"])
    held = product.attributes
    return (
        engine is not None
        and _deployed(given, product)
        and held.get("databaseEngine") == engine.name
        and engine.edition in ("", held.get("databaseEdition"))
        and held.get("licenseModel") == _LICENSES.get(given["license_model"])
        and ("IOOptimized" in held.get("usagetype", "")) == (given["storage_type"] == "aurora-iopt1")
    )


def _rds_storage_accepts(given: Attributes, product: Product) -> bool:
    wanted = _RDS_VOLUMES.get(given["storage_type"])
    return wanted is not None and product.attributes.get("volumeType") == wanted and _deployed(given, product)


def _rds_iops_accepts(given: Attributes, product: Product) -> bool:
    wanted = _RDS_IOPS.get(given["storage_type"])
    held = product.attributes.get("groupDescription")
    return wanted is not None and held == wanted and _deployed(given, product)


def _rds_entry(given: Attributes) -> Entry | None:
    """Two zones cost twice as much: every gigabyte is kept in both."""
    zones = {"single-az": 1.0, "multi-az": 2.0}.get(given["deployment"])
    return Entry(given["storage_type"], factor=zones) if zones else None


# ---- all -------------------------------------------------------------------------------------------------------------

ITEMS: Mapping[str, Item] = {
    "ebs-storage": Item(
        "EBS {volume_type} storage",
        "GB-month",
        _by("volume_type"),
        ("volume_type",),
        query=_ask("AmazonEC2", productFamily="Storage"),
        accepts=_usage_of("volume_type", _VOLUMES),
        units=_GB_MONTHS,
    ),
    "ebs-iops": Item(
        "EBS {volume_type} IOPS (tier {tier})",
        "IOPS-month",
        _iops_entry,
        ("volume_type",),
        {"tier": "1"},
        query=_ask("AmazonEC2", productFamily="System Operation"),
        accepts=_iops_accepts,
        units=_IOPS_MONTHS,
    ),
    "ebs-throughput": Item(
        "EBS {volume_type} throughput",
        "MiB/s-month",
        _by("volume_type"),
        ("volume_type",),
        query=_ask("AmazonEC2", productFamily="Provisioned Throughput"),
        accepts=_usage_of("volume_type", {"gp3": "EBS:VolumeP-Throughput.gp3"}),
        units=frozenset({"gibps-mo", "gibps-month"}),
        scale=1024.0,
    ),
    "ebs-snapshot": Item(
        "EBS snapshot storage, {tier}",
        "GB-month",
        _by("tier"),
        ("tier",),
        query=_ask("AmazonEC2", productFamily="Storage Snapshot"),
        accepts=_usage_of("tier", _SNAPSHOTS),
        units=_GB_MONTHS,
    ),
    "ec2-instance": Item(
        "EC2 {instance_type} on demand ({operation}, {tenancy})",
        "hour",
        instance_entry,
        ("instance_type",),
        {"operation": "RunInstances", "tenancy": "Shared"},
        query=_instance_query,
        accepts=lambda given, product: product.attributes.get("instanceType") == given["instance_type"],
        units=_HOURS,
    ),
    "load-balancer": Item(
        "Load balancer, {type}",
        "hour",
        _by("type"),
        ("type",),
        query=_balancer_query,
        accepts=_usage("LoadBalancerUsage"),
        units=_HOURS,
    ),
    "public-ipv4": Item(
        "Public IPv4 address",
        "hour",
        _by(),
        query=_ask("AmazonVPC", group="VPCPublicIPv4Address"),
        accepts=_usage("PublicIPv4:InUseAddress", "PublicIPv4:IdleAddress"),
        units=_HOURS,
    ),
    "nat-gateway": _hourly("NAT gateway", "AmazonEC2", "NAT Gateway", "NatGateway-Hours"),
    "vpc-endpoint": _hourly("Interface endpoint, per zone", "AmazonVPC", "VpcEndpoint", "VpcEndpoint-Hours"),
    "rds-instance": Item(
        "RDS {engine} {instance_class}, {deployment}",
        "hour",
        database_entry,
        ("instance_class", "engine", "license_model", "deployment"),
        {"storage_type": ""},
        query=_database_query,
        accepts=_database_accepts,
        units=_HOURS,
    ),
    "rds-storage": Item(
        "RDS {storage_type} storage, {deployment}",
        "GB-month",
        _rds_entry,
        ("storage_type", "deployment"),
        query=_ask("AmazonRDS", productFamily="Database Storage", databaseEngine="Any"),
        accepts=_rds_storage_accepts,
        units=_GB_MONTHS,
    ),
    "rds-iops": Item(
        "RDS {storage_type} IOPS, {deployment}",
        "IOPS-month",
        _rds_entry,
        ("storage_type", "deployment"),
        query=_ask("AmazonRDS", productFamily="Provisioned IOPS"),
        accepts=_rds_iops_accepts,
        units=_IOPS_MONTHS,
    ),
    "rds-backup": _stored("RDS backup storage", "AmazonRDS", "Storage Snapshot", "RDS:ChargedBackupUsage"),
    "aurora-backup": _stored("Aurora backup storage", "AmazonRDS", "Storage Snapshot", "Aurora:BackupUsage"),
    "logs-storage": _stored("CloudWatch Logs storage", "AmazonCloudWatch", "Storage Snapshot", "TimedStorage-ByteHrs"),
    "ecr-storage": _stored("ECR storage", "AmazonECR", "EC2 Container Registry", "TimedStorage-ByteHrs"),
    "s3-storage": _only_in_table("S3 storage, {storage_class}", "GB-month", "storage_class"),
    "efs-storage": _only_in_table("EFS storage, {storage_class}", "GB-month", "storage_class"),
    "secret": _only_in_table("Secrets Manager secret", "month"),
    "waf-acl": _only_in_table("WAF web ACL", "month"),
    "waf-rule": _only_in_table("WAF rule", "month"),
    "dynamodb-capacity": _only_in_table("DynamoDB {operation} capacity unit", "hour", "operation"),
    "fargate-vcpu": _only_in_table("Fargate vCPU (Linux, x86)", "hour"),
    "fargate-memory": _only_in_table("Fargate memory (Linux, x86)", "GB-hour"),
}
"""Every item by the name that checks ask for it by."""
