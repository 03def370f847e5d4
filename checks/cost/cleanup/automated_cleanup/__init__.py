"""Automated cleanup: Remove unused resources."""
