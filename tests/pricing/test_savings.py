"""What findings save, by the shipped table in us-east-1: the amounts worked out by hand."""

from collections.abc import Mapping
from typing import Any

import pytest
from cases import ACCOUNT, inventory_of

from auditor import catalog, standard
from auditor.engine import judge
from auditor.kit import Case, Certainty, Price, Saving, ago
from auditor.kit.facts import Facts
from auditor.kit.usage import datapoints
from auditor.model import Verdict
from auditor.pricing import price_book

HOME = "us-east-1"
CHECKS = catalog.load_checks()
STANDARD = standard.load(catalog.bundled("checks") / "patterns.toml")
DAYS = 14


class WithSpot:
    """The shipped table, and a Spot price of 0.03 an hour."""

    def __init__(self) -> None:
        self._table = price_book(None, None)

    def price(self, item: str, region: str, **attributes: str) -> Price | None:
        if item == "spot":
            return Price(0.03, "hour", "Spot", "spot-price-history", "2026-06-14", Certainty.ESTIMATE)
        return self._table.price(item, region, **attributes)


def saved(check_id: str, document: Mapping[str, Any], region: str = HOME, **parts: Any) -> Saving:
    """Return the saving of a check's finding about DOCUMENT, priced by the table."""
    check = CHECKS[check_id]
    related = {
        type: [{**other, "#region": region} for other in others] for type, others in parts.pop("related", {}).items()
    }
    case = Case({**document, "#region": region}, related=related, **parts)
    inventory, subject = inventory_of(check, case)
    inventory.prices = WithSpot()
    finding = judge(check, Facts(subject, inventory), standard.bind(STANDARD[check.patterns[0]], check.thresholds))
    assert finding.verdict is Verdict.FAIL, finding.reason
    assert finding.saving is not None
    return finding.saving


VOLUME = {
    "VolumeId": "vol-1",
    "VolumeType": "gp3",
    "Size": 500,
    "Iops": 6000,
    "Throughput": 250,
    "State": "available",
    "Attachments": [],
    "CreateTime": ago(days=400),
    "Metrics": {"VolumeIdleTime.Sum": datapoints(days=90)},
}


def used(ops: float, mibps: float = 0.0) -> dict[str, Any]:
    """Return the metrics of a volume that read OPS operations and MIBPS MiB each second and wrote nothing."""
    hours = 24 * DAYS
    return {
        "VolumeReadOps.Sum": datapoints(*[ops * 3600] * hours, period=3600),
        "VolumeWriteOps.Sum": datapoints(period=3600),
        "VolumeReadBytes.Sum": datapoints(*[mibps * 2**20 * 3600] * hours, period=3600),
        "VolumeWriteBytes.Sum": datapoints(period=3600),
    }


def test_an_unattached_volume_saves_storage_iops_and_throughput() -> None:
    saving = saved("ebs-volume-unattached", VOLUME)
    assert (saving.usd_month, saving.certainty) == (60.00, Certainty.EXACT)
    assert saving.formula.startswith("500 GB x 0.08 + 3000 IOPS x 0.005 + 125 MiB/s x 0.04")
    assert {price.source for price in saving.prices} == {"embedded"}


def test_elsewhere_the_amount_is_an_estimate_by_the_regions_factor() -> None:
    saving = saved("ebs-volume-unattached", VOLUME, region="eu-west-1")
    assert saving.certainty is Certainty.ESTIMATE
    assert saving.usd_month == pytest.approx(60.00 * 1.12, abs=0.01)
    assert {price.region_factor for price in saving.prices} == {1.12}


def test_what_no_one_prices_has_no_amount_and_still_fails() -> None:
    assert saved("ebs-volume-unattached", VOLUME, region="cn-north-1").usd_month is None


def test_io2_is_billed_in_tiers() -> None:
    saving = saved("ebs-volume-unattached", {**VOLUME, "VolumeType": "io2", "Size": 100, "Iops": 70_000})
    assert saving.usd_month == pytest.approx(12.5 + 32_000 * 0.065 + 32_000 * 0.0455 + 6_000 * 0.03185)


@pytest.mark.parametrize(
    ("size", "metrics", "usd", "certainty"),
    [
        (200, {}, 4.00, Certainty.EXACT),
        (2000, {}, 20.00, Certainty.EXACT),
        (2000, used(900, 40), 40.00, Certainty.ESTIMATE),
        (2000, used(5000, 40), 25.00, Certainty.ESTIMATE),
    ],
)
def test_gp2_becomes_gp3_of_the_same_performance_or_of_the_same_use(
    size: int, metrics: dict[str, Any], usd: float, certainty: Certainty
) -> None:
    volume = {**VOLUME, "VolumeType": "gp2", "State": "in-use", "Size": size, "Metrics": metrics}
    saving = saved("ebs-volume-gp2", volume)
    assert (saving.usd_month, saving.certainty) == (usd, certainty)


