"""Right-size: databases larger than their work."""

from collections.abc import Iterator

from auditor.kit import MEDIUM, Case, Certainty, Evidence, Facts, Fix, NotApplicable, ago, check, sum_of, unpriced
from auditor.kit.bills import database_class, database_hours
from auditor.kit.databases import GIB, SERVERLESS, class_memory_bytes, created_at
from auditor.kit.usage import require_days, skip_young

from ._databases import (
    DATABASE,
    DB_INSTANCE,
    INSTANCE_TYPE,
    MEMBER,
    NO_METRICS,
    ORDERABLE,
    advice,
    is_idle,
    measured,
    next_smaller,
    skip_unavailable,
)
from ._recommendations import OPTIMIZED, RDS_RECOMMENDATION, best, of_database, saving_of
from .thresholds import RightSize

_MEMORY: dict[str, object] = {"InstanceType": "m5.xlarge", "MemoryInfo": {"SizeInMiB": 16_384}}
_ON_OFFER: list[dict[str, object]] = [
    {"DBInstanceClass": name, "Engine": "mysql", "EngineVersion": "8.0.40"}
    for name in ("db.m5.large", "db.m5.xlarge", "db.m5.2xlarge", "db.t3.medium")
]
_AROUND: dict[str, list[dict[str, object]]] = {INSTANCE_TYPE: [_MEMORY], ORDERABLE: _ON_OFFER}
_LITTLE = measured(CPUUtilization__Maximum=20, FreeableMemory__Minimum=12 * GIB, DatabaseConnections__Maximum=9)
_NOBODY = measured(DatabaseConnections__Maximum=0)
_OPTION = {
    "dbInstanceClass": "db.m7g.large",
    "rank": 1,
    "savingsOpportunity": {"estimatedMonthlySavings": {"currency": "USD", "value": 120.0}},
}
_TOO_LARGE = advice(instanceFinding="Overprovisioned", idle="False", instanceRecommendationOptions=[_OPTION])


