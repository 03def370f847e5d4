"""Policy and role in the forms people set roles up by: each is valid, and allows exactly what is declared."""

import json
import re
from pathlib import Path
from typing import Any

import cfnlint
import hcl2
import pytest
from cfnlint.api import ManualArgs, lint
from click.testing import CliRunner

from auditor.aws.permissions import MANAGED_POLICY_CHARACTERS, actions, documents
from auditor.aws.provisioning import Role, cloudformation, iam_json, stackset, terraform
from auditor.cli import main
from auditor.collect import load_types
from auditor.pricing import CALLS

TYPES = load_types()
EVERYTHING = documents(TYPES.values(), CALLS)
WHO = Role("111122223333", "a+b=c,d.e@f:g/h-i")
MOST_POLICIES = 10
"""Managed policies of one role, unless AWS raised the quota (IAM user guide, "IAM and AWS STS quotas")."""
LONGEST_TEMPLATE = 51_200
"""Bytes of a template that is handed over in the request itself (CloudFormation user guide, "quotas")."""


def known_to_iam() -> set[str]:
    """Every action of the service authorization reference, in lower case, as cfn-lint ships it: IAM does not mind the case."""
    shipped = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    services = json.loads(shipped.read_bytes())
    return {f"{prefix}:{name}" for prefix, service in services.items() for name in service["Actions"]}


def test_every_declared_call_needs_an_action_that_exists() -> None:
    needed = actions(call for type in TYPES.values() for call in type.every_call) | actions(CALLS)
    known = known_to_iam()
    assert len(known) > 10_000
    assert {name for name in needed if name.lower() not in known} == set()


def allowed(*policies: Any) -> list[str]:
    return sorted(name for policy in policies for statement in policy["Statement"] for name in statement["Action"])


