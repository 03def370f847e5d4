"""`auditor policy`: the exact IAM policy a scan needs, derived from the declarations."""

import json
from pathlib import Path
from typing import Any

import click

from auditor.cli import options

__all__ = ["command"]


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
def command(config_path: Path | None, organization: bool, actions: bool, split: bool, **given: Any) -> None:
    """Print the least-privilege IAM policy for a scan (or for the selected part of one), as JSON.

    It is made from the same declarations that make the calls: what is not in it is never called. A managed policy may have
    6,144 characters; `--split` makes several of them.
    """
    settings = options.settings_of(config_path)
    from auditor import organization as organizations
    from auditor import pricing
    from auditor.aws import permissions
    from auditor.collect import load_types
    from auditor.collect.plan import make_plan
    from auditor.selection import needed_types, select

    selection = options.selection_of(given)
    chosen = select(options.load_checks(settings), options.load_standard(settings), selection)
    known = load_types()
    types = [known[name] for name in needed_types(chosen.values(), selection)]
    planned = list(make_plan(types, known, "", "aws", ()).types.values())
    if organization:
        planned += organizations.TYPES.values()
    if actions:
        needed = {permissions.action(call) for type in planned for call in type.every_call}
        needed |= {permissions.action(call) for call in pricing.CALLS}
        needed |= {"sts:AssumeRole"} if organization else set()
        click.echo("\n".join(sorted(needed)))
        return
    made: Any = permissions.documents(planned, pricing.CALLS)
    if not split:
        made = permissions.policy(planned, pricing.CALLS)
    if organization:
        statement = permissions.assuming([organizations.role_of(settings, "aws", "*")])
        last = made[-1] if split else made
        last["Statement"].append(statement)
    click.echo(json.dumps(made, indent=2))
