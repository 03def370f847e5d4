"""Audit logging: log all access."""
