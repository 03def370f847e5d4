"""`auditor policy`: the exact IAM policy a scan needs, derived from the declarations."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.aws.provisioning import Role
    from auditor.config import Settings

__all__ = ["command"]

_WANTED = {
    "auditor_account": (r"[0-9]{12}", "an account's id, twelve digits"),
    "external_id": (r"[A-Za-z0-9_+=,.@:/-]{2,1224}", "2 to 1,224 letters, digits or any of +=,.@:/-"),
    "role_name": (r"[A-Za-z0-9_+=,.@-]{1,60}", "1 to 60 letters, digits or any of +=,.@-"),
}
"""What each option must look like (IAM API reference)."""


@click.command("policy")
@options.config_option
@options.selection_options
@click.option(
    "--organization",
    is_flag=True,
    help="With what listing the organisation's accounts and assuming the role in each needs.",
)
@click.option("--actions", is_flag=True, help="Only the actions, one a line.")
@click.option("--split", is_flag=True, help="A list of policies, each short enough for a managed policy.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "terraform", "cloudformation", "stackset"]),
    help="Policy and role: IAM's own JSON, a Terraform module, a stack's template, or one for a whole organisation.",
)
@click.option(
    "--auditor-account", metavar="ID", help="With --format: the account the auditor runs in [default: asked for]."
)
@click.option("--external-id", metavar="ID", help="With --format: the role's external id [default: asked for].")
@click.option("--role-name", metavar="NAME", help="With --format: the role's name [default: aws-account-auditor].")
@click.option(
    "--session-hours",
    type=click.IntRange(1, 12),
    metavar="N",
    help="With --format: how long a session of the role may last [default: 1].",
)
@click.option(
    "--partition",
    type=click.Choice(["aws", "aws-cn", "aws-us-gov"]),
    help="Whose ARNs stand in it [default: by the config's role and regions; Terraform and the templates find out].",
)
def command(
    config_path: Path | None,
    organization: bool,
    actions: bool,
    split: bool,
    form: str | None,
    partition: str | None,
    **given: Any,
) -> None:
    """Print the least-privilege IAM policy for a scan (or for the selected part of one), as JSON.

    It is made from the same declarations that make the calls: what is not in it is never called. Every action lists or
    describes, on all resources. A managed policy may have 6,144 characters; `--split` makes several of them.

    `--format` prints the role as well, with its trust in the auditor's account by external id. What stackset prints is
    deployed once, in the organisation's management account: it makes the role in all accounts of the named units.
    """
    if form and (actions or split):
        raise click.UsageError(
            "--format prints policy and role, split where needed: it goes with neither --actions nor --split"
        )
    role = _role(form, given)
    settings = options.settings_of(config_path)
    from auditor import organization as organizations
    from auditor import pricing
    from auditor.aws import permissions, provisioning
    from auditor.collect import load_types
    from auditor.collect.plan import make_plan
    from auditor.selection import needed_types, select

    selection = options.selection_of(given)
    chosen = select(options.load_checks(settings), options.load_standard(settings), selection)
    known = load_types()
    types = [known[name] for name in needed_types(chosen.values(), selection)]
    where = partition or _partition(settings)
    planned = list(make_plan(types, known, "", where, ()).types.values())
    members = tuple(planned)  # only who asks for the organisation's accounts lists them and assumes roles
    roles: list[str] = []
    if organization:
        planned += organizations.TYPES.values()
        roles = [organizations.role_of(settings, where, "*")]
    if actions:
        statements = permissions.policy(planned, pricing.CALLS, roles)["Statement"]
        click.echo("\n".join(sorted({name for statement in statements for name in statement["Action"]})))
        return
    if form:
        documents = permissions.documents(planned, pricing.CALLS, roles)
        ordinary = permissions.documents(members, pricing.CALLS, ())
        printed: Mapping[str, Callable[[Sequence[Any], Role], str]] = {
            "json": partial(provisioning.iam_json, partition=where),
            "terraform": provisioning.terraform,
            "cloudformation": provisioning.cloudformation,
            "stackset": lambda here, who: provisioning.stackset(ordinary, who, here),
        }
        click.echo(printed[form](documents, role))
        if form == "json" and not (role.auditor_account and role.external_id):
            from auditor.cli.terminal import say

            say("put the account and the external id in the place of the words in capitals")
        return
    made = permissions.documents if split else permissions.policy
    click.echo(json.dumps(made(planned, pricing.CALLS, roles), indent=2))


def _partition(settings: "Settings") -> str:
    """Return the partition that the settings are of: their roles and regions say it."""
    from auditor.aws.partitions import partition_of

    for account in (settings.account, *settings.accounts):
        if account.role_arn:
            return account.role_arn.split(":")[1]
        if account.regions:
            return partition_of(account.regions[0])
    return "aws"


def _role(form: str | None, given: dict[str, Any]) -> "Role":
    """Return the role that the options describe. Raises a usage error for what no role of IAM could be."""
    from auditor.aws.provisioning import ROLE_NAME, Role

    said = {name: given[name] for name in ("auditor_account", "external_id", "role_name", "session_hours")}
    for name, value in said.items():
        if value is None:
            continue
        flag = f"--{name.replace('_', '-')}"
        if not form:
            raise click.UsageError(f"{flag} goes with --format")
        wanted = _WANTED.get(name)
        if wanted and not re.fullmatch(wanted[0], value):
            raise click.UsageError(f"{flag} must be {wanted[1]}")
    return Role(
        auditor_account=said["auditor_account"] or "",
        external_id=said["external_id"] or "",
        name=said["role_name"] or ROLE_NAME,
        session_seconds=(said["session_hours"] or 1) * 3600,
    )
