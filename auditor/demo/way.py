"""What the builders of the demo account share: clients by service, and tags."""

from collections.abc import Callable
from typing import Any

__all__ = ["Clients", "tag", "tags_of"]

Clients = Callable[[str], Any]
"""A service's name -> its client in one region."""


def tags_of(environment: str, **more: str) -> list[dict[str, str]]:
    """Return the tags that everything of ENVIRONMENT has, and MORE, as most services take them."""
    return [{"Key": key, "Value": value} for key, value in {"Environment": environment, **more}.items()]


def tag(ec2: Any, environment: str, name: str, *ids: str, **more: str) -> None:
    """Give resources of EC2 their Name and Environment tags."""
    ec2.create_tags(Resources=list(ids), Tags=tags_of(environment, Name=name, **more))