@check(
    "rds-instance-overprovisioned",
    pattern="cost.right-sizing.right-size",
    on=DB_INSTANCE,
    severity=MEDIUM,
    reads=(INSTANCE_TYPE, ORDERABLE, RDS_RECOMMENDATION),
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --db-instance-class {facts.smaller}",
        terraform="aws_db_instance.instance_class",
    ),
    same_as=("thrifty:rds_db_low_utilization", "service-screener:RightSizingCpuLowUsageDetected"),
    passes=[
        {**DATABASE, "Metrics": measured(CPUUtilization__Maximum=60)},
        Case({**DATABASE, "Metrics": measured(1, CPUUtilization__Maximum=60)}, why="one busy day proves it"),
        Case(
            {**DATABASE, "Metrics": measured(CPUUtilization__Maximum=20, FreeableMemory__Minimum=4 * GIB)},
            related=_AROUND,
            why="its memory is used",
        ),
        Case(DATABASE, related={RDS_RECOMMENDATION: [advice(instanceFinding=OPTIMIZED)]}),
        Case(DATABASE, related={RDS_RECOMMENDATION: [advice(instanceFinding="Underprovisioned")]}),
    ],
    fails=[
        Case({**DATABASE, "Metrics": _LITTLE}, related=_AROUND),
        Case(
            {**DATABASE, "Metrics": _LITTLE},
            related={INSTANCE_TYPE: [_MEMORY]},
            why="its version is no longer sold, so it is offered no class: m5 begins at large",
        ),
        Case(DATABASE, related={RDS_RECOMMENDATION: [_TOO_LARGE]}, why="AWS finds it too large"),
        Case(
            {**DATABASE, "Metrics": _LITTLE},
            related={
                **_AROUND,
                RDS_RECOMMENDATION: [{**advice(instanceFinding=OPTIMIZED), "currentDBInstanceClass": "db.m5.large"}],
            },
            why="AWS judged the class it had before",
        ),
    ],
    skips=[
        {**MEMBER, "DBInstanceClass": SERVERLESS},
        {**DATABASE, "DBInstanceStatus": "stopped"},
        {**DATABASE, "InstanceCreateTime": ago(days=2), "Metrics": measured(2, CPUUtilization__Maximum=1)},
        Case(
            {**DATABASE, "Metrics": {**_LITTLE, **_NOBODY}},
            related=_AROUND,
            why="rds-instance-idle reports it",
        ),
        Case(
            {**DATABASE, "Metrics": _LITTLE},
            related={**_AROUND, ORDERABLE: _ON_OFFER[1:]},
            why="its engine's version can have no smaller class",
        ),
        Case(DATABASE, related={RDS_RECOMMENDATION: [{**_TOO_LARGE, "idle": "True"}]}),
    ],
    unknowns=[
        Case(DATABASE, gaps=NO_METRICS),
        Case(
            {**DATABASE, "Metrics": _LITTLE}, related=_AROUND, unread=[RDS_RECOMMENDATION], why="AWS may find it right"
        ),
        Case(
            {**DATABASE, "Metrics": measured(CPUUtilization__Maximum=60)},
            unread=[RDS_RECOMMENDATION],
            why="AWS may find it too large",
        ),
        Case({**DATABASE, "Metrics": measured(5, CPUUtilization__Maximum=5)}, why="too few days"),
        Case({**DATABASE, "Metrics": measured(CPUUtilization__Maximum=5)}, related=_AROUND, why="memory was not read"),
        Case({**DATABASE, "Metrics": _LITTLE}, related=_AROUND, unread=[INSTANCE_TYPE]),
        Case({**DATABASE, "Metrics": _LITTLE}, related=_AROUND, unread=[ORDERABLE]),
        Case(
            {**DATABASE, "Engine": "sqlserver-ee", "Metrics": _LITTLE},
            related=_AROUND,
            why="its edition may run on no smaller class",
        ),
    ],
)
def rds_instance_overprovisioned(instance: Facts, want: RightSize) -> Iterator[Evidence]:
    """A database's class is no larger than its work needs.

    Why: each size up costs twice as much, and a database that never uses half of its processors and memory fits one down.

    Fix: change the class in a maintenance window: the change takes the database away for some minutes, with a standby for
    about one. Look at what comes once a quarter first: the metrics go back two weeks.

    Source: AWS Compute Optimizer User Guide, "Viewing RDS database recommendations"; standard, "Match resources to actual
    usage". Compute Optimizer's judgement comes first, then processor load and free memory.
    """
    if instance["DBInstanceClass"] == SERVERLESS:
        raise NotApplicable("it is serverless: its size follows its work")
    skip_unavailable(instance)
    skip_young(instance, created_at(instance), want.lookback_days)
    recommendation = of_database(instance)
    if recommendation and (finding := recommendation.get("instanceFinding")):
        if finding != "Overprovisioned":
            return
        if recommendation.get("idle") == "True":
            raise NotApplicable("it is idle, which is reported itself")
        option = best(recommendation, "instanceRecommendationOptions")
        yield Evidence(
            "is larger than it needs to be, says AWS Compute Optimizer",
            {
                "DBInstanceClass": instance["DBInstanceClass"],
                "smaller": (option or {}).get("dbInstanceClass", ""),
                "reasons": recommendation.get("instanceFindingReasonCodes", []),
            },
            saving=saving_of(recommendation, option, f"RDS {instance['DBInstanceClass']}"),
        )
        return
    yield from _half_used(instance, want)


def _half_used(instance: Facts, want: RightSize) -> Iterator[Evidence]:
    """Yield evidence when neither processors nor memory were used much on any day."""
    cpu = instance.metric("CPUUtilization", "Maximum", days=want.lookback_days)
    if cpu and cpu.maximum > want.rds_under_cpu_max_pct:
        return
    require_days(cpu, want.lookback_days, want.min_metric_coverage_ratio, "CPUUtilization")
    memory = instance.metric("FreeableMemory", "Minimum", days=want.lookback_days)
    ratio = min(memory.values, default=0.0) / class_memory_bytes(instance)
    if memory and ratio < want.rds_free_memory_min_ratio:
        return
    require_days(memory, want.lookback_days, want.min_metric_coverage_ratio, "FreeableMemory")
    smaller = next_smaller(instance)
    if smaller is None:
        raise NotApplicable("its engine can have no smaller class of the family")
    if is_idle(instance, want):
        raise NotApplicable("it is idle, which is reported itself")
    yield Evidence(
        f"used at most {cpu.maximum:.0f}% of its processors and always had {ratio:.0%} of its memory free in "
        f"{want.lookback_days} days; {smaller or 'a smaller class'} would do",
        {
            "DBInstanceClass": instance["DBInstanceClass"],
            "cpu_max_pct": round(cpu.maximum, 1),
            "free_memory_min_ratio": round(ratio, 2),
            "smaller": smaller,
            "wanted_cpu_max_pct": want.rds_under_cpu_max_pct,
        },
        saving=sum_of(
            database_hours(instance), database_class(instance, smaller).times(-1), certainty=Certainty.ESTIMATE
        )
        if smaller
        else unpriced("which smaller classes its version can have is not known"),
    )
