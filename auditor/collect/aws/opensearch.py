"""OpenSearch: reserved instances."""

from auditor.collect.declare import Call, ResourceType

RESERVED_INSTANCE = ResourceType(
    "AWS::OpenSearchService::ReservedInstance",
    "Instances of OpenSearch that are paid for a year or three.",
    list=Call("opensearch", "DescribeReservedInstances", "ReservedInstances"),
    only=lambda instance: instance.get("State") != "retired",
    id="arn:{partition}:es:{region}:{account}:reserved-instance/{ReservedInstanceId}",
    name="{ReservationName}",
)
