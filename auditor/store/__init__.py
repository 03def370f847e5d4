"""The memory: what was read, what was concluded, and since when. The only place that knows SQLAlchemy."""

from auditor.store.check_versions import CheckVersion
from auditor.store.finding_list import FindingLine
from auditor.store.inventory import Inventory
from auditor.store.leases import Lease, leased_account, scan_lease
from auditor.store.prune import Keep, Pruned, keep
from auditor.store.query import Answer
from auditor.store.records import CachedPrice
from auditor.store.resource_list import Listed, Version
from auditor.store.size import Size, TableSize
from auditor.store.store import Store, default_url
from auditor.store.writer import ScopeWriter

__all__ = [
    "Answer",
    "CachedPrice",
    "CheckVersion",
    "FindingLine",
    "Inventory",
    "Keep",
    "Lease",
    "Listed",
    "Pruned",
    "ScopeWriter",
    "Size",
    "Store",
    "TableSize",
    "Version",
    "default_url",
    "keep",
    "leased_account",
    "scan_lease",
]
