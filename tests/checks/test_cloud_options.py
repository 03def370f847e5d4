"""Cloud checks under an organisation's own numbers: what the shipped standard leaves open."""

import dataclasses
from typing import Any

import pytest
from cases import judge_case

from auditor import catalog, standard
from auditor.kit import Case
from auditor.model import Verdict

CHECKS = catalog.load_checks()
STANDARD = standard.load(catalog.bundled("checks") / "patterns.toml")


def verdict(check_id: str, case: Case, **numbers: Any) -> Verdict:
    check = CHECKS[check_id]
    shipped: Any = standard.bind(STANDARD[check.patterns[0]], check.thresholds)
    return judge_case(check, case, dataclasses.replace(shipped, **numbers)).verdict


def case(check_id: str, *, fails: bool = False, number: int = 0) -> Case:
    check = CHECKS[check_id]
    return (check.fails if fails else check.passes)[number]


def test_three_zones_can_be_asked_for() -> None:
    for check_id in ("asg-spans-two-azs", "elbv2-spans-two-azs", "target-group-healthy-targets-in-two-azs"):
        assert verdict(check_id, case(check_id), min_azs=3) == Verdict.FAIL


def test_an_exact_interval_refuses_checks_that_come_more_often() -> None:
    more_often = Case({"HealthCheck": {"Target": "TCP:80", "Interval": 10}})
    assert verdict("elb-classic-health-check-interval", more_often) == Verdict.PASS
    assert verdict("elb-classic-health-check-interval", more_often, mode="exact") == Verdict.FAIL


def test_all_trigger_classes_can_be_asked_of_each_workload() -> None:
    by_cpu = case("asg-scaling-trigger-class")
    assert verdict("asg-scaling-trigger-class", by_cpu, require="all") == Verdict.FAIL
    assert verdict("asg-scaling-trigger-class", by_cpu, require="all", trigger_classes=("cpu",)) == Verdict.PASS


@pytest.mark.parametrize(
    ("check_id", "field"), [("asg-scaling-trigger-class", "require"), ("elb-classic-health-check-interval", "mode")]
)
def test_an_unknown_word_is_refused(check_id: str, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        verdict(check_id, case(check_id), **{field: "some"})


def test_internal_balancers_may_be_allowed_to_forward_http() -> None:
    internal = case("alb-http-redirects-to-https", fails=True, number=1)
    assert internal.document["Scheme"] == "internal"
    assert verdict("alb-http-redirects-to-https", internal, allow_internal_http=True) == Verdict.PASS


def test_an_ingress_controller_behind_a_network_load_balancer_can_be_refused() -> None:
    plain = case("http-listener-on-alb", fails=True)
    ingress = dataclasses.replace(plain, tags={"service.k8s.aws/stack": "ingress/nginx"})
    assert verdict("http-listener-on-alb", ingress) == Verdict.NOT_APPLICABLE
    assert verdict("http-listener-on-alb", ingress, allow_ingress_controller_behind_nlb=False) == Verdict.FAIL


def test_zones_kept_apart_on_purpose_can_be_refused() -> None:
    apart = next(c for c in CHECKS["elbv2-cross-zone-effective"].passes if "apart on purpose" in c.why)
    assert verdict("elbv2-cross-zone-effective", apart) == Verdict.PASS
    assert verdict("elbv2-cross-zone-effective", apart, require_cross_zone=True) == Verdict.FAIL


def test_two_larger_sizes_can_be_asked_for() -> None:
    one_larger = Case(
        {
            "Engine": "mysql",
            "EngineVersion": "8.0.39",
            "DBInstanceStatus": "available",
            "DBInstanceClass": "db.r6g.12xlarge",
        },
        related=case("rds-instance-vertical-headroom").related,
    )
    assert verdict("rds-instance-vertical-headroom", one_larger) == Verdict.PASS
    assert verdict("rds-instance-vertical-headroom", one_larger, vertical_headroom_steps=2) == Verdict.FAIL


def test_a_lower_cpu_target_moves_what_is_accepted() -> None:
    at_seventy = case("asg-cpu-target-70")
    assert verdict("asg-cpu-target-70", at_seventy, cpu_target_pct=50) == Verdict.FAIL


def test_an_address_target_of_ipv6_is_found_by_its_network_interface() -> None:
    group = {
        **case("target-group-healthy-targets-in-two-azs").document,
        "TargetHealthDescriptions": [
            {"Target": {"Id": address}, "TargetHealth": {"State": "healthy"}}
            for address in ("2001:db8::1", "2001:db8::2")
        ],
    }
    related = {
        **case("target-group-healthy-targets-in-two-azs").related,
        "AWS::EC2::NetworkInterface": [
            {"VpcId": "vpc-1", "AvailabilityZone": zone, "Ipv6Addresses": [{"Ipv6Address": address}]}
            for zone, address in (("eu-west-1a", "2001:db8::1"), ("eu-west-1b", "2001:db8::2"))
        ],
    }
    assert verdict("target-group-healthy-targets-in-two-azs", Case(group, related=related)) == Verdict.PASS
