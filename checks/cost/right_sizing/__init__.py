"""Resource Right-Sizing."""
