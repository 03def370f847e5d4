"""The policy with the role that carries it, in the forms people set roles up by: IAM's own JSON, Terraform, CloudFormation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ROLE_NAME", "Role", "cloudformation", "iam_json", "stackset", "terraform"]

_VERSION = "2012-10-17"
_ABOUT = "Read-only access for the AWS account auditor"
_ACCOUNT = r"^\d{12}$"
_EXTERNAL_ID = r"^[\w+=,.@:/-]{2,1224}$"
"""IAM API reference, AssumeRole, ExternalId."""
_NOTE = "Every action lists or describes; most know no narrower resource, so all are allowed on *. Nothing else is ever called."

Document = Mapping[str, Any]

ROLE_NAME = "aws-account-auditor"


@dataclass(frozen=True, slots=True)
class Role:
    """Who may assume the role, and how it is called."""

    auditor_account: str = ""
    """The account the auditor runs in; empty: asked for where the role is set up."""
    external_id: str = ""
    """What the auditor must say with it; empty: asked for where the role is set up."""
    name: str = ROLE_NAME
    session_seconds: int = 3600
    """The longest session, 3,600 to 43,200 seconds; through a chain of roles AWS gives 3,600 at most."""


def _trust(principal: Any, external_id: Any) -> dict[str, Any]:
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": "TheAuditorOnly",
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }


# ---- IAM's own JSON --------------------------------------------------------------------------------------------------


def iam_json(documents: Sequence[Document], role: Role, partition: str = "aws") -> str:
    """Return role and managed policies in the field names of IAM's API (CreateRole, CreatePolicy).

    What ROLE does not say stands there in capitals, to be replaced: JSON has no parameters.
    """
    account = role.auditor_account or "AUDITOR_ACCOUNT_ID"
    return json.dumps(
        {
            "Role": {
                "RoleName": role.name,
                "Description": _ABOUT,
                "MaxSessionDuration": role.session_seconds,
                "AssumeRolePolicyDocument": _trust(
                    f"arn:{partition}:iam::{account}:root", role.external_id or "EXTERNAL_ID"
                ),
            },
            "ManagedPolicies": [
                {"PolicyName": f"{role.name}-{number}", "Description": _NOTE, "PolicyDocument": document}
                for number, document in enumerate(documents, 1)
            ],
        },
        indent=2,
    )


# ---- Terraform -------------------------------------------------------------------------------------------------------


_REQUIRED = """terraform {
  required_version = ">= 1.2"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 4.0"
    }
  }
}"""
_MAX_SESSION = """variable "max_session_seconds" {{
  description = "The longest session, in seconds."
  type        = number
  default     = {seconds}
}}"""


def terraform(documents: Sequence[Document], role: Role) -> str:
    """Return a module: variables, the role, its policies, and the role's ARN as output. Needs Terraform 1.2 or OpenTofu."""
    parts = [
        f"# {_ABOUT}. {_NOTE}",
        _REQUIRED,
        _variable("auditor_account_id", "The account the auditor runs in.", role.auditor_account, _ACCOUNT),
        _variable("external_id", "What the auditor must say when it assumes the role.", role.external_id, _EXTERNAL_ID),
        _variable("role_name", "The role's name.", role.name, r"^[\w+=,.@-]{1,60}$"),
        _MAX_SESSION.format(seconds=role.session_seconds),
        'data "aws_partition" "current" {}',
        _hcl_resource(
            "aws_iam_role",
            "auditor",
            {
                "name": "var.role_name",
                "description": json.dumps(_ABOUT),
                "max_session_duration": "var.max_session_seconds",
                "assume_role_policy": _jsonencode(
                    _trust(
                        "arn:${data.aws_partition.current.partition}:iam::${var.auditor_account_id}:root",
                        "${var.external_id}",
                    )
                ),
            },
        ),
    ]
    for number, document in enumerate(documents, 1):
        parts += [
            _hcl_resource(
                "aws_iam_policy",
                f"auditor_{number}",
                {
                    "name": f'"${{var.role_name}}-{number}"',
                    "description": json.dumps(_ABOUT),
                    "policy": _jsonencode(document),
                },
            ),
            _hcl_resource(
                "aws_iam_role_policy_attachment",
                f"auditor_{number}",
                {"role": "aws_iam_role.auditor.name", "policy_arn": f"aws_iam_policy.auditor_{number}.arn"},
            ),
        ]
    parts.append('output "role_arn" {\n  value = aws_iam_role.auditor.arn\n}')
    return "\n\n".join(parts)


def _variable(name: str, about: str, default: str, pattern: str) -> str:
    given = f"  default     = {json.dumps(default)}\n" if default else ""
    return (
        f'variable "{name}" {{\n  description = {json.dumps(about)}\n  type        = string\n{given}\n  validation {{\n'
        f"    condition     = can(regex({json.dumps(pattern)}, var.{name}))\n"
        f'    error_message = "{name} must match {pattern.replace(chr(92), chr(92) * 2)}."\n  }}\n}}'
    )


