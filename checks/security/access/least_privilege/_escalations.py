"""The known ways from some permissions to more, and which of them a principal's policies open."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from auditor.kit import Facts, Unavailable
from auditor.kit.policy import NOBODY, Policy, Statement, matches, matches_arn, permit
from auditor.kit.principals import ROLE, USER, administers, policies_of, trusted_services

PASSING = "iam:PassRole"
INSTANCE = "AWS::EC2::Instance"


@dataclass(frozen=True, slots=True)
class Way:
    """One way up: the actions it takes, all of them, on resources that are not named one by one."""

    how: str
    """What it leads to, for people, after "it can"."""
    actions: tuple[str, ...]
    passes_to: str = ""
    """The service that a role is passed to; ``""``: none is passed."""
    on_itself: bool = False
    """Whether it is enough to be allowed this on the principal itself."""
    on_instances: bool = False
    """Whether it leads to the roles of the account's EC2 instances."""


WAYS = (
    Way("rewrite managed policies", ("iam:CreatePolicyVersion",)),
    Way("bring back an older version of a managed policy", ("iam:SetDefaultPolicyVersion",)),
    Way("attach any policy to a user", ("iam:AttachUserPolicy",), on_itself=True),
    Way("attach any policy to a group", ("iam:AttachGroupPolicy",)),
    Way("attach any policy to a role", ("iam:AttachRolePolicy",), on_itself=True),
    Way("write an inline policy for a user", ("iam:PutUserPolicy",), on_itself=True),
    Way("write an inline policy for a group", ("iam:PutGroupPolicy",)),
    Way("write an inline policy for a role", ("iam:PutRolePolicy",), on_itself=True),
    Way("join any group", ("iam:AddUserToGroup",)),
    Way("let itself assume any role", ("iam:UpdateAssumeRolePolicy", "sts:AssumeRole")),
    Way("make access keys of other users", ("iam:CreateAccessKey",)),
    Way("give other users a password", ("iam:CreateLoginProfile",)),
    Way("change other users' passwords", ("iam:UpdateLoginProfile",)),
    Way("run an instance under a role", ("ec2:RunInstances",), "ec2.amazonaws.com"),
    Way("run a function under a role", ("lambda:CreateFunction", "lambda:InvokeFunction"), "lambda.amazonaws.com"),
    Way(
        "run a function under a role, triggered by a stream or queue",
        ("lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
        "lambda.amazonaws.com",
    ),
    Way("run a Glue development endpoint under a role", ("glue:CreateDevEndpoint",), "glue.amazonaws.com"),
    Way("create a stack under a role", ("cloudformation:CreateStack",), "cloudformation.amazonaws.com"),
    Way("run a container under a role", ("ecs:RunTask", "ecs:RegisterTaskDefinition"), "ecs-tasks.amazonaws.com"),
    Way(
        "run a notebook under a role",
        ("sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"),
        "sagemaker.amazonaws.com",
    ),
    Way("run a training job under a role", ("sagemaker:CreateTrainingJob",), "sagemaker.amazonaws.com"),
    Way("run a processing job under a role", ("sagemaker:CreateProcessingJob",), "sagemaker.amazonaws.com"),
    Way("run a build under a role", ("codebuild:CreateProject", "codebuild:StartBuild"), "codebuild.amazonaws.com"),
    Way(
        "run a pipeline under a role",
        ("datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline"),
        "datapipeline.amazonaws.com",
    ),
    Way("replace the code of functions and act as their roles", ("lambda:UpdateFunctionCode",)),
    Way("run commands on instances with an administrator's role", ("ssm:SendCommand",), on_instances=True),
    Way("open a shell on instances with an administrator's role", ("ssm:StartSession",), on_instances=True),
)
"""Source: IAM User Guide, "Grant permissions to pass a role to a service"; Service Authorization Reference, permissions
management; the ways published by Rhino Security Labs (2018) and Bishop Fox (2021)."""

_TYPES = {
    "iam:CreatePolicyVersion": "policy/{}",
    "iam:SetDefaultPolicyVersion": "policy/{}",
    "iam:AttachGroupPolicy": "group/{}",
    "iam:PutGroupPolicy": "group/{}",
    "iam:AddUserToGroup": "group/{}",
    "iam:AttachUserPolicy": "user/{}",
    "iam:PutUserPolicy": "user/{}",
    "iam:CreateAccessKey": "user/{}",
    "iam:CreateLoginProfile": "user/{}",
    "iam:UpdateLoginProfile": "user/{}",
    "iam:AttachRolePolicy": "role/{}",
    "iam:PutRolePolicy": "role/{}",
    "iam:UpdateAssumeRolePolicy": "role/{}",
    PASSING: "role/{}",
    "sts:AssumeRole": "role/{}",
    "ec2:RunInstances": "instance/{}",
    "lambda:CreateFunction": "function:{}",
    "lambda:InvokeFunction": "function:{}",
    "lambda:UpdateFunctionCode": "function:{}",
    "lambda:CreateEventSourceMapping": "event-source-mapping:{}",
    "glue:CreateDevEndpoint": "devEndpoint/{}",
    "cloudformation:CreateStack": "stack/{}/{}",
    "ecs:RunTask": "task-definition/{}:1",
    "ecs:RegisterTaskDefinition": "task-definition/{}:1",
    "sagemaker:CreateNotebookInstance": "notebook-instance/{}",
    "sagemaker:CreatePresignedNotebookInstanceUrl": "notebook-instance/{}",
    "sagemaker:CreateTrainingJob": "training-job/{}",
    "sagemaker:CreateProcessingJob": "processing-job/{}",
    "codebuild:CreateProject": "project/{}",
    "codebuild:StartBuild": "project/{}",
    "datapipeline:CreatePipeline": "pipeline/{}",
    "datapipeline:PutPipelineDefinition": "pipeline/{}",
    "datapipeline:ActivatePipeline": "pipeline/{}",
    "ssm:SendCommand": "instance/{}",
    "ssm:StartSession": "instance/{}",
}
"""Action -> the resource it is about (Service Authorization Reference); ``{}`` is a name."""
_SERVICES = {"ssm": "ec2", "sts": "iam"}
"""Whose resources the actions of a service are about, where not its own."""


@lru_cache(maxsize=4096)
def any_arn(action: str, account: str) -> str:
    """Return the ARN of a resource of ACTION with a name nobody would write down: only a wildcard at large covers it."""
    service = action.partition(":")[0]
    service = _SERVICES.get(service, service)
    region = "" if service == "iam" else "us-east-1"
    return f"arn:aws:{service}:{region}:{account}:{_TYPES[action].format(NOBODY, NOBODY)}"


@dataclass(frozen=True, slots=True)
class Found:
    """A way that is open."""

    way: Way
    conditional: bool
    """Whether a condition restricts it."""
    detail: str = ""
    """Which role it leads to, where that is known."""
    unresolved: bool = False
    """Whether it depends on a policy variable, so that the role cannot be named."""

    @property
    def text(self) -> str:
        """The way for people."""
        actions = (*((PASSING,) if self.way.passes_to else ()), *self.way.actions)
        return f"{self.way.how} ({' + '.join(actions)}{f': {self.detail}' if self.detail else ''})"


_BY_SERVICE = {
    service: tuple(action for action in _TYPES if action.startswith(f"{service}:"))
    for service in sorted({action.partition(":")[0] for action in _TYPES})
}


@lru_cache(maxsize=8192)
def spoken_of(policy: Policy) -> frozenset[str]:
    """Return the actions of the ways that POLICY allows on something."""
    return frozenset(
        action
        for statement in policy.allows
        for service, actions in _BY_SERVICE.items()
        if statement.about_service(service)
        for action in actions
        if statement.about_action(action)
    )


def ways_up(principal: Facts, policies: Iterable[Policy], unread: list[Unavailable]) -> Iterator[Found]:
    """Yield the ways that POLICIES open to PRINCIPAL; what could not be read about the roles it leads to goes into UNREAD."""
    held = tuple(policies)
    spoken: frozenset[str] = frozenset().union(*map(spoken_of, held))
    if not spoken:
        return
    for way in WAYS:
        if not spoken.issuperset(way.actions) or (way.passes_to and PASSING not in spoken):
            continue
        permits = [_permit(held, action, principal, way.on_itself) for action in way.actions]
        if any(found is None for found in permits):
            continue
        conditional = any(found for found in permits)
        try:
            if way.passes_to:
                yield from _passing(principal, held, way, conditional)
            elif not way.on_instances:
                yield Found(way, conditional)
            elif name := _administrator_on_instances(principal):
                yield Found(way, conditional, f"role {name}")
        except Unavailable as unavailable:
            unread.append(unavailable.kept())


def _permit(held: tuple[Policy, ...], action: str, principal: Facts, on_itself: bool) -> bool | None:
    """Return whether a condition restricts the action, which is allowed at large or on the principal; ``None``: it is not."""
    if found := permit(held, action, any_arn(action, principal.account)):
        return found.conditional
    if on_itself and _TYPES[action].startswith("user/" if principal.type == USER else "role/"):
        for arn in _itself(principal):
            if found := permit(held, action, arn):
                return found.conditional
    return None


def _itself(principal: Facts) -> tuple[str, ...]:
    """Return the ARNs by which policies name the principal itself, in the partition that the probes are written in."""
    own = ":".join(("arn", "aws", *principal.id.split(":")[2:]))
    return (own, f"{own.removesuffix(principal.name)}${{aws:username}}") if principal.type == USER else (own,)


# ---- passing roles ----


def _passing(principal: Facts, held: tuple[Policy, ...], way: Way, conditional: bool) -> Iterator[Found]:
    """Yield WAY if a role can be passed that is stronger than what the principal has."""
    probe = any_arn(PASSING, principal.account)
    statements = [s for policy in held for s in policy.allows if s.about_action(PASSING)]
    denied = [s for policy in held for s in policy.denies if s.about_action(PASSING)]
    if any(s.about_resource(probe) for s in denied):
        return
    open_ended = [s for s in statements if s.about_resource(probe) and not _services(s)]
    if open_ended:
        yield Found(way, conditional or all(s.conditional for s in open_ended), "any role")
        return
    unresolved = False
    for statement in statements:
        if not _may_pass_to(statement, way.passes_to):
            continue
        for role in _roles(principal, statement):
            if any(s.about_resource(role.id) for s in denied):
                continue
            if way.passes_to in trusted_services(role) and _administrator(role):
                yield Found(way, conditional, f"role {role.name}")
                return
        unresolved = unresolved or any("${" in pattern for pattern in statement.resources)
    if unresolved:
        yield Found(way, conditional, "roles named by a policy variable", unresolved=True)


def _services(statement: Statement) -> list[str]:
    """Return the services that iam:PassedToService names; none: to any."""
    return [
        value
        for condition in statement.conditions
        if condition.key == "iam:passedtoservice" and "not" not in condition.operator and not condition.vacuous
        for value in condition.values
    ]


def _may_pass_to(statement: Statement, service: str) -> bool:
    services = _services(statement)
    return not services or any(matches(pattern, service) for pattern in services)


def _roles(principal: Facts, statement: Statement) -> Sequence[Facts]:
    """Return the roles that STATEMENT names. Raises Unavailable when the roles were not read."""
    exact = not statement.not_resources and not any("*" in r or "?" in r for r in statement.resources)
    if exact:
        return principal.related(ROLE, (r for r in statement.resources if "${" not in r))
    return [
        role
        for role in principal.all(ROLE)
        if any(matches_arn(pattern, role.id) for pattern in statement.resources) != statement.not_resources
    ]


def _administrator(role: Facts) -> bool:
    """Return whether ROLE may do everything. Raises Unavailable when it does not seem so and a policy could not be read."""
    held, unread = policies_of(role)
    if administers(held):
        return True
    if unread:
        raise unread[0]
    return False


def _administrator_on_instances(principal: Facts) -> str:
    """Return the name of an administrator's role that an EC2 instance carries, or ``""``. Raises Unavailable."""
    for role in principal.all(ROLE):
        profiles: list[Mapping[str, str]] = role.get("InstanceProfileList", [])
        if profiles and _administrator(role):
            arns = [profile["Arn"] for profile in profiles]
            if any(principal.referrers(INSTANCE, "IamInstanceProfile.Arn", arn, everywhere=True) for arn in arns):
                return role.name
    return ""
