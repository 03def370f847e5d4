"""Horizontal scaling: Add/remove instances."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import HIGH, LOW, MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, Unavailable, ago, check
from auditor.kit.scaling import (
    CAPACITY_PROVIDER,
    PROVIDER_GROUP,
    SCALING_POLICY,
    SCHEDULED_ACTION,
    any_of,
    by_autoscaler,
    by_ecs,
    by_kubernetes,
    is_active,
    is_balanced,
    is_coming,
)

ACTIVITY = "AWS::AutoScaling::ScalingActivity"
GROUP = "AWS::AutoScaling::AutoScalingGroup"


@dataclass(frozen=True, slots=True)
class Horizontal:
    """How a workload must be able to grow and shrink."""

    headroom_min_pct: int
    small_group_max_size: int
    small_group_min_headroom: int
    activity_window_days: int
    singleton_tag: str
    system_namespaces: tuple[str, ...]


_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:7f:autoScalingGroupName/web"
_NAMED = {"AutoScalingGroupName": "web"}
_GROUP = {**_NAMED, "AutoScalingGroupARN": _ARN, "MinSize": 2, "MaxSize": 8}
_BALANCED = {**_GROUP, "TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"]}
_CPU = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 70.0}
_TRACKING = {
    **_NAMED,
    "PolicyType": "TargetTrackingScaling",
    "Enabled": True,
    "TargetTrackingConfiguration": {**_CPU, "DisableScaleIn": False},
}
_OUT_ONLY = {**_TRACKING, "TargetTrackingConfiguration": {**_CPU, "DisableScaleIn": True}}
_FORECAST = {
    **_NAMED,
    "PolicyType": "PredictiveScaling",
    "Enabled": True,
    "PredictiveScalingConfiguration": {"MetricSpecifications": [], "Mode": "ForecastOnly"},
}
_NIGHTLY = {**_NAMED, "Recurrence": "0 20 * * *", "StartTime": ago(days=90), "DesiredCapacity": 2}
_OVER = {**_NAMED, "Recurrence": "0 20 * * *", "EndTime": ago(days=1), "DesiredCapacity": 2}


def _provider(scaling: str = "ENABLED", protection: str = "DISABLED") -> dict[str, object]:
    return {
        "name": "web",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": _ARN,
            "managedScaling": {"status": scaling},
            "managedTerminationProtection": protection,
        },
    }


@check(
    "asg-scales-horizontally",
    pattern="cloud.auto-scaling.horizontal",
    on=GROUP,
    severity=MEDIUM,
    reads=(SCALING_POLICY, SCHEDULED_ACTION, CAPACITY_PROVIDER),
    fix=Fix(
        cli='aws autoscaling put-scaling-policy --auto-scaling-group-name {name} --policy-name cpu70 --policy-type TargetTrackingScaling --target-tracking-configuration \'{"PredefinedMetricSpecification":{"PredefinedMetricType":"ASGAverageCPUUtilization"},"TargetValue":70}\'',
        terraform="aws_autoscaling_policy",
    ),
    same_as=("service-screener:ASGTargetTrackingPolicy",),
    passes=[
        Case(_BALANCED, related={SCALING_POLICY: [_TRACKING]}),
        Case(_GROUP, related={SCHEDULED_ACTION: [_NIGHTLY]}),
        Case(_GROUP, related={CAPACITY_PROVIDER: [_provider()]}, why="ECS scales its capacity provider"),
        Case(_GROUP, tags={"k8s.io/cluster-autoscaler/enabled": "true"}),
        Case(_GROUP, related={SCALING_POLICY: [_TRACKING]}, unread=[SCHEDULED_ACTION, CAPACITY_PROVIDER]),
        Case(
            {**_GROUP, "MinSize": 8},
            related={SCHEDULED_ACTION: [{**_NIGHTLY, "MinSize": 2, "MaxSize": 2}]},
            why="its limits themselves move by the clock",
        ),
    ],
    fails=[
        _BALANCED,
        _GROUP,
        {**_BALANCED, "MinSize": 8},
        {**_BALANCED, "MinSize": 1, "MaxSize": 1},
        Case(_GROUP, related={SCALING_POLICY: [{**_TRACKING, "Enabled": False}]}),
        Case(_GROUP, related={SCALING_POLICY: [_FORECAST]}, why="a forecast alone changes nothing"),
        Case(_GROUP, related={SCHEDULED_ACTION: [_OVER]}),
        Case(_GROUP, related={CAPACITY_PROVIDER: [_provider(scaling="DISABLED")]}),
    ],
    skips=[
        {**_BALANCED, "MinSize": 0, "MaxSize": 0},
        Case({**_GROUP, "MinSize": 1, "MaxSize": 1}, why="a singleton that heals itself"),
        Case(_GROUP, tags={"eks:cluster-name": "shop"}, why="eks-nodes-autoscaled judges the cluster"),
        Case(
            {**_GROUP, "MinSize": 2, "MaxSize": 2},
            tags={"eks:cluster-name": "shop", "k8s.io/cluster-autoscaler/enabled": "true"},
            why="one fixed node group of several",
        ),
    ],
    unknowns=[
        Case(_GROUP, unread=[SCALING_POLICY]),
        Case(_GROUP, unread=[SCHEDULED_ACTION]),
        Case(_GROUP, unread=[CAPACITY_PROVIDER]),
    ],
)
def asg_scales_horizontally(group: Facts, _: Horizontal) -> Iterator[Evidence]:
    """Something adds instances to an Auto Scaling group and removes them.

    Why: a group of fixed size is overrun at the peak and paid for at night; limits without a policy change nothing.

    Fix: leave room between minimum and maximum, and add a scaling policy or a schedule.

    Source: Amazon EC2 Auto Scaling User Guide, "Choose your scaling method"; standard, "Add/remove instances". Node groups
    of Kubernetes are judged with their cluster.
    """
    smallest, largest = group["MinSize"], group["MaxSize"]
    if largest == 0:
        raise NotApplicable("the group can never hold an instance")
    if smallest == largest == 1 and not is_balanced(group):
        raise NotApplicable("a singleton that heals itself, and no load balancer sends it traffic")
    fixed = smallest == largest
    doubt: Unavailable | None = None
    for moves in (_rescheduled,) if fixed else (_has_policy, _has_schedule, by_ecs, by_autoscaler):
        try:
            if moves(group):
                return
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    if by_kubernetes(group):
        raise NotApplicable("its nodes belong to a Kubernetes cluster, which is judged as a whole")
    if doubt:
        raise doubt
    sizes = {"MinSize": smallest, "MaxSize": largest}
    if fixed:
        yield Evidence(f"minimum and maximum are both {largest}: it cannot grow or shrink", sizes)
    else:
        yield Evidence(
            f"may hold {smallest} to {largest} instances, but no policy, schedule or autoscaler changes their number",
            sizes,
        )


def _has_policy(group: Facts) -> bool:
    return any_of(group, SCALING_POLICY, "AutoScalingGroupName", is_active, group["AutoScalingGroupName"])


def _has_schedule(group: Facts) -> bool:
    return any_of(group, SCHEDULED_ACTION, "AutoScalingGroupName", is_coming, group["AutoScalingGroupName"])


def _rescheduled(group: Facts) -> bool:
    """Whether a scheduled action will change the group's limits."""
    limits = {"MinSize": group["MinSize"], "MaxSize": group["MaxSize"]}
    return any_of(
        group,
        SCHEDULED_ACTION,
        "AutoScalingGroupName",
        lambda action: is_coming(action) and any(action.get(name, size) != size for name, size in limits.items()),
        group["AutoScalingGroupName"],
    )


