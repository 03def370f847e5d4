"""The account's regions and their Availability Zones: where everything else is."""

from auditor.collect.declare import Call, ResourceType

ZONES = Call("ec2", "DescribeAvailabilityZones", "AvailabilityZones")

REGION = ResourceType(
    "AWS::::Region",
    "A region the account can use: what is judged once for each region.",
    list=Call("ec2", "DescribeRegions", "Regions"),
    only=lambda region: region.get("OptInStatus") != "not-opted-in",
    id="arn:{partition}:ec2:{RegionName}:{account}:region/{RegionName}",
    name="{RegionName}",
    scope="global",
    region="{RegionName}",
    offering=True,
)

AVAILABILITY_ZONE = ResourceType(
    "AWS::EC2::AvailabilityZone",
    "An Availability Zone, Local Zone or Wavelength Zone that the account can use.",
    list=ZONES,
    id="arn:{partition}:ec2:{region}::availability-zone/{ZoneName}",
    name="{ZoneName}",
    offering=True,
    volatile=("Messages",),
)
