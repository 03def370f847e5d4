"""What Compute Optimizer says of a resource: AWS's own judgement comes before the auditor's formulas."""

from typing import Any

from auditor.kit import Document, Facts, Saving, iso, recommended

VOLUME_RECOMMENDATION = "AWS::ComputeOptimizer::VolumeRecommendation"
RDS_RECOMMENDATION = "AWS::ComputeOptimizer::RDSRecommendation"

OPTIMIZED = "Optimized"


def of_volume(volume: Facts) -> Facts | None:
    """Return the recommendation for VOLUME as it is now; one for a former type or performance counts no more.

    Raises Unavailable when there may be one that could not be read: it would come first.
    """
    for found in volume.known_referrers(VOLUME_RECOMMENDATION, "volumeArn"):
        judged = found.get("currentConfiguration", {})
        if judged.get("volumeType", volume["VolumeType"]) != volume["VolumeType"]:
            continue
        if judged.get("volumeBaselineIOPS", volume.get("Iops")) != volume.get("Iops"):
            continue
        return found
    volume.require_read(VOLUME_RECOMMENDATION, "volumeArn")
    return None


def of_database(instance: Facts) -> Facts | None:
    """Return the recommendation for INSTANCE as it is now; one for a former class counts no more.

    Raises Unavailable when there may be one that could not be read: it would come first.
    """
    arn = instance["DBInstanceArn"]
    for found in instance.known_referrers(RDS_RECOMMENDATION, "resourceArn", arn):
        if found.get("currentDBInstanceClass", instance["DBInstanceClass"]) == instance["DBInstanceClass"]:
            return found
    instance.require_read(RDS_RECOMMENDATION, "resourceArn")
    return None


def best(recommendation: Facts, options: str) -> Document | None:
    """Return AWS's first choice of the list OPTIONS (``volumeRecommendationOptions``); ``None`` when it names none."""
    listed: list[Any] = recommendation.get(options, [])
    return min(listed, key=lambda option: option.get("rank", len(listed)), default=None)


def saving_of(recommendation: Facts, option: Document | None, item: str) -> Saving:
    """Return the amount AWS gives for OPTION; where the recommendation has no date, it is of the day it was read."""
    refreshed_at = recommendation.get("lastRefreshTimestamp") or iso(recommendation.observed_at)
    return recommended(option or {}, item, refreshed_at)


def saves(option: Document | None) -> bool:
    """Whether OPTION is cheaper than what there is, in whatever currency."""
    opportunity = (option or {}).get("savingsOpportunity") or {}
    return bool(((opportunity.get("estimatedMonthlySavings") or {}).get("value") or 0) > 0)
