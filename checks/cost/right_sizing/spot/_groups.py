"""What the checks of Spot share: how a group divides on demand and Spot, and groups for the cases."""

from collections.abc import Mapping

from auditor.kit import Facts, Gap, Unavailable

GROUP = "AWS::AutoScaling::AutoScalingGroup"
TEMPLATE = "AWS::EC2::LaunchTemplate"
CONFIGURATION = "AWS::AutoScaling::LaunchConfiguration"

ALWAYS_ON_DEMAND = 100
"""OnDemandPercentageAboveBaseCapacity where a group leaves it out (EC2 Auto Scaling API, InstancesDistribution)."""


def distribution_of(group: Facts) -> Mapping[str, object] | None:
    """Return how a mixed group divides on demand and Spot; ``None`` for a group that is not mixed."""
    mixed = group.get("MixedInstancesPolicy")
    return None if mixed is None else mixed.get("InstancesDistribution", {})


def on_demand_pct(group: Facts, distribution: Mapping[str, object]) -> int:
    """Return how many of a hundred instances are on demand; a group that never grows beyond its base has no others."""
    if int(str(distribution.get("OnDemandBaseCapacity", 0))) >= group["MaxSize"]:
        return ALWAYS_ON_DEMAND
    return int(str(distribution.get("OnDemandPercentageAboveBaseCapacity", ALWAYS_ON_DEMAND)))


def is_all_spot(group: Facts) -> bool:
    """Whether a group that is not mixed starts Spot instances by its launch template or launch configuration.

    Raises Unavailable when that could not be read.
    """
    if name := group.get("LaunchConfigurationName"):
        found = group.related(CONFIGURATION, [name], by="LaunchConfigurationName", required=True)
        return any(configuration.get("SpotPrice") for configuration in found)
    specification = group.get("LaunchTemplate")
    if specification is None:
        return False
    version = template_data(group, specification)
    return bool((version.get("InstanceMarketOptions") or {}).get("MarketType") == "spot")


def template_data(group: Facts, specification: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """Return what the launch template of SPECIFICATION holds in the version it names.

    Raises Unavailable when that could not be read.
    """
    template = group.related(TEMPLATE, [specification["LaunchTemplateId"]], by="LaunchTemplateId", required=True)[0]
    return _version(template, specification.get("Version", "$Default"))


def _version(template: Facts, wanted: str) -> Mapping[str, Mapping[str, str]]:
    """Return the data of a launch template's version: a number, ``$Latest`` or ``$Default``."""
    named = {"$Latest": "LatestVersionNumber", "$Default": "DefaultVersionNumber"}.get(wanted)
    number = str(template[named] if named else wanted)
    for version in template["Versions"]:
        if str(version["VersionNumber"]) == number:
            data: Mapping[str, Mapping[str, str]] = version["LaunchTemplateData"]
            return data
    raise Unavailable(Gap("ec2:DescribeLaunchTemplateVersions", "NotFound", f"version {number} was not read"))


TEMPLATE_ID = {"LaunchTemplateId": "lt-1", "Version": "$Latest"}


def a_group(**fields: object) -> dict[str, object]:
    return {
        "AutoScalingGroupName": "ci",
        "MaxSize": 10,
        "DesiredCapacity": 4,
        "AvailabilityZones": ["eu-west-1a", "eu-west-1b"],
        "Instances": [
            {"InstanceId": f"i-{number}", "InstanceType": "m5.large", "LifecycleState": "InService"}
            for number in range(4)
        ],
        **fields,
    }


def mixed_policy(on_demand_pct: int | None = 0, types: int = 3, **distribution: object) -> dict[str, object]:
    percentage = {} if on_demand_pct is None else {"OnDemandPercentageAboveBaseCapacity": on_demand_pct}
    return {
        "MixedInstancesPolicy": {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": TEMPLATE_ID,
                "Overrides": [{"InstanceType": name} for name in ("m5.large", "m6i.large", "m6a.large")[:types]],
            },
            "InstancesDistribution": {
                "SpotAllocationStrategy": "price-capacity-optimized",
                **percentage,
                **distribution,
            },
        }
    }


def a_template(market: str = "", **numbers: int) -> dict[str, object]:
    latest = {"InstanceMarketOptions": {"MarketType": market}} if market else {"InstanceType": "m5.large"}
    return {
        "LaunchTemplateId": "lt-1",
        "LatestVersionNumber": 2,
        "DefaultVersionNumber": 1,
        "Versions": [
            {"VersionNumber": 1, "LaunchTemplateData": {"InstanceType": "m5.large"}},
            {"VersionNumber": 2, "LaunchTemplateData": latest},
        ],
        **numbers,
    }


PLAIN = a_group(LaunchTemplate=TEMPLATE_ID)
OLD = a_group(LaunchConfigurationName="ci-1")
ON_DEMAND: dict[str, list[dict[str, object]]] = {TEMPLATE: [a_template()]}
