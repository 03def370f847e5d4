"""Disaster Recovery: how much is lost, how long it takes, and who is told."""
