"""Failover Procedures: automated, manual, tested, announced."""
