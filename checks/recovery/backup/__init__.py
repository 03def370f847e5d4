"""Backup Strategy: recovery objectives and where the copies lie."""
