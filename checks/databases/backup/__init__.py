"""Backup Strategy: daily backups, transaction logs, how long they are kept, restores."""