@check(
    "asg-has-scale-out-headroom",
    pattern="cloud.auto-scaling.horizontal",
    on=GROUP,
    severity=MEDIUM,
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --max-size MORE",
        terraform="aws_autoscaling_group.max_size",
    ),
    passes=[
        {"MinSize": 2, "MaxSize": 20, "DesiredCapacity": 18},
        Case({"MinSize": 1, "MaxSize": 4, "DesiredCapacity": 3}, why="a small group needs one whole instance of room"),
    ],
    fails=[
        {"MinSize": 2, "MaxSize": 20, "DesiredCapacity": 19},
        {"MinSize": 2, "MaxSize": 20, "DesiredCapacity": 20},
        {"MinSize": 1, "MaxSize": 4, "DesiredCapacity": 4},
    ],
    skips=[
        {"MinSize": 4, "MaxSize": 4, "DesiredCapacity": 4},
        {"MinSize": 0, "MaxSize": 1, "DesiredCapacity": 1},
    ],
)
def asg_has_scale_out_headroom(group: Facts, want: Horizontal) -> Iterator[Evidence]:
    """An Auto Scaling group has room to grow.

    Why: a group at its maximum cannot follow the next peak, whatever its policies say, and nobody is told.

    Fix: raise the maximum, after a look at the account's quota and the subnets' free addresses.

    Source: Amazon EC2 Auto Scaling User Guide, "Set scaling limits for your Auto Scaling group"; standard, "Add/remove
    instances". Weighted groups count in weights: the share is the same.
    """
    largest, desired = group["MaxSize"], group["DesiredCapacity"]
    if group["MinSize"] == largest:
        raise NotApplicable("the group has a fixed size")
    if largest <= 1:
        raise NotApplicable("the group never holds more than one instance")
    room = largest - desired
    small = largest < want.small_group_max_size
    enough = room >= want.small_group_min_headroom if small else room * 100 >= largest * want.headroom_min_pct
    if not enough:
        wanted = f"{want.small_group_min_headroom}" if small else f"{want.headroom_min_pct}%"
        yield Evidence(
            f"{desired} of at most {largest} are in use: room for {room}, at least {wanted} wanted",
            {"DesiredCapacity": desired, "MaxSize": largest, "wanted": wanted},
        )


