"""Log Aggregation: what writes logs sends them to one place."""
