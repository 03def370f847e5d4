"""Checks of the group Access Control."""
