"""Testing: a restore from backup is tested monthly."""
