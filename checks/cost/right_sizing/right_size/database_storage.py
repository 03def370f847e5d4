"""Right-size: storage of databases that is not used, or of the former type."""

from collections.abc import Iterator

from auditor.kit import LOW, Case, Certainty, Evidence, Facts, Fix, NotApplicable, Saving, ago, check, sum_of
from auditor.kit.bills import database_storage
from auditor.kit.databases import GIB, created_at, is_aurora
from auditor.kit.usage import require_days, skip_young

from ._databases import DATABASE, DB_INSTANCE, MEMBER, NO_METRICS, advice, measured
from ._recommendations import RDS_RECOMMENDATION, best, of_database, saving_of
from .thresholds import RightSize

_EMPTY = {"Metrics": measured(FreeStorageSpace__Minimum=450 * GIB)}
_FULL = {"Metrics": measured(FreeStorageSpace__Minimum=100 * GIB)}
_OPTION = {
    "rank": 1,
    "storageConfiguration": {"storageType": "gp3"},
    "savingsOpportunity": {"estimatedMonthlySavings": {"currency": "USD", "value": 20.0}},
}
_GP2 = {**DATABASE, "StorageType": "gp2"}
_LEAST_GIB = 20
"""The least storage RDS gives a database of MySQL, MariaDB or PostgreSQL."""


@check(
    "rds-storage-overallocated",
    pattern="cost.right-sizing.right-size",
    on=DB_INSTANCE,
    severity=LOW,
    reads=(RDS_RECOMMENDATION,),
    fix=Fix(
        cli="aws rds create-blue-green-deployment --blue-green-deployment-name {name}-smaller --source {id} --target-allocated-storage GIB --target-storage-type gp3",
        terraform="aws_db_instance.allocated_storage, aws_db_instance.storage_type",
    ),
    same_as=("service-screener:FreeStorage20pct",),
    passes=[
        {**DATABASE, **_FULL},
        Case(
            {**DATABASE, "Metrics": measured(1, FreeStorageSpace__Minimum=100 * GIB)},
            why="it was used once: that is enough",
        ),
        Case({**DATABASE, "AllocatedStorage": 100}, gaps=NO_METRICS, why="too small to be worth it"),
        Case({**DATABASE, **_FULL}, related={RDS_RECOMMENDATION: [advice(storageFinding="Underprovisioned")]}),
    ],
    fails=[
        {**DATABASE, **_EMPTY},
        {**_GP2, **_FULL},
        Case(_GP2, gaps=NO_METRICS, unread=[RDS_RECOMMENDATION], why="its type needs no metrics"),
        Case({**_GP2, "InstanceCreateTime": ago(days=2)}, why="its type needs no two weeks"),
        Case(
            DATABASE,
            related={
                RDS_RECOMMENDATION: [advice(storageFinding="Overprovisioned", storageRecommendationOptions=[_OPTION])]
            },
            why="AWS finds its IOPS or throughput too large",
        ),
    ],
    skips=[
        Case(MEMBER, why="Aurora's storage is billed by use"),
        {**MEMBER, "Engine": "mysql", "StorageType": "io1"},
        {**DATABASE, "InstanceCreateTime": ago(days=2), "Metrics": measured(2, FreeStorageSpace__Minimum=450 * GIB)},
    ],
    unknowns=[
        Case(DATABASE, gaps=NO_METRICS),
        Case({**DATABASE, **_FULL}, unread=[RDS_RECOMMENDATION], why="AWS may find it too large"),
        Case({**DATABASE, "Metrics": measured(3, FreeStorageSpace__Minimum=450 * GIB)}, why="too few days"),
    ],
)
def rds_storage_overallocated(instance: Facts, want: RightSize) -> Iterator[Evidence]:
    """A database has no more storage than it needs, and none of the former type gp2.

    Why: storage is paid for by what is allocated, not by what is used; gp2 is slower than gp3 at the same price or more.

    Fix: storage cannot be made smaller in place: create a blue/green deployment with less, or dump and restore; that is
    worth it for large amounts only. The type can be changed in place.

    Source: Amazon RDS User Guide, "Amazon RDS DB instance storage"; AWS Compute Optimizer User Guide, "Viewing RDS database
    recommendations"; standard, "Match resources to actual usage".
    """
    if is_aurora(instance):
        raise NotApplicable("Aurora's storage is billed by use")
    if instance.get("DBClusterIdentifier"):
        raise NotApplicable("its storage belongs to its cluster")
    gib = instance["AllocatedStorage"]
    former = instance["StorageType"] == "gp2"
    if former:
        yield Evidence(
            "its storage is of type gp2; gp3 is faster at the same price or less",
            {"StorageType": "gp2", "AllocatedStorage": gib, "wanted": "gp3"},
            saving=_as_gp3(instance, gib),
        )
    recommendation = of_database(instance)
    finding = recommendation.get("storageFinding") if recommendation else None
    if recommendation and finding in ("Overprovisioned", "NotOptimized"):
        option = best(recommendation, "storageRecommendationOptions")
        yield Evidence(
            "its storage is larger or dearer than it needs to be, says AWS Compute Optimizer",
            {
                "storageFinding": finding,
                "recommended": (option or {}).get("storageConfiguration", {}),
                "reasons": recommendation.get("storageFindingReasonCodes", []),
            },
            saving=saving_of(recommendation, option, "RDS storage"),
        )
        former = True
    if gib > want.rds_storage_min_gib:
        if not former:
            skip_young(instance, created_at(instance), want.lookback_days)
        yield from _mostly_free(instance, gib, want)


def _as_gp3(instance: Facts, gib: int) -> Saving | None:
    """Return what the same storage as gp3 saves; in many regions the price is the same, and there is nothing to say."""
    price = instance.prices.price
    now = database_storage(instance, gib)
    given = {"storage_type": "gp3", "deployment": "multi-az" if instance.get("MultiAZ") else "single-az"}
    newer = [part._replace(price=price("rds-storage", instance.region, **given)) for part in now]
    made = sum_of(*now, *(part.times(-1) for part in newer))
    return made if made.usd_month else None


def _mostly_free(instance: Facts, gib: int, want: RightSize) -> Iterator[Evidence]:
    """Yield evidence when most of the storage was free on every day."""
    free = instance.metric("FreeStorageSpace", "Minimum", days=want.lookback_days)
    least = min(free.values, default=0.0) / GIB
    if free and least / gib <= want.rds_storage_free_ratio:
        return
    require_days(free, want.lookback_days, want.min_metric_coverage_ratio, "FreeStorageSpace")
    used = max(0.0, gib - least)
    kept = min(float(gib), max(_LEAST_GIB, used * want.rds_storage_keep_factor))
    yield Evidence(
        f"at least {least:,.0f} of its {gib:,} GiB were free in {want.lookback_days} days",
        {
            "AllocatedStorage": gib,
            "free_min_gib": round(least, 1),
            "wanted_free_ratio_max": want.rds_storage_free_ratio,
        },
        saving=sum_of(*database_storage(instance, round(gib - kept, 1)), certainty=Certainty.UPPER_BOUND),
    )