def assert_trust(trust: Any, principal: object, external_id: object) -> None:
    (statement,) = trust["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"AWS": principal}
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": external_id}}


def test_a_role_bears_as_many_policies_and_each_is_short_enough() -> None:
    assert 1 <= len(EVERYTHING) <= MOST_POLICIES
    assert all(len(re.sub(r"\s", "", json.dumps(document))) <= MANAGED_POLICY_CHARACTERS for document in EVERYTHING)


def test_json_is_what_iams_api_takes() -> None:
    made = json.loads(iam_json(EVERYTHING, WHO))
    assert made["Role"]["RoleName"] == "aws-account-auditor"
    assert made["Role"]["MaxSessionDuration"] == 3600
    assert_trust(made["Role"]["AssumeRolePolicyDocument"], "arn:aws:iam::111122223333:root", WHO.external_id)
    assert allowed(*(p["PolicyDocument"] for p in made["ManagedPolicies"])) == allowed(*EVERYTHING)


def unquoted(value: Any) -> Any:
    """What python-hcl2 read, without the quotes it leaves around strings."""
    if isinstance(value, dict):
        return {unquoted(key): unquoted(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [unquoted(item) for item in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value


@pytest.mark.parametrize("role", [WHO, Role()], ids=["given", "asked for"])
def test_terraform_parses_and_holds_role_policies_and_their_attachments(role: Role) -> None:
    text = terraform(EVERYTHING, role)
    made = unquoted(hcl2.loads(text + "\n"))
    resources = {(kind, name) for held in made["resource"] for kind, inner in held.items() for name in inner}
    wanted = {("aws_iam_role", "auditor")}
    for number in range(1, len(EVERYTHING) + 1):
        wanted |= {("aws_iam_policy", f"auditor_{number}"), ("aws_iam_role_policy_attachment", f"auditor_{number}")}
    assert resources == wanted
    variables = {name: inner for held in made["variable"] for name, inner in held.items()}
    assert set(variables) == {"auditor_account_id", "external_id", "role_name", "max_session_seconds"}
    assert ("default" in variables["external_id"]) == bool(role.external_id)
    bodies = [json.loads(body) for body in re.findall(r"jsonencode\((\{.*?\n  \})\)", text, re.DOTALL)]
    trust = "arn:${data.aws_partition.current.partition}:iam::${var.auditor_account_id}:root"
    assert_trust(bodies[0], trust, "${var.external_id}")
    assert allowed(*bodies[1:]) == allowed(*EVERYTHING)
    assert "%{" not in text


@pytest.mark.parametrize("role", [WHO, Role()], ids=["given", "asked for"])
@pytest.mark.parametrize("form", [cloudformation, stackset])
def test_cloudformation_has_nothing_to_complain_of(form: Any, role: Role) -> None:
    text = form(EVERYTHING, role)
    assert not [str(match) for match in lint(text, config=ManualArgs(regions=["us-east-1", "eu-west-1"]))]
    assert len(text.encode()) <= LONGEST_TEMPLATE
    resources = json.loads(text)["Resources"]
    properties = resources["Role"]["Properties"]
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AuditorAccountId}:root"}
    assert_trust(properties["AssumeRolePolicyDocument"], root, {"Ref": "ExternalId"})
    policies = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::IAM::ManagedPolicy"]
    assert allowed(*(policy["PolicyDocument"] for policy in policies)) == allowed(*EVERYTHING)
    assert all(policy["Roles"] == [{"Ref": "Role"}] for policy in policies)


def test_a_stack_set_is_the_services_and_hands_every_parameter_on() -> None:
    outer = json.loads(stackset(EVERYTHING, WHO))
    made = outer["Resources"]["StackSet"]["Properties"]
    assert made["PermissionModel"] == "SERVICE_MANAGED"
    assert made["AutoDeployment"]["Enabled"] is True
    assert made["TemplateBody"] == json.dumps(json.loads(cloudformation(EVERYTHING, WHO)), separators=(",", ":"))
    inner = json.loads(made["TemplateBody"])
    assert {p["ParameterKey"] for p in made["Parameters"]} == set(inner["Parameters"]) <= set(outer["Parameters"])
    assert not [str(m) for m in lint(made["TemplateBody"], config=ManualArgs(regions=["us-east-1"]))]


# ---- on the command line ---------------------------------------------------------------------------------------------


def printed(*options: str) -> str:
    result = CliRunner().invoke(main, ["policy", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_part_of_the_standard_needs_a_part_of_the_actions() -> None:
    part = json.loads(printed("--format", "json", "--section", "security", "--auditor-account", "111122223333"))
    names = allowed(*(policy["PolicyDocument"] for policy in part["ManagedPolicies"]))
    assert set(names) < set(allowed(*EVERYTHING))
    assert {"ec2:DescribeRegions", "pricing:GetProducts", "iam:GenerateCredentialReport"} <= set(names)
    assert "autoscaling:DescribePolicies" not in names


def test_the_formats_that_are_asked_for_are_printed() -> None:
    assert json.loads(printed("--format", "cloudformation"))["Resources"]["Role"]
    assert json.loads(printed("--format", "stackset"))["Resources"]["StackSet"]
    assert hcl2.loads(printed("--format", "terraform", "--role-name", "watcher", "--session-hours", "12"))
    given = json.loads(printed("--format", "json", "--role-name", "watcher", "--session-hours", "12"))
    assert (given["Role"]["RoleName"], given["Role"]["MaxSessionDuration"]) == ("watcher", 43_200)


def test_a_part_of_the_standard_is_the_same_part_in_every_format() -> None:
    part = ("--section", "cost", "--section", "databases")
    wanted = printed("--actions", *part).split()
    assert 0 < len(wanted) < len(allowed(*EVERYTHING))
    forms = {form: printed("--format", form, *part) for form in ("json", "terraform", "cloudformation", "stackset")}
    bodies = re.findall(r"jsonencode\((\{.*?\n  \})\)", forms["terraform"], re.DOTALL)
    made = {
        "json": [policy["PolicyDocument"] for policy in json.loads(forms["json"])["ManagedPolicies"]],
        "terraform": [json.loads(body) for body in bodies[1:]],
    }
    for form in ("cloudformation", "stackset"):
        resources = json.loads(forms[form])["Resources"].values()
        kept = [r["Properties"] for r in resources if r["Type"] == "AWS::IAM::ManagedPolicy"]
        made[form] = [properties["PolicyDocument"] for properties in kept]
    inner = json.loads(forms["stackset"])["Resources"]["StackSet"]["Properties"]["TemplateBody"]
    assert json.loads(inner)["Resources"] == json.loads(forms["cloudformation"])["Resources"]
    assert {form: allowed(*documents) for form, documents in made.items()} == dict.fromkeys(made, sorted(wanted))


def test_the_members_of_an_organisation_may_neither_assume_roles_nor_list_accounts() -> None:
    part = ("--section", "cost")
    outer = json.loads(printed("--organization", "--format", "stackset", *part))["Resources"]
    inner = json.loads(outer["StackSet"]["Properties"]["TemplateBody"])["Resources"]

    def may(resources: Any) -> set[str]:
        policies = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::IAM::ManagedPolicy"]
        return set(allowed(*(policy["PolicyDocument"] for policy in policies)))

    assert may(inner) == set(printed("--actions", *part).split())
    assert may(outer) == set(printed("--organization", "--actions", *part).split())
    assert may(outer) - may(inner) >= {"sts:AssumeRole", "organizations:ListAccounts"}


def test_arns_are_of_the_partition_that_the_config_is_of(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[account]\nregions = ["cn-north-1"]\n')
    text = printed("--config", str(config), "--organization", "--format", "json", "--section", "cost")
    assert set(re.findall(r"arn:[a-z-]+:", text)) == {"arn:aws-cn:"}
    asked = printed("--config", str(config), "--organization", "--partition", "aws-us-gov", "--section", "cost")
    assert set(re.findall(r"arn:[a-z-]+:", asked)) == {"arn:aws-us-gov:"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "yaml"), "yaml"),
        (("--format", "json", "--split"), "neither --actions nor --split"),
        (("--external-id", "x1"), "--external-id goes with --format"),
        (("--format", "json", "--auditor-account", "12"), "twelve digits"),
        (("--format", "terraform", "--external-id", '"${file("/etc/passwd")}"'), "--external-id must be"),
        (("--format", "terraform", "--role-name", 'x"\n'), "--role-name must be"),
        (("--format", "json", "--session-hours", "13"), "13"),
        (("--format", "json", "--section", "nowhere"), "nowhere"),
    ],
)
def test_what_no_role_could_be_is_refused(options: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["policy", *options])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout
