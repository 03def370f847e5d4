"""The two operations prices are read with, for the read-only guard and for the IAM policy."""

from typing import NamedTuple

__all__ = ["CALLS", "GET_PRODUCTS", "SPOT_HISTORY", "Operation"]


class Operation(NamedTuple):
    """A declared call: boto3's name of the service, the operation, and the IAM action where it is not called alike."""

    service: str
    operation: str
    action: str = ""

    def __str__(self) -> str:
        """``pricing:GetProducts``."""
        return f"{self.service}:{self.operation}"


GET_PRODUCTS = Operation("pricing", "GetProducts")
SPOT_HISTORY = Operation("ec2", "DescribeSpotPriceHistory")

CALLS = (GET_PRODUCTS, SPOT_HISTORY)
"""Every call pricing may make."""
