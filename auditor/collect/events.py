"""Events of RDS and ElastiCache: how far they go back, and an id, which the APIs give none."""

import hashlib

from auditor.collect.declare import Row

__all__ = ["FORTNIGHT", "with_event_id"]

FORTNIGHT = 20160
"""Minutes: the longest time that DescribeEvents looks back (AWS keeps events 14 days)."""


def with_event_id(event: Row) -> Row:
    """Return the event with an EventId of its own: what it happened to can have several events in a second."""
    said = "\n".join(str(event.get(name, "")) for name in ("Date", "SourceArn", "Message"))
    return {**event, "EventId": hashlib.sha256(said.encode()).hexdigest()[:16]}
