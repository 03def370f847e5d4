"""What Spot capacity cost lately: the median of a region's price history."""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import isfinite
from statistics import median
from typing import Any

from auditor.aws.answer import Caller, CallError, Fault
from auditor.pricing.calls import SPOT_HISTORY

__all__ = ["SpotHistory"]

log = logging.getLogger(__name__)

_PAGE = 1000
_PAGES_MAX = 10


class SpotHistory:
    """Asks DescribeSpotPriceHistory; a region that did not answer is not asked again, and after a denial none is."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._allowed = True
        self._silent: set[str] = set()

    def median(self, instance_type: str, region: str, days: int, now: datetime) -> float | None:
        """Return the median USD an hour of Linux on INSTANCE_TYPE over all zones of REGION; ``None`` without an answer."""
        if not self._allowed or region in self._silent:
            return None
        try:
            prices = list(self._prices(instance_type, region, now - timedelta(days=days)))
        except CallError as error:
            if error.fault is not Fault.PARAMETER:  # an answer about this type only
                self._silent.add(region)
                self._allowed = error.fault in (Fault.THROTTLED, Fault.TRANSIENT, Fault.NOT_HERE)
            log.warning("Spot prices of %s cannot be asked for: %s answered %s", region, SPOT_HISTORY, error.code)
            return None
        return median(prices) if prices else None

    def _prices(self, instance_type: str, region: str, since: datetime) -> Iterator[float]:
        params: dict[str, Any] = {
            "InstanceTypes": [instance_type],
            "ProductDescriptions": ["Linux/UNIX"],
            "StartTime": since,
            "MaxResults": _PAGE,
        }
        # The newest come first: what lies beyond the last page read is the oldest.
        for _ in range(_PAGES_MAX):
            parsed = self._caller.call(SPOT_HISTORY.service, SPOT_HISTORY.operation, params, region).parsed
            yield from (usd for row in parsed.get("SpotPriceHistory") or () if (usd := _usd(row)))
            token = parsed.get("NextToken")
            if not token:
                return
            params = {**params, "NextToken": token}


def _usd(row: Mapping[str, Any]) -> float | None:
    try:
        usd = float(row["SpotPrice"])
    except (KeyError, TypeError, ValueError):
        return None
    return usd if isfinite(usd) and usd > 0 else None