def _hcl_resource(type: str, name: str, arguments: Mapping[str, str]) -> str:
    width = max(map(len, arguments))
    lines = "\n".join(f"  {key:<{width}} = {value}" for key, value in arguments.items())
    return f'resource "{type}" "{name}" {{\n{lines}\n}}'


def _jsonencode(document: Document) -> str:
    """Return a document as HCL's own function call: JSON's objects and lists are HCL's, too."""
    return "jsonencode(" + json.dumps(document, indent=2).replace("\n", "\n  ") + ")"


# ---- CloudFormation --------------------------------------------------------------------------------------------------


def cloudformation(documents: Sequence[Document], role: Role) -> str:
    """Return a template of one stack, as JSON; it needs the capability CAPABILITY_NAMED_IAM."""
    return json.dumps(_template(documents, role), indent=2)


def _template(documents: Sequence[Document], role: Role) -> dict[str, Any]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{_ABOUT}. {_NOTE}",
        "Parameters": _parameters(role),
        "Resources": _resources(documents),
        "Outputs": {"RoleArn": {"Description": "What the auditor assumes", "Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }


def _parameters(role: Role) -> dict[str, Any]:
    def text(about: str, default: str, pattern: str) -> dict[str, Any]:
        given = {"Default": default} if default else {}
        return {"Type": "String", "Description": about, "AllowedPattern": pattern, **given}

    return {
        "AuditorAccountId": text("The account the auditor runs in", role.auditor_account, _ACCOUNT),
        "ExternalId": text("What the auditor must say when it assumes the role", role.external_id, _EXTERNAL_ID),
        "RoleName": text("The role's name", role.name, r"^[\w+=,.@-]{1,64}$"),
        "MaxSessionSeconds": {
            "Type": "Number",
            "Description": "The longest session, in seconds",
            "Default": role.session_seconds,
            "MinValue": 3600,
            "MaxValue": 43200,
        },
    }


def _resources(documents: Sequence[Document], condition: str = "") -> dict[str, Any]:
    only = {"Condition": condition} if condition else {}
    policies = {
        f"Policy{number}": {
            "Type": "AWS::IAM::ManagedPolicy",
            **only,
            "Properties": {"Description": _ABOUT, "PolicyDocument": document, "Roles": [{"Ref": "Role"}]},
        }
        for number, document in enumerate(documents, 1)
    }
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AuditorAccountId}:root"}
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            **only,
            "Properties": {
                "RoleName": {"Ref": "RoleName"},
                "Description": _ABOUT,
                "MaxSessionDuration": {"Ref": "MaxSessionSeconds"},
                "AssumeRolePolicyDocument": _trust(root, {"Ref": "ExternalId"}),
            },
        },
        **policies,
    }


def stackset(documents: Sequence[Document], role: Role, here: Sequence[Document] = ()) -> str:
    """Return a template, as JSON, that makes the role in every account of an organisation's units, new accounts included.

    HERE is what the role of the deploying account may do, where that is more than in the members (DOCUMENTS).
    It is deployed once, in the management account or in one that it has delegated StackSets to (``CallAs``). AWS puts no
    service-managed instance into the management account: there the role stands in the stack itself, where that is wanted.
    """
    inner = json.dumps(_template(documents, role), separators=(",", ":"))
    names = list(_parameters(role))
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{_ABOUT}, in the accounts of an organisation. {_NOTE}",
        "Parameters": {
            **_parameters(role),
            "OrganizationalUnitIds": {
                "Type": "CommaDelimitedList",
                "Description": "Where the role is made: units (ou-…) or the root (r-…)",
                "AllowedPattern": r"^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$",
            },
            "CallAs": {
                "Type": "String",
                "Description": "SELF in the management account, DELEGATED_ADMIN in one that StackSets are delegated to",
                "AllowedValues": ["SELF", "DELEGATED_ADMIN"],
                "Default": "SELF",
            },
            "AlsoHere": {
                "Type": "String",
                "Description": "Whether this account (the management account) gets the role, too",
                "AllowedValues": ["yes", "no"],
                "Default": "yes",
            },
        },
        "Conditions": {"Here": {"Fn::Equals": [{"Ref": "AlsoHere"}, "yes"]}},
        "Resources": {
            "StackSet": {
                "Type": "AWS::CloudFormation::StackSet",
                "Properties": {
                    "StackSetName": {"Ref": "RoleName"},
                    "Description": _ABOUT,
                    "PermissionModel": "SERVICE_MANAGED",
                    "CallAs": {"Ref": "CallAs"},
                    "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": False},
                    "Capabilities": ["CAPABILITY_NAMED_IAM"],
                    "ManagedExecution": {"Active": True},
                    "OperationPreferences": {"FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 100},
                    "Parameters": [{"ParameterKey": name, "ParameterValue": {"Ref": name}} for name in names],
                    "StackInstancesGroup": [
                        {
                            "DeploymentTargets": {"OrganizationalUnitIds": {"Ref": "OrganizationalUnitIds"}},
                            # A role is global: one region makes it.
                            "Regions": [{"Ref": "AWS::Region"}],
                        }
                    ],
                    "TemplateBody": inner,
                },
            },
            **_resources(here or documents, "Here"),
        },
    }
    return json.dumps(template, indent=2)