def test_provisioned_performance_shrinks_to_the_peak_and_a_reserve() -> None:
    volume = {**VOLUME, "State": "in-use", "Metrics": used(1000, 25)}
    assert saved("ebs-volume-overprovisioned-performance", volume).usd_month == 20.00
    io2 = {**volume, "VolumeType": "io2", "Iops": 40_000}
    assert saved("ebs-volume-overprovisioned-performance", io2).usd_month == pytest.approx(
        32_000 * 0.065 + 8_000 * 0.0455 - 1_200 * 0.065
    )
    io1 = {**volume, "VolumeType": "io1", "Iops": 10_000}
    assert saved("ebs-volume-overprovisioned-performance", io1).usd_month == pytest.approx(
        500 * (0.125 - 0.08) + 10_000 * 0.065
    )


def test_a_volume_of_an_instance_that_sleeps_uses_nothing_and_costs_all_it_ever_did() -> None:
    asleep = {
        **VOLUME,
        "VolumeType": "io1",
        "Iops": 5000,
        "Size": 100,
        "State": "in-use",
        "Attachments": [{"InstanceId": "i-1", "AttachTime": ago(days=90)}],
        "Metrics": {},
    }
    when = ago(days=60)[:19].replace("T", " ")
    stopped = {
        "InstanceId": "i-1",
        "State": {"Name": "stopped"},
        "StateTransitionReason": f"User initiated ({when} GMT)",
    }
    related = {"AWS::EC2::Instance": [stopped]}
    # It keeps the 100 IOPS that every io1 volume has at least.
    assert saved("ebs-volume-overprovisioned-performance", asleep, related=related).usd_month == 4900 * 0.065
    assert saved("ebs-volume-on-stopped-instance", asleep, related=related).usd_month == 12.5 + 5000 * 0.065


def test_awss_own_amount_comes_first() -> None:
    advice = {
        "volumeArn": f"arn:aws:ec2:{HOME}:{ACCOUNT}:volume/vol-1",
        "finding": "NotOptimized",
        "lastRefreshTimestamp": ago(days=1),
        "volumeRecommendationOptions": [
            {"rank": 1, "savingsOpportunity": {"estimatedMonthlySavings": {"currency": "USD", "value": 7.5}}}
        ],
    }
    volume = {**VOLUME, "State": "in-use", "Metrics": used(1000, 25)}
    related = {"AWS::ComputeOptimizer::VolumeRecommendation": [advice]}
    saving = saved("ebs-volume-overprovisioned-performance", volume, related=related)
    assert saving.usd_month == 7.50
    assert [(price.source, price.as_of) for price in saving.prices] == [("aws-recommendation", "2026-06-14")]


@pytest.mark.parametrize(
    ("type", "scheme", "usd"),
    [
        ("application", "internet-facing", 23.73),
        ("application", "internal", 16.43),
        ("network", "internal", 16.43),
        ("gateway", "", 9.13),
        ("gateway", "internet-facing", 9.13),
    ],
)
def test_an_idle_load_balancer_saves_its_hours_and_its_addresses(type: str, scheme: str, usd: float) -> None:
    balancer = {
        "LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/1",
        "Type": type,
        "Scheme": scheme,
        "State": {"Code": "active"},
        "CreatedTime": ago(days=100),
        "AvailabilityZones": [{"ZoneName": "us-east-1a"}, {"ZoneName": "us-east-1b"}],
    }
    assert saved("load-balancer-idle", balancer).usd_month == usd


def test_a_classic_load_balancer_costs_more() -> None:
    balancer = {
        "Scheme": "internal",
        "CreatedTime": ago(days=100),
        "AvailabilityZones": ["us-east-1a"],
        "Instances": [],
    }
    saving = saved("load-balancer-idle", balancer, type="AWS::ElasticLoadBalancing::LoadBalancer")
    assert saving.usd_month == 18.25
    public = {**balancer, "Scheme": "internet-facing", "AvailabilityZones": [], "Subnets": ["subnet-1", "subnet-2"]}
    saving = saved("load-balancer-idle", public, type="AWS::ElasticLoadBalancing::LoadBalancer")
    assert saving.usd_month == 25.55


