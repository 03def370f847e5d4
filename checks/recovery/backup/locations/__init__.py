"""Backup locations: every data store has a usable copy in a second region."""
