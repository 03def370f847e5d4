"""Cells of a CSV file: one line each, and never a formula."""

__all__ = ["cell"]

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection"); some do with the wide forms, too."""


def cell(value: object) -> object:
    """Return VALUE for a CSV cell; a text must be free of control characters (``visible``) and may not begin a formula."""
    return f"'{value}" if isinstance(value, str) and value.lstrip().startswith(_FORMULA) else value
