"""Nothing can change the account: a request leaves only if its operation reads and somebody declared it."""

from collections.abc import Iterable
from typing import Any

from auditor.errors import AuditorError

__all__ = ["SIGN_IN", "Guard", "NotReadOnly", "reads"]

SIGN_IN = frozenset(
    {
        ("ec2", "DescribeRegions"),
        ("signin", "CreateOAuth2Token"),
        ("sso", "GetRoleCredentials"),
        ("sso-oidc", "CreateToken"),
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sts", "GetCallerIdentity"),
    }
)
"""What finding out who we are and where we may look needs, botocore's own credential chain included."""

_READING = ("BatchDescribe", "BatchGet", "Describe", "Get", "Head", "List", "Lookup", "Search")
_READING_THOUGH_NOT_NAMED_SO = frozenset({("iam", "GenerateCredentialReport")})
# Named like reading, yet what they hand out is a secret, or they take something out of a queue.
_NEVER = frozenset(
    {
        ("cognito-identity", "GetCredentialsForIdentity"),
        ("cognito-identity", "GetOpenIdToken"),
        ("cognito-identity", "GetOpenIdTokenForDeveloperIdentity"),
        ("ec2", "GetPasswordData"),
        ("ecr", "GetAuthorizationToken"),
        ("ecr-public", "GetAuthorizationToken"),
        ("codeartifact", "GetAuthorizationToken"),
        ("iot", "GetCommandExecution"),
        ("lightsail", "GetInstanceAccessDetails"),
        ("lightsail", "GetRelationalDatabaseMasterUserPassword"),
        ("redshift", "GetClusterCredentials"),
        ("redshift", "GetClusterCredentialsWithIAM"),
        ("redshift-serverless", "GetCredentials"),
        ("secretsmanager", "BatchGetSecretValue"),
        ("secretsmanager", "GetSecretValue"),
        ("sts", "GetFederationToken"),
        ("sts", "GetSessionToken"),
    }
)


class NotReadOnly(AuditorError):
    """An operation that nobody declared, or that does not merely read, was about to be used: a fault of the program."""


def reads(service: str, operation: str) -> bool:
    """Whether an operation only reads, and nothing secret, by its name; exceptions are listed here one by one."""
    name = (service, operation)
    if name in _READING_THOUGH_NOT_NAMED_SO:
        return True
    return operation.startswith(_READING) and name not in _NEVER


class Guard:
    """Knows the operations that may be sent, and stops every other one before it leaves.

    Register it for EVENTS on the session before any client is made: all clients, also those that botocore makes for
    itself, ask it, once before a request is made up and again when it is about to leave.
    """

    EVENTS = ("provide-client-params", "before-call")

    def __init__(self, operations: Iterable[tuple[str, str]]) -> None:
        """OPERATIONS are pairs of boto3's service name and operation. Raises NotReadOnly for one that does not merely read."""
        declared = frozenset(operations)
        for service, operation in sorted(declared):
            if not reads(service, operation):
                raise NotReadOnly(
                    f"{service}:{operation} is declared as a call, but it does not merely read: remove it"
                )
        self.operations = declared | SIGN_IN

    def permits(self, service: str, operation: str) -> bool:
        """Whether this operation may be sent."""
        return (service, operation) in self.operations

    def __call__(self, **event: Any) -> None:
        """Answer one of botocore's EVENTS. Raises NotReadOnly when the operation was not declared."""
        model = event["model"]
        service = model.service_model.service_name
        if not self.permits(service, model.name):
            raise NotReadOnly(f"{service}:{model.name} was stopped before it left: no resource type declares it")