def test_a_snapshot_saves_at_most_its_whole_size() -> None:
    snapshot = {
        "SnapshotId": "snap-1",
        "VolumeId": "vol-1",
        "OwnerId": ACCOUNT,
        "State": "completed",
        "StartTime": ago(days=200),
        "VolumeSize": 100,
        "StorageTier": "standard",
    }
    saving = saved("ebs-snapshot-orphaned", snapshot)
    assert (saving.usd_month, saving.certainty) == (5.00, Certainty.UPPER_BOUND)
    archived = {**snapshot, "StorageTier": "archive", "FullSnapshotSizeInBytes": 50 * 2**30}
    assert saved("ebs-snapshot-orphaned", archived).usd_month == 0.63
    related = {"AWS::EC2::Volume": [{"VolumeId": "vol-1"}]}
    assert saved("ebs-snapshot-too-old", snapshot, related=related).usd_month == 5.00


DATABASE = {
    "DBInstanceIdentifier": "shop",
    "DBInstanceArn": f"arn:aws:rds:{HOME}:{ACCOUNT}:db:shop",
    "DBInstanceClass": "db.m5.xlarge",
    "DBInstanceStatus": "available",
    "Engine": "mysql",
    "EngineVersion": "8.0.40",
    "LicenseModel": "general-public-license",
    "MultiAZ": False,
    "StorageType": "gp3",
    "AllocatedStorage": 100,
    "InstanceCreateTime": ago(days=400),
    "Metrics": {"DatabaseConnections.Maximum": datapoints(*[0] * DAYS)},
}


def test_an_idle_database_saves_its_hours_its_storage_and_its_iops() -> None:
    assert saved("rds-instance-idle", DATABASE).usd_month == pytest.approx(730 * 0.342 + 11.5)
    doubled = saved("rds-instance-idle", {**DATABASE, "MultiAZ": True})
    assert doubled.usd_month == pytest.approx(2 * (730 * 0.342 + 11.5), abs=0.01)
    provisioned = {**DATABASE, "StorageType": "io1", "Iops": 2000, "DBInstanceClass": "db.m5.large"}
    assert saved("rds-instance-idle", provisioned).usd_month == pytest.approx(730 * 0.171 + 12.5 + 200)


def test_the_iops_that_gp3_includes_cost_nothing() -> None:
    database = {**DATABASE, "DBInstanceClass": "db.m5.large", "AllocatedStorage": 400, "Iops": 12_000}
    assert saved("rds-instance-idle", database).usd_month == pytest.approx(730 * 0.171 + 46)


def test_an_aurora_reader_saves_its_hours_only() -> None:
    reader = {
        **DATABASE,
        "Engine": "aurora-mysql",
        "DBInstanceClass": "db.r6g.large",
        "DBClusterIdentifier": "shop",
        "StorageType": "aurora",
    }
    assert saved("rds-instance-idle", reader).usd_month == pytest.approx(730 * 0.26)


@pytest.mark.parametrize("left_out", ["AllocatedStorage", "Iops", "MultiAZ", "StorageType"])
def test_what_is_not_said_of_a_database_is_not_taken_for_the_cheapest(left_out: str) -> None:
    database = {**DATABASE, "StorageType": "io1", "Iops": 5000}
    assert saved("rds-instance-idle", database).usd_month is not None
    del database[left_out]
    assert saved("rds-instance-idle", database).usd_month is None


@pytest.mark.parametrize(
    ("check", "type", "document"),
    [
        ("ebs-snapshot-orphaned", "AWS::EC2::Snapshot", {"VolumeId": "vol-1", "StorageTier": "standard"}),
        ("rds-snapshot-old-manual", "AWS::RDS::DBSnapshot", {"SnapshotType": "manual", "Engine": "mysql"}),
    ],
)
def test_a_snapshot_of_an_unknown_size_is_not_free(check: str, type: str, document: dict[str, Any]) -> None:
    snapshot = {
        "SnapshotId": "snap-1",
        "OwnerId": ACCOUNT,
        "State": "completed",
        "Status": "available",
        "StartTime": ago(days=200),
        "SnapshotCreateTime": ago(days=200),
        **document,
    }
    assert saved(check, snapshot, type=type).usd_month is None


def test_a_licensed_engine_has_no_price_in_the_table() -> None:
    licensed = {**DATABASE, "Engine": "oracle-se2", "LicenseModel": "license-included"}
    assert saved("rds-instance-idle", licensed).usd_month is None


