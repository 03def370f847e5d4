"""The memory: what was read, what was concluded, and since when. The only place that knows SQLAlchemy."""

from auditor.store.inventory import Inventory
from auditor.store.leases import Lease, scan_lease
from auditor.store.records import CachedPrice, ResourceChanges, ResourceRef
from auditor.store.store import Store, default_url
from auditor.store.writer import ScopeWriter

__all__ = [
    "CachedPrice",
    "Inventory",
    "Lease",
    "ResourceChanges",
    "ResourceRef",
    "ScopeWriter",
    "Store",
    "default_url",
    "scan_lease",
]