_UNPROTECTED = {**_GROUP, "NewInstancesProtectedFromScaleIn": False}
_PROTECTED = {**_GROUP, "NewInstancesProtectedFromScaleIn": True}


def _step(*adjustments: int) -> dict[str, object]:
    return {
        **_NAMED,
        "PolicyType": "StepScaling",
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"ScalingAdjustment": adjustment} for adjustment in adjustments],
    }


@check(
    "asg-scale-in-enabled",
    pattern="cloud.auto-scaling.horizontal",
    on=GROUP,
    severity=LOW,
    reads=(SCALING_POLICY, SCHEDULED_ACTION, CAPACITY_PROVIDER),
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --no-new-instances-protected-from-scale-in",
        terraform="aws_autoscaling_policy.target_tracking_configuration.disable_scale_in",
    ),
    passes=[
        Case(_UNPROTECTED, related={SCALING_POLICY: [_TRACKING]}),
        Case(_UNPROTECTED, related={SCALING_POLICY: [_OUT_ONLY, _step(-1)]}),
        Case(_UNPROTECTED, related={SCALING_POLICY: [_OUT_ONLY], SCHEDULED_ACTION: [_NIGHTLY]}),
        Case(
            _PROTECTED,
            related={SCALING_POLICY: [_TRACKING], CAPACITY_PROVIDER: [_provider(protection="ENABLED")]},
            why="ECS protects instances that run tasks, and lifts it itself",
        ),
    ],
    fails=[
        Case(_UNPROTECTED, related={SCALING_POLICY: [_OUT_ONLY]}),
        Case(_UNPROTECTED, related={SCALING_POLICY: [_step(1, 2)]}, why="its steps only add"),
        Case(_UNPROTECTED, related={SCALING_POLICY: [_OUT_ONLY], SCHEDULED_ACTION: [_OVER]}),
        Case(_PROTECTED, related={SCALING_POLICY: [_TRACKING]}),
        Case(_PROTECTED, related={SCALING_POLICY: [_OUT_ONLY]}, unread=[SCHEDULED_ACTION]),
    ],
    skips=[
        _UNPROTECTED,
        Case(_UNPROTECTED, related={SCALING_POLICY: [_FORECAST]}),
        Case(_UNPROTECTED, related={SCALING_POLICY: [{**_OUT_ONLY, "Enabled": False}]}),
    ],
    unknowns=[
        Case(_UNPROTECTED, unread=[SCALING_POLICY]),
        Case(_UNPROTECTED, related={SCALING_POLICY: [_OUT_ONLY]}, unread=[SCHEDULED_ACTION]),
        Case(_PROTECTED, related={SCALING_POLICY: [_TRACKING]}, unread=[CAPACITY_PROVIDER]),
    ],
)
def asg_scale_in_enabled(group: Facts, _: Horizontal) -> Iterator[Evidence]:
    """An Auto Scaling group that grows by a policy can shrink again.

    Why: what only grows is paid for at the size of its highest peak, day and night.

    Fix: let a policy or a schedule remove instances (DisableScaleIn=false), and do not protect all new instances.

    Source: Amazon EC2 Auto Scaling User Guide, "Disabling the scale-in portion of a target tracking scaling policy" and
    "Use instance scale-in protection"; standard, "Add/remove instances".
    """
    policies = [
        policy
        for policy in group.referrers(SCALING_POLICY, "AutoScalingGroupName", group["AutoScalingGroupName"])
        if is_active(policy) and policy["PolicyType"] != "PredictiveScaling"
    ]
    if not policies:
        raise NotApplicable("the group has no dynamic scaling policy")
    doubt: Unavailable | None = None
    try:
        if group.get("NewInstancesProtectedFromScaleIn", False) and not _is_protected_by_ecs(group):
            yield Evidence(
                "new instances are protected from scale-in: nothing can remove them",
                {"NewInstancesProtectedFromScaleIn": True},
            )
    except Unavailable as unread:
        doubt = unread.kept()
    if not any(map(_removes, policies)) and not _is_shrunk_by_schedule(group):
        yield Evidence(
            "its policies add instances, and neither they nor a schedule remove any",
            {"policies": [policy.name for policy in policies]},
        )
    if doubt:
        raise doubt


