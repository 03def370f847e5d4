"""Least privilege: minimum required permissions."""
