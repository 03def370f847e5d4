"""Checks of the section Security Patterns."""