def _removes(policy: Facts) -> bool:
    if policy["PolicyType"] == "TargetTrackingScaling":
        return not policy["TargetTrackingConfiguration"].get("DisableScaleIn", False)
    if policy.get("AdjustmentType") == "ExactCapacity":
        return True
    steps = policy.values("StepAdjustments[].ScalingAdjustment") or [policy.get("ScalingAdjustment", 0)]
    return any(step < 0 for step in steps)


def _is_shrunk_by_schedule(group: Facts) -> bool:
    largest = group["MaxSize"]
    return any_of(
        group,
        SCHEDULED_ACTION,
        "AutoScalingGroupName",
        lambda a: is_coming(a) and min(a.get("DesiredCapacity", largest), a.get("MaxSize", largest)) < largest,
        group["AutoScalingGroupName"],
    )


def _is_protected_by_ecs(group: Facts) -> bool:
    return any_of(
        group,
        CAPACITY_PROVIDER,
        PROVIDER_GROUP,
        lambda provider: "ENABLED" in provider.values("autoScalingGroupProvider.managedTerminationProtection"),
    )


_FULL = (
    "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient capacity."
)


def _launch(status: str, days: float, **fields: str) -> dict[str, object]:
    return {
        **_NAMED,
        "Description": "Launching a new EC2 instance",
        "StartTime": ago(days=days),
        "StatusCode": status,
        **fields,
    }


@check(
    "asg-scaling-activities-succeed",
    pattern="cloud.auto-scaling.horizontal",
    on=GROUP,
    severity=HIGH,
    reads=(ACTIVITY,),
    fix=Fix(
        cli="aws autoscaling describe-scaling-activities --auto-scaling-group-name {name}",
        terraform="aws_launch_template",
    ),
    passes=[
        Case(_NAMED, related={ACTIVITY: [_launch("Successful", days=1)]}),
        Case(
            _NAMED,
            related={ACTIVITY: [_launch("Failed", days=2), _launch("Successful", days=1)]},
            why="it worked when tried again",
        ),
    ],
    fails=[
        Case(
            _NAMED, related={ACTIVITY: [_launch("Successful", days=2), _launch("Failed", days=1, StatusMessage=_FULL)]}
        ),
        Case(_NAMED, related={ACTIVITY: [_launch("Cancelled", days=1)]}),
        Case(
            _NAMED,
            related={ACTIVITY: [_launch("Failed", days=1), _launch("WaitingForInstanceId", days=0)]},
            why="the next try has not ended",
        ),
    ],
    skips=[
        _NAMED,
        Case(_NAMED, related={ACTIVITY: [_launch("Failed", days=8)]}),
        Case(
            _NAMED,
            related={ACTIVITY: [_launch("Failed", days=1, Description="Terminating EC2 instance: i-0a1")]},
        ),
    ],
    unknowns=[Case(_NAMED, unread=[ACTIVITY])],
)
def asg_scaling_activities_succeed(group: Facts, want: Horizontal) -> Iterator[Evidence]:
    """The last launch of an Auto Scaling group succeeded.

    Why: a group that cannot launch (no capacity, a quota, a deleted image, a missing permission) looks healthy until it has
    to grow or to replace something.

    Fix: read the activity's message and mend its cause: more instance types or zones, a higher quota, a valid launch
    template.

    Source: Amazon EC2 Auto Scaling User Guide, "Verify a scaling activity for an Auto Scaling group"; standard, "Add/remove
    instances".
    """
    ended = [
        activity
        for activity in group.referrers(ACTIVITY, "AutoScalingGroupName", group["AutoScalingGroupName"])
        if activity["StatusCode"] in ("Successful", "Failed", "Cancelled")
        and activity.get("Description", "").startswith("Launching")
        and activity.days_since("StartTime") <= want.activity_window_days
    ]
    if not ended:
        raise NotApplicable("no launch ended lately")
    newest = max(ended, key=lambda activity: activity.time("StartTime"))
    if newest["StatusCode"] != "Successful":
        message = " ".join(newest.get("StatusMessage", "").split())
        yield Evidence(
            f"its last launch ended as {newest['StatusCode'].lower()}" + (f": {message}" if message else ""),
            {"StartTime": newest["StartTime"], "StatusCode": newest["StatusCode"], "StatusMessage": message},
        )
