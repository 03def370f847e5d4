"""A fix with the resource's own names in it, safe to paste into a shell."""

from collections.abc import Iterable, Mapping

from auditor.kit import Check, Fix

__all__ = ["fill_fix", "fix_fields"]


def fix_fields(checks: Iterable[Check]) -> frozenset[str]:
    """Return the names that the fixes of CHECKS want filled in, beside name, id, region and account."""
    raise NotImplementedError


def fill_fix(fix: Fix, fields: Mapping[str, object]) -> str:
    """Return FIX's command with FIELDS filled in, each quoted for a shell; what is missing stands in capitals."""
    raise NotImplementedError
