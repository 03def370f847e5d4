"""The resource types of AWS, one module per service."""
