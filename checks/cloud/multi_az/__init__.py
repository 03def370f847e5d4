"""Multi-AZ Deployment."""
