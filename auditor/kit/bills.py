"""What is paid for a volume and for a database, a month, part by part: AWS's rules of what is counted.

Fields that an answer leaves out leave the part without a price: a finding stands without its amount.
"""

from collections.abc import Iterable
from dataclasses import replace

from auditor.kit.facts import Facts
from auditor.kit.money import HOURS_PER_MONTH, Part, Price, Saving, sum_of

__all__ = [
    "GP3_IOPS",
    "GP3_MIBPS",
    "database_class",
    "database_hours",
    "database_iops",
    "database_storage",
    "net_of_snapshot",
    "volume_bill",
    "volume_iops",
    "volume_storage",
    "volume_throughput",
]

GP3_IOPS, GP3_MIBPS = 3000, 125
"""What each gp3 volume has without extra charge. Source: Amazon EBS User Guide, "General Purpose SSD volumes"."""

_IO2_TIERS = ((0, 32_000, "1"), (32_000, 64_000, "2"), (64_000, 10**9, "3"))
"""From, to and name of io2's tiers of IOPS. Source: Amazon EBS pricing."""


# ---- EBS -------------------------------------------------------------------------------------------------------------


def _unknown(what: str) -> Part:
    """Return a part whose amount nobody knows: what is left out of an answer is not free."""
    return Part(1, f"unknown number of {what}", None)


def volume_storage(volume: Facts, volume_type: str, gib: float | None) -> Part:
    """Return what GIB of storage cost on a volume of VOLUME_TYPE in the region of VOLUME; no price when that is unknown."""
    if not gib:
        return _unknown("GB")
    return Part(gib, "GB", volume.prices.price("ebs-storage", volume.region, volume_type=volume_type))


def volume_iops(volume: Facts, volume_type: str, iops: float) -> list[Part]:
    """Return what IOPS provisioned operations a second cost: above the free ones of gp3, in tiers for io2."""

    def part(quantity: float, tier: str = "1") -> Part:
        price = volume.prices.price("ebs-iops", volume.region, volume_type=volume_type, tier=tier)
        return Part(quantity, "IOPS", price)

    match volume_type:
        case "gp3":
            return [part(iops - GP3_IOPS)] if iops > GP3_IOPS else []
        case "io1":
            return [part(iops)]
        case "io2":
            return [part(min(iops, end) - start, tier) for start, end, tier in _IO2_TIERS if iops > start]
        case _:
            return []


def volume_throughput(volume: Facts, volume_type: str, mibps: float) -> list[Part]:
    """Return what a provisioned throughput of MIBPS (MiB/s) costs: above the free one of gp3."""
    if volume_type != "gp3" or mibps <= GP3_MIBPS:
        return []
    price = volume.prices.price("ebs-throughput", volume.region, volume_type=volume_type)
    return [Part(mibps - GP3_MIBPS, "MiB/s", price)]


def volume_bill(volume: Facts) -> list[Part]:
    """Return everything that is paid for VOLUME by the month: storage, provisioned IOPS and throughput."""
    kind, iops = str(volume["VolumeType"]), volume.get("Iops")
    untold = iops is None and kind in ("io1", "io2")
    return [
        volume_storage(volume, kind, volume.get("Size")),
        *([_unknown("IOPS")] if untold else volume_iops(volume, kind, iops or 0)),
        *volume_throughput(volume, kind, volume.get("Throughput", 0)),
    ]


# ---- RDS -------------------------------------------------------------------------------------------------------------


def _deployment(instance: Facts) -> str:
    """Return how the instance is billed; empty where the answer does not say.

    A Multi-AZ DB cluster of RDS has prices of its own, which are not known here.
    """
    if instance.get("DBClusterIdentifier") and not instance.get("Engine", "").startswith("aurora"):
        return "multi-az-cluster"
    return {True: "multi-az", False: "single-az"}.get(instance.get("MultiAZ", ""), "")


def database_class(instance: Facts, instance_class: str) -> Part:
    """Return what a month of a database instance like INSTANCE costs with INSTANCE_CLASS; standbys are part of the price."""
    engine = str(instance.get("Engine", ""))
    price = instance.prices.price(
        "rds-instance",
        instance.region,
        instance_class=instance_class,
        engine=engine,
        license_model=instance.get("LicenseModel", ""),
        deployment=_deployment(instance),
        storage_type=instance.get("StorageType", "") if engine.startswith("aurora") else "",
    )
    return Part(HOURS_PER_MONTH, "hours", price)


def database_hours(instance: Facts) -> Part:
    """Return what the hours of INSTANCE cost a month."""
    return database_class(instance, instance["DBInstanceClass"])


def database_storage(instance: Facts, gib: float | None) -> list[Part]:
    """Return what GIB of storage of INSTANCE cost; nothing for a member of a cluster, whose storage is the cluster's."""
    if instance.get("DBClusterIdentifier"):
        return []
    if gib is None:
        return [_unknown("GB")]
    given = {"storage_type": instance.get("StorageType", ""), "deployment": _deployment(instance)}
    return [Part(gib, "GB", instance.prices.price("rds-storage", instance.region, **given))]


def database_iops(instance: Facts) -> list[Part]:
    """Return what the provisioned IOPS of INSTANCE cost: all of io1's and io2's, of gp3 those above what is included.

    Source: Amazon RDS User Guide, "Amazon RDS DB instance storage" (gp3: 3,000 IOPS, 12,000 from 400 GiB, with Oracle
    from 200; SQL Server always 3,000).
    """
    kind, iops = instance.get("StorageType", ""), instance.get("Iops")
    if instance.get("DBClusterIdentifier"):
        return []
    if kind == "gp3":
        iops = max(0, (iops or 0) - _gp3_included(instance))
    elif kind not in ("io1", "io2"):
        return []
    elif iops is None:
        return [_unknown("IOPS")]
    given = {"storage_type": kind, "deployment": _deployment(instance)}
    return [Part(iops, "IOPS", instance.prices.price("rds-iops", instance.region, **given))] if iops else []


def _gp3_included(instance: Facts) -> int:
    engine = str(instance.get("Engine", ""))
    if engine.startswith("sqlserver"):
        return GP3_IOPS
    striped_from = 200 if engine.startswith("oracle") else 400
    return 12_000 if instance.get("AllocatedStorage", 0) >= striped_from else GP3_IOPS


# ---- what is kept ----------------------------------------------------------------------------------------------------


def net_of_snapshot(bill: Iterable[Part], gib: float | None, price: Price | None) -> Saving:
    """Return what deleting saves, beside what a snapshot that is kept costs: at most its GIB times PRICE.

    The snapshot is not taken off, because whether one is kept and how much of it is empty is not known.
    """
    made = sum_of(*bill, note=_kept(gib, price))
    return made if price is None else replace(made, prices=(*made.prices, price))


def _kept(gib: float | None, price: Price | None) -> str:
    if price is None or gib is None:
        return "a snapshot that is kept costs a part of it"
    return f"a snapshot that is kept costs at most {gib:.8g} GB x {price.usd:.8g}"
