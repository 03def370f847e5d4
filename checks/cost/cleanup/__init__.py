"""Resource Cleanup."""
