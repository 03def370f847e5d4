"""Cloud Architecture."""
