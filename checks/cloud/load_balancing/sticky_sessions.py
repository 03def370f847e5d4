"""Sticky sessions: Use only when necessary."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auditor.kit import (
    LOW,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    stated,
)
from auditor.kit.balancing import LISTENER_RULE, attribute, forwards_to

CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"

DURATIONS = {
    "lb_cookie": "stickiness.lb_cookie.duration_seconds",
    "app_cookie": "stickiness.app_cookie.duration_seconds",
}
"""Type of stickiness -> the attribute with its duration; by address (source_ip, …) it has none."""


@dataclass(frozen=True, slots=True)
class StickySessions:
    """When sessions may stick to a target."""

    stickiness_justification_tag: str
    max_sticky_seconds: int


_GROUPS = "target-group-stickiness-justified"
_LISTENERS = "listener-group-stickiness-justified"
_CLASSICS = "elb-classic-stickiness-justified"
_WHY = "sessions live in memory until the rewrite, OPS-12"
_TAG = {"stickiness-justification": _WHY}
_TAGS_DENIED = {"Tags": Gap("elasticloadbalancing:DescribeTags", "AccessDenied")}


def _group(enabled: str, type: str = "lb_cookie", seconds: int = 3600) -> Document:
    attributes = {
        "stickiness.enabled": enabled,
        "stickiness.type": type,
        "stickiness.lb_cookie.duration_seconds": str(seconds),
    }
    return {
        "TargetType": "instance",
        "Protocol": "HTTP",
        "LoadBalancerArns": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1"],
        "Attributes": [{"Key": key, "Value": value} for key, value in attributes.items()],
    }


def _is_justified(want: StickySessions, check: str, *places: Facts) -> bool:
    """Whether a tag on one of PLACES or an attestation for CHECK says why.

    Raises Unavailable when none that was read does and one was not read.
    """
    doubt: Unavailable | None = None
    if any(facts.attestation(check) for facts in places):
        return True
    for facts in places:
        try:
            if facts.tags.get(want.stickiness_justification_tag, "").strip():
                return True
        except Unavailable as unread:
            doubt = unread.kept()
    if doubt:
        raise doubt
    return False


@check(
    _GROUPS,
    pattern="cloud.load-balancing.sticky-sessions",
    on=TARGET_GROUP,
    severity=LOW,
    fix=Fix(
        cli="aws elbv2 modify-target-group-attributes --target-group-arn {id} --attributes Key=stickiness.enabled,Value=false",
        terraform="aws_lb_target_group.stickiness.enabled",
    ),
    passes=[
        _group("false"),
        Case(_group("true"), tags=_TAG),
        Case(_group("true", type="source_ip", seconds=604800), tags=_TAG, why="by address there is no duration"),
        Case(_group("false"), gaps=_TAGS_DENIED),
        Case(_group("true"), attested=[stated(_GROUPS, _WHY)], gaps=_TAGS_DENIED, why="somebody attested why"),
    ],
    fails=[
        _group("true"),
        Case(_group("true"), attested=[stated(_GROUPS, _WHY, until=ago(days=1))], why="the attestation ran out"),
        Case(_group("true"), tags={"stickiness-justification": ""}, why="the tag must say why"),
        Case(_group("true", seconds=604800), tags=_TAG, why="a week"),
        Case(_group("true", seconds=604800), gaps=_TAGS_DENIED, why="too long, whatever its tags say"),
    ],
    skips=[
        {**_group("true"), "LoadBalancerArns": []},
        Case({**_group("true"), "Protocol": "GENEVE"}, why="appliances must see both ways of a flow"),
        {key: value for key, value in {**_group("true"), "TargetType": "lambda"}.items() if key != "Protocol"},
        {**_group("true"), "TargetType": "alb"},
    ],
    unknowns=[
        Case(
            _group("false"),
            gaps={"Attributes": Gap("elasticloadbalancing:DescribeTargetGroupAttributes", "AccessDenied")},
        ),
        Case(_group("true"), gaps=_TAGS_DENIED),
    ],
)
def target_group_stickiness_justified(group: Facts, want: StickySessions) -> Iterator[Evidence]:
    """A target group keeps clients on one target only where somebody says why.

    Why: sticky sessions overload old targets, leave new ones idle, and lose their state with the target; they hide that the
    application keeps state where it should not.

    Fix: keep sessions in a shared store and turn stickiness off; where that is not possible, say why in the tag
    stickiness-justification or with `auditor attest`, and keep the duration short.

    Source: Elastic Load Balancing, "Sticky sessions for your Application Load Balancer"; standard, "Use only when
    necessary": necessity is known to people only.
    """
    if not group["LoadBalancerArns"]:
        raise NotApplicable("no load balancer uses the target group")
    if group["TargetType"] in ("lambda", "alb"):
        raise NotApplicable("a Lambda function or a load balancer is its target")
    if group["Protocol"] == "GENEVE":
        raise NotApplicable("appliances behind a Gateway Load Balancer must see the whole of a flow")
    if attribute(group, "stickiness.enabled") != "true":
        return
    type = attribute(group, "stickiness.type")
    seconds = int(attribute(group, DURATIONS[type], "0")) if type in DURATIONS else 0
    facts = {"type": type, "seconds": seconds}
    if seconds > want.max_sticky_seconds:
        yield Evidence(f"sessions stick for {seconds} s, at most {want.max_sticky_seconds} s are wanted", facts)
    if not _is_justified(want, _GROUPS, group):
        yield Evidence(
            f"sticky sessions ({type}) are on, and no tag {want.stickiness_justification_tag} says why", facts
        )


_LISTENER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/1/1"


def _forward(*groups: str, sticky: bool) -> Document:
    return {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": group, "Weight": 1} for group in groups],
            "TargetGroupStickinessConfig": {"Enabled": sticky, "DurationSeconds": 3600}
            if sticky
            else {"Enabled": False},
        },
    }


def _listener(*actions: Document) -> Document:
    return {"ListenerArn": _LISTENER_ARN, "Protocol": "HTTPS", "DefaultActions": list(actions)}


def _rule(*actions: Document, **fields: object) -> Document:
    return {"ListenerArn": _LISTENER_ARN, "IsDefault": False, "Actions": list(actions), **fields}


_REDIRECT = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}


@check(
    _LISTENERS,
    pattern="cloud.load-balancing.sticky-sessions",
    on=LISTENER,
    severity=LOW,
    reads=(LISTENER_RULE,),
    fix=Fix(
        cli="aws elbv2 modify-listener --listener-arn {id} --default-actions ACTIONS_WITHOUT_STICKINESS",
        terraform="aws_lb_listener_rule.action.forward.stickiness.enabled",
    ),
    passes=[
        _listener(_forward("a", "b", sticky=False)),
        Case(_listener(_forward("a", sticky=True)), why="with one group there is nothing to stick to"),
        Case(_listener(_forward("a", "b", sticky=True)), tags=_TAG),
        Case(_listener(_forward("a", "b", sticky=True)), attested=[stated(_LISTENERS, _WHY)]),
        Case(
            {"ListenerArn": _LISTENER_ARN, "DefaultActions": [_forward("a", sticky=False)]},
            why="a Gateway Load Balancer's listener has neither protocol nor rules",
        ),
        Case(
            _listener(_REDIRECT),
            related={
                LISTENER_RULE: [
                    _rule(
                        _forward("a", "b", sticky=True),
                        Tags=[{"Key": "stickiness-justification", "Value": "a test of the new shop"}],
                    )
                ]
            },
            why="the rule itself says why",
        ),
        Case(
            _listener(_forward("a", sticky=False)),
            related={LISTENER_RULE: [_rule(_forward("a", "b", sticky=False))]},
            gaps=_TAGS_DENIED,
        ),
    ],
    fails=[
        _listener(_forward("a", "b", sticky=True)),
        Case(
            _listener(_forward("a", sticky=False)),
            related={LISTENER_RULE: [_rule(_forward("a", "b", sticky=True))]},
        ),
        Case(_listener(_forward("a", "b", sticky=True)), unread=[LISTENER_RULE]),
    ],
    skips=[
        _listener(_REDIRECT),
        Case(_listener(_REDIRECT), related={LISTENER_RULE: [_rule(_REDIRECT)]}),
    ],
    unknowns=[
        Case(_listener(_forward("a", sticky=False)), unread=[LISTENER_RULE]),
        Case(_listener(_forward("a", "b", sticky=True)), gaps=_TAGS_DENIED),
    ],
)
def listener_group_stickiness_justified(listener: Facts, want: StickySessions) -> Iterator[Evidence]:
    """A listener keeps clients on one of several target groups only where somebody says why.

    Why: weights between target groups are meant to move traffic (a canary, a migration); clients that stick keep the old
    version longer than the weights say.

    Fix: turn the forward action's stickiness off, or say why on the listener or rule in the tag stickiness-justification.
    Blue/green deployments may turn it on for minutes.

    Source: Elastic Load Balancing, "Listener rules" (forward actions, target group stickiness); standard, "Use only when
    necessary".
    """
    actions = listener["DefaultActions"]
    doubt: Unavailable | None = None
    if _sticks(actions):
        try:
            if not _is_justified(want, _LISTENERS, listener):
                yield _sticky("its default action", listener)
        except Unavailable as unread:
            doubt = unread.kept()
    rules = _known_rules(listener)
    for rule in rules:
        if not _sticks(rule["Actions"]):
            continue
        try:
            if not _is_justified(want, _LISTENERS, rule, listener):
                yield _sticky(f"its rule of priority {rule.get('Priority', '?')}", rule)
        except Unavailable as unread:
            doubt = unread.kept()
    if doubt:
        raise doubt
    if _has_rules(listener):
        listener.referrers(LISTENER_RULE, "ListenerArn", listener["ListenerArn"])
    if not any(forwards_to(actions)) and not any(any(forwards_to(rule["Actions"])) for rule in rules):
        raise NotApplicable("it forwards to no target group")


def _has_rules(listener: Facts) -> bool:
    """Whether the listener can have rules of its own; a Gateway Load Balancer's does not even have a protocol."""
    return listener.get("Protocol") in ("HTTP", "HTTPS")


