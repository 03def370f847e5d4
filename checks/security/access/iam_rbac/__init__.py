"""IAM: role-based access control."""
