"""Auto-Scaling."""
