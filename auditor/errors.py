"""What can go wrong, said for people: one base class and its children; only the CLI turns them into exit codes."""

__all__ = [
    "AuditorError",
    "CatalogError",
    "ConfigError",
    "CredentialsError",
    "ExportError",
    "Interrupted",
    "LeaseTaken",
    "QueryError",
    "ReportError",
    "StandardError",
    "StoreError",
    "TapeError",
    "UnknownScan",
    "UsageError",
]


class AuditorError(Exception):
    """Something a person can mend. The message is one line: what is wrong, where, what to do next.

    ``exit_code`` is what the command line ends with (documented in docs/exit-codes.md).
    """

    exit_code = 4


class UsageError(AuditorError):
    """A name on the command line that does not exist: a region, a check, a pattern, a resource type."""

    exit_code = 2


class ConfigError(AuditorError):
    """config.toml is wrong; the message has file, line and the nearest valid name."""

    exit_code = 2


class StandardError(AuditorError):
    """The standard (patterns.toml or an override of it) is wrong; the message says where."""

    exit_code = 2


class CatalogError(AuditorError):
    """A folder of checks cannot be loaded; the message has file and line."""

    exit_code = 2


class CredentialsError(AuditorError):
    """No usable AWS credentials: none found, expired, or denied at once."""

    exit_code = 4


class StoreError(AuditorError):
    """The store cannot be opened, read or written; what was written before stays."""

    exit_code = 4


class UnknownScan(StoreError):
    """A scan number that is not in the store."""

    exit_code = 2


class QueryError(AuditorError):
    """A question in SQL that is wrong, wants more than to read, or takes too long; the message says which."""

    exit_code = 2


class TapeError(AuditorError):
    """A tape cannot be written, is none, or is damaged; the message names the file."""

    exit_code = 2


class ExportError(AuditorError):
    """A file of an export cannot be written; those written before are whole."""

    exit_code = 4


class ReportError(AuditorError):
    """A report file cannot be written; the scan itself is in the store."""

    exit_code = 4


class LeaseTaken(AuditorError):
    """Another scan of the same account holds the lease; the message says since when and where."""

    exit_code = 4

    def __init__(self, message: str, name: str = "", holder: str = "") -> None:
        super().__init__(message)
        self.name = name
        """What the lease is called; empty when it was ours and was lost."""
        self.holder = holder


class Interrupted(AuditorError):
    """The scan was stopped by a signal; what was read is kept and marked incomplete."""

    exit_code = 130
