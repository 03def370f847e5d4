"""Security groups: least privilege access."""
