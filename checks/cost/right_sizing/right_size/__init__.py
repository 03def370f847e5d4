"""Right-size: Match resources to actual usage."""
