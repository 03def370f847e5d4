"""Calls that CloudTrail recorded: what was asked, and whether it was refused."""

import json
from typing import Any

from auditor.kit.facts import Facts, Unavailable
from auditor.model import Gap

__all__ = ["TRAIL_EVENT", "record_of"]

TRAIL_EVENT = "AWS::CloudTrail::Event"


def record_of(event: Facts) -> dict[str, Any]:
    """Return the record of EVENT: ``requestParameters``, and ``errorCode`` where it was refused.

    Raises Unavailable where it is no JSON object.
    """
    try:
        record = json.loads(event["CloudTrailEvent"])
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise Unavailable(Gap("cloudtrail:LookupEvents", "NotUnderstood", "an event's record is no JSON object"))
    return record
