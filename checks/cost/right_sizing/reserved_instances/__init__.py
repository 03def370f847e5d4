"""Reserved instances: Use for predictable workloads."""
