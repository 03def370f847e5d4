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
# Named like reading, yet what they hand out is a secret or what people keep in a service, or they take something out of a
# queue.
_NEVER = frozenset(
    {
        ("apigateway", "GetApiKey"),
        ("apigateway", "GetApiKeys"),
        ("cognito-identity", "GetCredentialsForIdentity"),
        ("cognito-identity", "GetOpenIdToken"),
        ("cognito-identity", "GetOpenIdTokenForDeveloperIdentity"),
        ("dynamodb", "BatchGetItem"),
        ("dynamodb", "GetItem"),
        ("dynamodbstreams", "GetRecords"),
        ("ec2", "GetConsoleOutput"),
        ("ec2", "GetConsoleScreenshot"),
        ("ec2", "GetPasswordData"),
        ("ecr", "GetAuthorizationToken"),
        ("ecr-public", "GetAuthorizationToken"),
        ("codeartifact", "GetAuthorizationToken"),
        ("iot", "GetCommandExecution"),
        ("kinesis", "GetRecords"),
        ("lambda", "GetFunction"),
        ("lightsail", "GetInstanceAccessDetails"),
        ("lightsail", "GetRelationalDatabaseMasterUserPassword"),
        ("logs", "GetLogEvents"),
        ("logs", "GetLogRecord"),
        ("redshift", "GetClusterCredentials"),
        ("redshift", "GetClusterCredentialsWithIAM"),
        ("redshift-serverless", "GetCredentials"),
        ("s3", "GetObject"),
        ("s3", "GetObjectTorrent"),
        ("secretsmanager", "BatchGetSecretValue"),
        ("secretsmanager", "GetSecretValue"),
        ("ssm", "GetParameter"),
        ("ssm", "GetParameterHistory"),
        ("ssm", "GetParameters"),
        ("ssm", "GetParametersByPath"),
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

    Let it ``watch`` the session before any client is made: all clients, also those that botocore makes for itself (and
    boto3's resources, paginators and waiters), ask it before a request is made up, when it is about to leave, and, where
    somebody took those two events away, in the one method that every operation goes through. A client that is watched makes
    no presigned addresses and no tokens: those could be used by others, elsewhere.
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

    def watch(self, session: Any) -> None:
        """Have every client that will be made of a botocore SESSION ask first."""
        events = session.get_component("event_emitter")
        for event in self.EVENTS:
            events.register(event, self)
        # The last to speak: what others add to a client's class is there by then.
        events.register_last("creating-client-class", self._seal)

    def _seal(self, class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
        guard, base = self, base_classes[-1]

        class Watched(base):  # type: ignore[misc, valid-type]  # botocore's BaseClient
            def _make_api_call(self, operation_name: str, api_params: Any) -> Any:
                guard.check(self.meta.service_model.service_name, operation_name)
                return super()._make_api_call(operation_name, api_params)

        base_classes[-1] = Watched
        for name in (*class_attributes, *dir(base)):
            if name.startswith("generate_presigned_") or name.endswith("_auth_token"):
                class_attributes[name] = _refuse

    def check(self, service: str, operation: str) -> None:
        """Raise NotReadOnly when the operation was not declared."""
        if not self.permits(service, operation):
            raise NotReadOnly(f"{service}:{operation} was stopped before it left: no resource type declares it")

    def permits(self, service: str, operation: str) -> bool:
        """Whether this operation may be sent."""
        return (service, operation) in self.operations

    def __call__(self, **event: Any) -> None:
        """Answer one of botocore's EVENTS. Raises NotReadOnly when the operation was not declared."""
        model = event["model"]
        self.check(model.service_model.service_name, model.name)


def _refuse(*_: Any, **__: Any) -> Any:
    raise NotReadOnly("presigned addresses and tokens are never made: they could be used to change something")
