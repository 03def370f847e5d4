"""Fills moto with the demo account: a careful production, a staging, and a region that nobody has looked after since 2021."""

from datetime import UTC, datetime
from typing import Any

from auditor.demo import audit, balancing, compute, databases, mended, network, people, spending

__all__ = ["REGIONS", "fill"]

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")

_ENVIRONMENTS = (("staging", "eu-central-1", 20), ("production", "eu-west-1", 22), ("legacy", "us-east-1", 25))
"""Name, region, second part of the network's address."""

_MACHINES = {
    "production": {"git": ("m7g.large", 300.0), "vpn": ("t4g.small", 610.0), "metrics": ("m6i.large", 200.0)},
    "staging": {"web": ("t3.medium", 90.0), "ci-runner": ("c6i.large", 45.0)},
    "legacy": {
        "erp": ("m4.2xlarge", 1400.0),
        "ftp": ("t2.medium", 1390.0),
        "print": ("t2.small", 900.0),
        "old-ci": ("m4.large", 800.0),
    },
}


def fill(now: datetime | None = None) -> None:
    """Make the demo account in this process's moto, and mend what moto gets wrong; ages count back from NOW (``None``: now)."""
    import boto3
    from moto import mock_aws

    moment = now or datetime.now(UTC)
    mended.mend()
    mock = mock_aws(config={"iam": {"load_aws_managed_policies": True}})
    mock.start()
    try:
        for environment, region, number in _ENVIRONMENTS:
            _environment(boto3, environment, region, number, moment)
        people.build(boto3.client("iam", region_name="us-east-1"), moment)
        mended.forget_unused_policies()
        spending.build(boto3.client("budgets", region_name="us-east-1"))
    finally:
        mock.stop(remove_data=False)


def _environment(boto3: Any, environment: str, region: str, number: int, now: datetime) -> None:
    session = boto3.session.Session(aws_access_key_id="demo", aws_secret_access_key="demo", region_name=region)  # noqa: S106
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = session.client(service)
        return clients[service]

    careful = environment == "production"
    net = network.build(client("ec2"), region, environment, number)
    image = compute.images(client, net, environment, now)
    machines = compute.instances(client, net, environment, _MACHINES[environment], image, now)
    serving = balancing.build(client, net, environment, careful, machines, now)
    compute.auto_scaling(client, net, environment, careful, image, serving, now)
    compute.volumes(client, net, environment, careful, machines, now)
    databases.build(client, net, environment, careful, now)
    audit.build(client, environment, region)
    if environment == "legacy":
        client("ec2").stop_instances(InstanceIds=machines[-1:])
