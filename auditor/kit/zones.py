"""Availability Zones: which of the places AWS names are ones, and which are only close to users."""

from collections.abc import Iterable

from auditor.kit.facts import Facts

__all__ = ["AVAILABILITY_ZONE", "regional_zones"]

AVAILABILITY_ZONE = "AWS::EC2::AvailabilityZone"


def regional_zones(facts: Facts, names: Iterable[str]) -> set[str]:
    """Return those of the zone NAMES that are Availability Zones: no Local Zones, no Wavelength Zones.

    Raises Unavailable when the region's zones were not read. A check needs no answer where even all NAMES are too few.
    Source: EC2 DescribeAvailabilityZones, ZoneType (``availability-zone``, ``local-zone``, ``wavelength-zone``).
    """
    zones = facts.related(AVAILABILITY_ZONE, names, by="ZoneName")
    return {zone["ZoneName"] for zone in zones if zone["ZoneType"] == "availability-zone"}
