"""The demo account's trails: the one that records every region, and the one that it took the place of."""

from collections.abc import Callable
from typing import Any

__all__ = ["build"]


def build(client: Callable[[str], Any], environment: str, region: str) -> None:
    """Make the trail of ENVIRONMENT, where it has one."""
    if environment == "staging":
        return
    bucket = f"northwind-{environment}-trail"
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client("s3").create_bucket(Bucket=bucket, **place)
    careful = environment == "production"
    name = "northwind" if careful else "trail-2021"
    client("cloudtrail").create_trail(
        Name=name, S3BucketName=bucket, IsMultiRegionTrail=careful, IncludeGlobalServiceEvents=careful
    )
    if careful:
        client("cloudtrail").start_logging(Name=name)
