"""Proxies work and reach what is behind them."""

from collections.abc import Iterator

from auditor.kit import HIGH, Case, Evidence, Facts, Fix, Gap, NotApplicable, check

from ._examples import CLUSTER_PROXY, DB_PROXY, PROXY
from .thresholds import ConnectionPooling


@check(
    "rds-proxy-targets-available",
    pattern="databases.high-availability.connection-pooling",
    on=DB_PROXY,
    severity=HIGH,
    fix=Fix(cli="aws rds describe-db-proxy-targets --db-proxy-name {name}", terraform="aws_db_proxy_target"),
    passes=[
        Case(PROXY),
        Case(CLUSTER_PROXY, why="the tracked cluster itself has no health"),
        Case({**PROXY, "Status": "modifying"}),
    ],
    fails=[
        Case({**PROXY, "Status": "incompatible-network"}),
        Case({**PROXY, "Targets": []}),
        Case(
            {
                **PROXY,
                "Targets": [
                    *CLUSTER_PROXY["Targets"],
                    {
                        "Type": "RDS_INSTANCE",
                        "RdsResourceId": "shop-2",
                        "TrackedClusterId": "shop",
                        "Role": "READ_ONLY",
                        "TargetHealth": {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY"},
                    },
                ],
            }
        ),
    ],
    skips=[
        Case({**PROXY, "Status": "creating"}),
        Case(
            {
                **PROXY,
                "Targets": [
                    {"Type": "RDS_INSTANCE", "RdsResourceId": "orders", "TargetHealth": {"State": "REGISTERING"}}
                ],
            }
        ),
    ],
    unknowns=[Case({**PROXY, "Targets": []}, gaps={"Targets": Gap("rds:DescribeDBProxyTargets", "AccessDenied")})],
)
def rds_proxy_targets_available(proxy: Facts, want: ConnectionPooling) -> Iterator[Evidence]:
    """A proxy works and can reach every database behind it.

    Why: clients connect to the proxy only; a target it cannot reach is down for them, or missing when it is needed for a failover.

    Fix: read the target's reason (credentials, security groups, capacity) and mend that.

    Source: RDS User Guide, "Troubleshooting for RDS Proxy"; the standard's "Connection pooling".
    """
    now = proxy["Status"]
    if now in ("creating", "deleting"):
        raise NotApplicable(f"it is {now} right now")
    works = now in ("available", "modifying")
    if not works:
        yield Evidence(f"is {now}", {"Status": now})
    targets = [target for target in proxy["Targets"] if target.get("Type") != "TRACKED_CLUSTER"]
    if not targets:
        yield Evidence("has no target", {"targets": 0})
    states = [target.get("TargetHealth", {}).get("State") for target in targets]
    if works and "REGISTERING" in states and set(states) <= {"AVAILABLE", "REGISTERING"}:
        raise NotApplicable("a target is being registered")
    for target, state in zip(targets, states, strict=True):
        if state not in ("AVAILABLE", "REGISTERING"):
            health = target.get("TargetHealth", {})
            yield Evidence(
                f"cannot use its target {target.get('RdsResourceId')}: {state}, {health.get('Reason', 'no reason given')}",
                {"target": target.get("RdsResourceId"), "Role": target.get("Role"), "TargetHealth": health},
            )