def _known_rules(listener: Facts) -> list[Facts]:
    """Return the listener's own rules that were read."""
    if not _has_rules(listener):
        return []
    rules = listener.known_referrers(LISTENER_RULE, "ListenerArn", listener["ListenerArn"])
    return [rule for rule in rules if not rule["IsDefault"]]


def _sticks(actions: Iterable[Document]) -> bool:
    """Whether an action forwards to several target groups and keeps clients on one."""
    forwards = [action["ForwardConfig"] for action in actions if action.get("ForwardConfig")]
    return any(
        (forward.get("TargetGroupStickinessConfig") or {}).get("Enabled", False) and len(forward["TargetGroups"]) > 1
        for forward in forwards
    )


def _sticky(what: str, facts: Facts) -> Evidence:
    return Evidence(f"{what} keeps clients on one of several target groups, and no tag says why", {"id": facts.id})


def _classic(*attached: str) -> Document:
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80}
    return {
        "ListenerDescriptions": [{"Listener": listener, "PolicyNames": list(attached)}],
        "Policies": {
            "LBCookieStickinessPolicies": [{"PolicyName": "by-balancer", "CookieExpirationPeriod": 3600}],
            "AppCookieStickinessPolicies": [{"PolicyName": "by-app", "CookieName": "session"}],
            "OtherPolicies": ["tls-2016"],
        },
    }


