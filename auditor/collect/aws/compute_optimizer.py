"""Compute Optimizer: what AWS itself recommends, for accounts that opted in."""

from auditor.collect.declare import Call, ResourceType

# An account that did not opt in has no recommendations: the answer says so with an error. An endpoint without the service
# (a simulated account's) has none either.
_NONE = ("OptInRequiredException", "NotImplemented")

VOLUME_RECOMMENDATION = ResourceType(
    "AWS::ComputeOptimizer::VolumeRecommendation",
    "A recommendation for an EBS volume.",
    list=Call("compute-optimizer", "GetEBSVolumeRecommendations", "volumeRecommendations", absent=_NONE),
    id="arn:{partition}:compute-optimizer:{region}:{account}:volume-recommendation:{volumeArn}",
    name="{volumeArn}",
    volatile=("lastRefreshTimestamp", "utilizationMetrics"),
)

RDS_RECOMMENDATION = ResourceType(
    "AWS::ComputeOptimizer::RDSRecommendation",
    "A recommendation for a database instance.",
    list=Call("compute-optimizer", "GetRDSDatabaseRecommendations", "rdsDBRecommendations", absent=_NONE),
    id="arn:{partition}:compute-optimizer:{region}:{account}:database-recommendation:{resourceArn}",
    name="{resourceArn}",
    volatile=("lastRefreshTimestamp", "utilizationMetrics"),
)
