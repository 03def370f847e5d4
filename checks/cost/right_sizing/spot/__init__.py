"""Spot instances: Use for fault-tolerant workloads."""