def test_the_next_smaller_class_is_half_the_price() -> None:
    metrics = {
        "CPUUtilization.Maximum": datapoints(*[10] * DAYS),
        "FreeableMemory.Minimum": datapoints(*[12 * 2**30] * DAYS),
        "DatabaseConnections.Maximum": datapoints(*[5] * DAYS),
    }
    related = {
        "AWS::EC2::InstanceType": [{"InstanceType": "m5.xlarge", "MemoryInfo": {"SizeInMiB": 16_384}}],
        "AWS::RDS::OrderableDBInstanceOption": [
            {"DBInstanceClass": name, "Engine": "mysql", "EngineVersion": "8.0.40"}
            for name in ("db.m5.large", "db.m5.xlarge")
        ],
    }
    saving = saved("rds-instance-overprovisioned", {**DATABASE, "Metrics": metrics}, related=related)
    assert (saving.usd_month, saving.certainty) == (124.83, Certainty.ESTIMATE)
    related.pop("AWS::RDS::OrderableDBInstanceOption")
    no_longer_sold = saved("rds-instance-overprovisioned", {**DATABASE, "Metrics": metrics}, related=related)
    assert no_longer_sold.usd_month is None


def test_a_newer_generation_that_is_not_cheaper_saves_nothing() -> None:
    older = {**DATABASE, "DBInstanceClass": "db.m4.large"}
    assert saved("rds-instance-previous-generation", older).usd_month == 2.92
    assert saved("rds-instance-previous-generation", {**older, "DBInstanceClass": "db.r4.large"}).usd_month == 0.0


def test_storage_shrinks_to_what_is_used_and_half_as_much_again() -> None:
    metrics = {"FreeStorageSpace.Minimum": datapoints(*[900 * 2**30] * DAYS)}
    saving = saved("rds-storage-overallocated", {**DATABASE, "AllocatedStorage": 1000, "Metrics": metrics})
    assert (saving.usd_month, saving.certainty) == (97.75, Certainty.UPPER_BOUND)


def test_a_stopped_database_pays_for_its_storage() -> None:
    stopped = {
        **DATABASE,
        "DBInstanceStatus": "stopped",
        "Metrics": {"CPUUtilization.Maximum": datapoints()},
    }
    assert saved("rds-instance-stopped-long", stopped).usd_month == 11.50


@pytest.mark.parametrize(
    ("engine", "type", "gib", "usd"),
    [
        ("mysql", "AWS::RDS::DBSnapshot", 100, 9.50),
        ("aurora-mysql", "AWS::RDS::DBClusterSnapshot", 100, 2.10),
        ("aurora-mysql", "AWS::RDS::DBClusterSnapshot", 1, None),
    ],
)
def test_a_database_snapshot_saves_at_most_its_size(engine: str, type: str, gib: int, usd: float | None) -> None:
    snapshot = {
        "SnapshotType": "manual",
        "Status": "available",
        "Engine": engine,
        "SnapshotCreateTime": ago(days=200),
        "AllocatedStorage": gib,
    }
    saving = saved("rds-snapshot-old-manual", snapshot, type=type)
    assert saving.usd_month == usd
    assert usd is None or saving.certainty is Certainty.UPPER_BOUND


def group(platform: str | None) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Return a group of four instances on demand, and what it is joined to."""
    instances = [{"InstanceId": f"i-{number}", "InstanceType": "m5.large"} for number in range(4)]
    document = {
        "MaxSize": 10,
        "DesiredCapacity": 4,
        "Instances": instances,
        "MixedInstancesPolicy": {"InstancesDistribution": {}},
    }
    related = {"AWS::EC2::Instance": [{**instance, "PlatformDetails": platform} for instance in instances]}
    return document, related


def test_spot_saves_the_difference_for_the_instances_above_the_wanted_share() -> None:
    document, related = group("Linux/UNIX")
    saving = saved("asg-spot-usage", document, related=related, tags={"fault-tolerant": "true"})
    assert saving.usd_month == pytest.approx(2 * 730 * (0.096 - 0.03), abs=0.01)
    assert saving.certainty is Certainty.ESTIMATE


@pytest.mark.parametrize(
    ("platform", "tenancy"), [("Windows", "default"), ("Linux/UNIX", "dedicated"), (None, "default")]
)
def test_only_linux_on_shared_hardware_has_a_spot_price(platform: str | None, tenancy: str) -> None:
    document, related = group(platform)
    for instance in related["AWS::EC2::Instance"]:
        instance["Placement"] = {"Tenancy": tenancy}
        if platform is None:
            del instance["PlatformDetails"]
    assert saved("asg-spot-usage", document, related=related, tags={"fault-tolerant": "true"}).usd_month is None


def test_every_item_that_a_shipped_check_prices_exists(caplog: pytest.LogCaptureFixture) -> None:
    for check in CHECKS.values():
        for case in check.fails:
            inventory, subject = inventory_of(check, case)
            inventory.prices = WithSpot()
            judge(check, Facts(subject, inventory), standard.bind(STANDARD[check.patterns[0]], check.thresholds))
    assert not [message for message in caplog.messages if "no price called" in message]
