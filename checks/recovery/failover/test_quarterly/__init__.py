"""Failover testing: failovers are tested quarterly."""
