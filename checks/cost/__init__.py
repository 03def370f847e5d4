"""Cost Optimization."""