@check(
    _CLASSICS,
    pattern="cloud.load-balancing.sticky-sessions",
    on=CLASSIC,
    severity=LOW,
    fix=Fix(
        cli="aws elb set-load-balancer-policies-of-listener --load-balancer-name {name} --load-balancer-port PORT --policy-names '[]'",
        terraform="aws_lb_cookie_stickiness_policy",
    ),
    passes=[
        Case(_classic(), why="a policy that no listener uses is harmless"),
        _classic("tls-2016"),
        Case(_classic("by-app"), tags=_TAG),
        Case(_classic("by-app"), attested=[stated(_CLASSICS, _WHY)]),
        Case(_classic(), gaps=_TAGS_DENIED),
    ],
    fails=[_classic("by-balancer"), _classic("tls-2016", "by-app")],
    unknowns=[Case(_classic("by-app"), gaps=_TAGS_DENIED)],
)
def elb_classic_stickiness_justified(balancer: Facts, want: StickySessions) -> Iterator[Evidence]:
    """A Classic Load Balancer keeps clients on one instance only where somebody says why.

    Why: sticky sessions overload old instances, leave new ones idle, and lose their state with the instance.

    Fix: keep sessions in a shared store and take the policy off the listener; where that is not possible, say why in the
    tag stickiness-justification.

    Source: Elastic Load Balancing, "Configure sticky sessions for your Classic Load Balancer"; standard, "Use only when
    necessary".
    """
    attached = set(balancer.values("ListenerDescriptions[].PolicyNames[]"))
    if not attached:
        return
    policies = balancer["Policies"]
    sticky = attached.intersection(
        policy["PolicyName"]
        for kind in ("LBCookieStickinessPolicies", "AppCookieStickinessPolicies")
        for policy in policies.get(kind, ())
    )
    if sticky and not _is_justified(want, _CLASSICS, balancer):
        yield Evidence(
            f"sticky sessions are on ({', '.join(sorted(sticky))}), and no tag {want.stickiness_justification_tag} says why",
            {"policies": sorted(sticky)},
        )
