"""The checks: one folder per section of the standard, one module per bullet."""
