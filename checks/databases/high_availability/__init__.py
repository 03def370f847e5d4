"""High Availability: replicas, failover, pools of connections."""
