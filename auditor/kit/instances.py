"""EC2 instances: since when one is stopped."""

import re
from datetime import datetime

from auditor.kit.facts import Facts, Unavailable
from auditor.kit.time import parse_time
from auditor.model import Gap

__all__ = ["INSTANCE", "in_warm_pool", "is_stopped", "stopped_at"]

INSTANCE = "AWS::EC2::Instance"

_WHEN = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)", re.ASCII)


def is_stopped(instance: Facts) -> bool:
    """Return whether INSTANCE is stopped (hibernated ones are)."""
    return bool(instance["State"]["Name"] == "stopped")


def in_warm_pool(instance: Facts) -> bool:
    """Return whether an Auto Scaling group owns the stopped INSTANCE: it then waits to be started."""
    return "aws:autoscaling:groupName" in instance.tags


def stopped_at(instance: Facts) -> datetime:
    """Return when INSTANCE was stopped (UTC), as its StateTransitionReason says: ``User initiated (2026-01-31 10:00:00 GMT)``.

    Raises Unavailable when it says no date: AWS leaves it out when the stop was its own.
    """
    match = _WHEN.search(instance.get("StateTransitionReason", ""))
    try:
        if match:
            return parse_time(match[1])
    except ValueError:
        pass
    raise Unavailable(Gap("ec2:DescribeInstances", "FieldMissing", "its StateTransitionReason says no date"))
