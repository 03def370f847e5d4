"""Machines and databases in the shipped table: one price per family, the size as a factor, engines by AWS's names."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from auditor.pricing.table import Entry, has

__all__ = ["Engine", "database_engine", "database_entry", "instance_entry"]

_SIZES = {"nano": 1 / 16, "micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0, "xlarge": 2.0}
_LINUX = {"operation": "RunInstances", "tenancy": "Shared"}


def _size_factor(size: str) -> float | None:
    """Return a size as a multiple of ``large``; ``None`` for bare metal and what is no size."""
    if size in _SIZES:
        return _SIZES[size]
    many = re.fullmatch(r"([1-9]\d{0,2})xlarge", size, re.ASCII)
    return 2.0 * int(many[1]) if many else None


def instance_entry(given: Mapping[str, str]) -> Entry | None:
    """Return where the price of an EC2 type on demand stands: its own, or its family's times its size.

    Only Linux on shared hardware is in the table. Families whose price does not grow with the size (accelerators, some
    bare metal) are there by type or not at all.
    """
    if any(given[name] != value for name, value in _LINUX.items()):
        return None
    name = given["instance_type"]
    if has("ec2-instance", name):
        return Entry(name)
    family, _, size = name.partition(".")
    factor = _size_factor(size)
    return None if factor is None else Entry(family, "ec2-instance large", factor)


class Engine(NamedTuple):
    """A database engine in the words of the Price List."""

    name: str
    edition: str
    table: str
    """What the shipped table calls it; empty: it has none (licences)."""


_ENGINES = {
    "mysql": Engine("MySQL", "", "mysql"),
    "mariadb": Engine("MariaDB", "", "mysql"),
    "postgres": Engine("PostgreSQL", "", "postgres"),
    "aurora": Engine("Aurora MySQL", "", "aurora"),
    "aurora-mysql": Engine("Aurora MySQL", "", "aurora"),
    "aurora-postgresql": Engine("Aurora PostgreSQL", "", "aurora"),
    "oracle-ee": Engine("Oracle", "Enterprise", ""),
    "oracle-ee-cdb": Engine("Oracle", "Enterprise", ""),
    "oracle-se2": Engine("Oracle", "Standard Two", ""),
    "oracle-se2-cdb": Engine("Oracle", "Standard Two", ""),
    "sqlserver-ee": Engine("SQL Server", "Enterprise", ""),
    "sqlserver-se": Engine("SQL Server", "Standard", ""),
    "sqlserver-web": Engine("SQL Server", "Web", ""),
    "sqlserver-ex": Engine("SQL Server", "Express", ""),
}


def database_engine(engine: str) -> Engine | None:
    """Return what the Price List calls RDS's ENGINE (``oracle-se2``); ``None`` for one that is not known."""
    return _ENGINES.get(engine)


def database_entry(given: Mapping[str, str]) -> Entry | None:
    """Return where the price of a database instance stands.

    A size that is not in the table is made from its family's ``large``, as AWS makes it (RDS User Guide, "Reserved DB
    instances", units per size); the price for two zones is twice that for one. Both are estimates.
    """
    engine = database_engine(given["engine"])
    multi = {"single-az": False, "multi-az": True}.get(given["deployment"])
    if engine is None or not engine.table or multi is None or given["storage_type"] == "aurora-iopt1":
        return None
    zones = 2.0 if multi else 1.0
    name = f"{engine.table} {given['instance_class']}"
    if has("rds-instance", name):
        return Entry(name, factor=zones, derived=multi)
    family, _, size = name.rpartition(".")
    factor = _size_factor(size)
    if factor is None or (factor < 1 and ".t" not in family):  # only burstable classes are smaller than large
        return None
    return Entry(f"{family}.large", factor=zones * factor, derived=True)
