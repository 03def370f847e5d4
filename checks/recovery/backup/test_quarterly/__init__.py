"""Testing: disaster recovery is tested quarterly."""
