"""Load Balancing."""
