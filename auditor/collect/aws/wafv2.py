"""WAF: regional web ACLs and the load balancers they protect."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from auditor.collect.asking import side_by_side
from auditor.collect.declare import Call, CallFailed, Collector, ResourceType, Row

_ACLS = Call("wafv2", "ListWebACLs", "WebACLs", params={"Scope": "REGIONAL"})
_BALANCERS_OF_ACL = Call(
    "wafv2", "ListResourcesForWebACL", "ResourceArns", params={"ResourceType": "APPLICATION_LOAD_BALANCER"}
)
_BALANCERS = Call("elbv2", "DescribeLoadBalancers", "LoadBalancers")
_ACL_OF_BALANCER = Call("wafv2", "GetWebACLForResource", "WebACL", absent=("WAFNonexistentItemException",))

_Answers = Sequence[Any]


def _web_acls() -> Collector:
    """Yield the web ACLs, each with the load balancers it is attached to."""
    acls: Sequence[Row] = yield _ACLS
    attached: _Answers = yield from side_by_side(
        replace(_BALANCERS_OF_ACL, params={**_BALANCERS_OF_ACL.params, "WebACLArn": acl["ARN"]}) for acl in acls
    )
    if any(isinstance(answer, CallFailed) for answer in attached):
        attached = yield from _by_balancer(acls, attached)
    yield [
        {**acl, "ResourceArns": answer.gap if isinstance(answer, CallFailed) else answer}
        for acl, answer in zip(acls, attached, strict=True)
    ]


def _by_balancer(acls: Sequence[Row], attached: _Answers) -> Generator[Sequence[Call], Any, _Answers]:
    """Ask each load balancer for its web ACL, where the web ACLs themselves could not be asked; return ATTACHED mended.

    It takes a call for each load balancer instead of one for each web ACL. When that fails too, ATTACHED stays as it is.
    """
    (balancers,) = yield [_BALANCERS]
    if isinstance(balancers, CallFailed):
        return attached
    arns = [b["LoadBalancerArn"] for b in balancers if b["Type"] not in ("network", "gateway")]
    found: _Answers = yield from side_by_side(replace(_ACL_OF_BALANCER, params={"ResourceArn": arn}) for arn in arns)
    if any(isinstance(answer, CallFailed) for answer in found):
        return attached
    has = {arn: answer["ARN"] for arn, answer in zip(arns, found, strict=True) if answer}
    return [
        [arn for arn, of in has.items() if of == acl["ARN"]] if isinstance(answer, CallFailed) else answer
        for acl, answer in zip(acls, attached, strict=True)
    ]


WEB_ACL = ResourceType(
    "AWS::WAFv2::WebACL",
    "A regional web ACL; ResourceArns are the Application Load Balancers it is attached to.",
    collect=_web_acls,
    calls=(_ACLS, _BALANCERS_OF_ACL, _BALANCERS, _ACL_OF_BALANCER),
    id="{ARN}",
    name="{Name}",
    drop=("LockToken",),
)
