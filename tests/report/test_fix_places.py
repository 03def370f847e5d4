"""What a fix leaves to a person is what no finding of its check knows: all checks are walked, each with its own cases."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from cases import inventory_of

from auditor import catalog, standard
from auditor.engine import judge_all
from auditor.kit import Check
from auditor.model import Finding, Verdict
from auditor.report.fix import fill_fix, place_of, with_facts
from auditor.scan import bind_all

_WORD = re.compile(r"(?<![\w/.-])[A-Z][A-Z0-9_]{2,}\b")

_AWS_WORDS = {
    "ACCAEXAMPLE123EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "AWS", "COMPUTE_SP", "DIMENSIONAL", "ELB", "EMAIL", "ENABLED", "FORECASTED",
    "GREATER_THAN", "HTTPS", "HTTP_301", "NO_UPFRONT", "ONE_YEAR", "SERVICE", "SUCCESSFUL", "TCP", "THIRTY_DAYS", "YES",
}  # fmt: skip
"""Values that AWS writes in capitals, or the cases do."""

_NEW = "how the thing that is made is called is for its maker to say"
_CHOSEN = "where, how much, how large or of which kind is a decision"
_ELSEWHERE = "something else that is to be used, which the finding is not about"
_TOLD = "what a person says or was sent"
_KEYS = "the credential report, on which the finding stands, holds no ids of keys"
LEFT = {
    "ACCESS_KEY_ID": _KEYS,
    "ACTIONS_WITHOUT_STICKINESS": "a listener's whole actions, which are more than one argument",
    "ADDRESS": _TOLD,
    "AGENT_CONFIG": _ELSEWHERE,
    "BUCKET": _ELSEWHERE,
    "CERTIFICATE": _ELSEWHERE,
    "CLASS": _CHOSEN,
    "CLASS_OF_A_LARGER_FAMILY": _CHOSEN,
    "CLUSTER": "any cluster of the account may be failed over",
    "CODE1": _TOLD,
    "CODE2": _TOLD,
    "END": "when the new plan begins: at the old one's end, or earlier",
    "GIB": _CHOSEN,
    "GROUP": _ELSEWHERE,
    "IOPS": _CHOSEN,
    "LABEL": "names a balancer and a target group, of which a group may have several",
    "MFA_ARN": _NEW,
    "MIBPS": _CHOSEN,
    "MORE": _CHOSEN,
    "MYSQL_OR_POSTGRESQL": _CHOSEN,
    "NAME": _NEW,
    "OFFERING": _CHOSEN,
    "OLD_KEY_ID": _KEYS,
    "OTHER_REGION": _CHOSEN,
    "OTHER_ZONE": _CHOSEN,
    "PLAN": _ELSEWHERE,
    "POLICY_ARN": "the facts name policies, which may be several, and inline ones have no ARN",
    "PORT": _CHOSEN,
    "READER": _NEW,
    "RECOVERY_POINT_ARN": "any recovery point may be restored",
    "REGION": _CHOSEN,
    "REPLICA": _NEW,
    "REPORT_URL": _TOLD,
    "REQUESTS": _CHOSEN,
    "ROLE": _ELSEWHERE,
    "ROLE_ARN": _ELSEWHERE,
    "RULES": "the ids of a group's rules were not read",
    "RULE_ID": "which of a group's rules are to go, or to be narrowed, is not among the facts",
    "SECRET": _ELSEWHERE,
    "SERVER_ID": "any server may be recovered",
    "SERVICESPECIFICCREDENTIALID": "SSH keys and certificates have none; other commands delete them",
    "SMALLER": "AWS does not always say a class, and of some families none is smaller",
    "SNAPSHOT": _NEW,
    "SUBNET_A": _CHOSEN,
    "SUBNET_B": _CHOSEN,
    "TARGET_GROUP": _ELSEWHERE,
    "TARGET_IN_ANOTHER_ZONE": _CHOSEN,
    "TEMPLATE": _ELSEWHERE,
    "TOPIC": _ELSEWHERE,
    "TRAIL": _NEW,
    "URL": _TOLD,
    "USD_AN_HOUR": _CHOSEN,
    "WEB_ACL_ARN": _ELSEWHERE,
    "WHAT_WAS_RESTORED": _TOLD,
    "WHAT_WAS_TESTED": _TOLD,
    "WHO_IS_TOLD_HOW_AND_LAST_USE": _TOLD,
    "ZONE_ID": _CHOSEN,
}
"""What stands in capitals in the commands of all checks' failing cases -> why nothing fills it in."""


@cache
def walked() -> dict[str, list[tuple[str, frozenset[str]]]]:
    """Return the commands of all failing cases, by check: each with the facts that it was given."""
    checks = dict(catalog.load_checks())
    thresholds = bind_all(checks.values(), standard.load(catalog.bundled("checks") / "patterns.toml"))
    return {id: list(_commands(check, thresholds[id])) for id, check in checks.items() if check.fix.cli}


def _commands(check: Check, want: object) -> Iterator[tuple[str, frozenset[str]]]:
    for case in check.fails:
        told, _ = inventory_of(check, case)
        for finding in judge_all([check], told, lambda _: want).findings:
            if finding.verdict is Verdict.FAIL:
                yield _command(check, case.document, finding)


def _command(check: Check, document: Mapping[str, object], finding: Finding) -> tuple[str, frozenset[str]]:
    named = {**place_of(finding.region, finding.account, finding.type), "name": "the-name", "id": finding.resource}
    fields = with_facts(check.fix, {**document, **named}, finding.evidence)
    return fill_fix(check.fix, fields), frozenset(name for name in fields if name.startswith("facts."))


def test_what_stands_in_capitals_in_a_command_is_what_its_finding_does_not_know() -> None:
    found = {word for commands in walked().values() for command, _ in commands for word in _WORD.findall(command)}
    assert found - _AWS_WORDS == set(LEFT)


def test_each_fact_that_a_fix_names_is_one_of_its_check() -> None:
    for id, check in catalog.load_checks().items():
        wanted = set(re.findall(r"\{(facts\.\w+)\}", check.fix.cli))
        assert wanted <= {name for _, facts in walked().get(id, ()) for name in facts}, id


def test_facts_stand_in_the_commands() -> None:
    said = "\n".join(command for commands in walked().values() for command, _ in commands)
    assert (
        "aws iam put-user-policy --user-name the-name --policy-name own-1 --policy-document file://policy.json" in said
    )
    assert "--db-instance-identifier orders-2 --db-instance-class db.r6g.xlarge --promotion-tier 1" in said
    assert "--cloudwatch-logs-export-configuration EnableLogTypes=postgresql" in said
    assert "--listener-arn arn:aws:elasticloadbalancing:" in said
