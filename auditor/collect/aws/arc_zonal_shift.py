"""Zonal shift of Application Recovery Controller: what can be shifted away from a zone, and when it was."""

from auditor.collect.declare import Call, Dated, ResourceType, Row


def _failed(shift: Row) -> bool:
    return shift.get("practiceRunOutcome") in ("FAILED", "INTERRUPTED", "CAPACITY_CHECK_FAILED")


def _practised(shift: Row) -> bool:
    """Whether traffic left a zone: a practice run that succeeded, or a shift that was for real."""
    if shift.get("shiftType") == "PRACTICE_RUN" or shift.get("practiceRunOutcome"):
        return shift.get("practiceRunOutcome") == "SUCCEEDED"
    return True


ZONAL_SHIFT = ResourceType(
    "AWS::ARCZonalShift::ZonalShift",
    "A zonal shift, started by somebody, by a practice run, by an experiment or by AWS.",
    list=Call("arc-zonal-shift", "ListZonalShifts", "items"),
    id="arn:{partition}:arc-zonal-shift:{region}:{account}:zonal-shift/{zonalShiftId}",
    name="{zonalShiftId}",
    volatile=("practiceRunOutcome", "status"),
    dated=(
        Dated("zonal-shift", at="startTime", about="resourceIdentifier", when=_practised),
        Dated("zonal-shift-failed", at="startTime", about="resourceIdentifier", when=_failed),
    ),
)

MANAGED_RESOURCE = ResourceType(
    "AWS::ARCZonalShift::ManagedResource",
    "A load balancer, Auto Scaling group or cluster whose traffic a zonal shift can move.",
    list=Call("arc-zonal-shift", "ListManagedResources", "items"),
    # The resource's own ARN is another resource's id.
    id="arn:{partition}:arc-zonal-shift:{region}:{account}:managed-resource:{arn}",
    name="{name}",
    volatile=("appliedWeights", "autoshifts", "zonalShifts"),
)
