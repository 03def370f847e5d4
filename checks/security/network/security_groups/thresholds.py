"""The numbers that security groups and network ACLs are judged by."""

from dataclasses import dataclass
from functools import cached_property

from auditor.kit.network import PortRange, port_ranges


@dataclass(frozen=True)
class SecurityGroups:
    """Thresholds of ``security.network.security-groups``; ports are numbers or ``"first-last"``."""

    admin_ports: tuple[int, ...]
    database_ports: tuple[int | str, ...]
    allowed_public_ports: tuple[int, ...]
    public_ports_tag: str
    all_traffic_min_ports: int
    wide_prefix_v4: int
    wide_prefix_v6: int
    unused_grace_days: int
    icmp_is_exposure: bool
    nacl_admin_ports: tuple[int, ...]
    ignore_default_nacl: bool

    def __post_init__(self) -> None:
        """Raise ValueError when a port is none."""
        for ports in (self.admin_ports, self.database_ports, self.allowed_public_ports, self.nacl_admin_ports):
            port_ranges(ports)

    @cached_property
    def admin(self) -> tuple[PortRange, ...]:
        """Where people administer servers."""
        return port_ranges(self.admin_ports)

    @cached_property
    def database(self) -> tuple[PortRange, ...]:
        """Where databases, caches and file shares listen."""
        return port_ranges(self.database_ports)

    @cached_property
    def allowed(self) -> tuple[PortRange, ...]:
        """What may be open to the internet."""
        return port_ranges(self.allowed_public_ports)

    @cached_property
    def judged_elsewhere(self) -> tuple[PortRange, ...]:
        """What may be open, and what other checks judge when it is."""
        return port_ranges((*self.allowed_public_ports, *self.admin_ports, *self.database_ports))

    @cached_property
    def too_wide(self) -> tuple[int, int]:
        """How many addresses a range has that is too wide: IPv4 and IPv6."""
        return 1 << (32 - self.wide_prefix_v4), 1 << (128 - self.wide_prefix_v6)
