"""The parts of an ARN: ``arn:partition:service:region:account:resource``."""

__all__ = ["account_of", "region_of"]


def region_of(arn: str) -> str:
    """Return the region in ARN; empty for global resources and for what is no ARN."""
    return _part(arn, 3)


def account_of(arn: str) -> str:
    """Return the account id in ARN; empty where it has none (S3) and for what is no ARN."""
    return _part(arn, 4)


def _part(arn: str, number: int) -> str:
    parts = arn.split(":", 5)
    return parts[number] if len(parts) == 6 and parts[0] == "arn" else ""
