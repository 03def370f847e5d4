"""botocore's clients, one per service for all regions, and the caller that makes single calls through them."""

import gc
import json
import logging
import re
import socket
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import botocore.config
import botocore.session
from botocore import exceptions, xform_name
from botocore.parsers import ResponseParserError

from auditor.aws.answer import Answer, CallError, Fault, Operation
from auditor.aws.connections import AnswerTooLong, SharedConnections
from auditor.aws.credentials import RenewableProvider
from auditor.aws.faults import OVER, classify, scrub
from auditor.aws.guard import NotReadOnly
from auditor.aws.operations import Operations
from auditor.aws.secrets import Secrets
from auditor.aws.wire import header_date

__all__ = ["AwsCaller", "Clients", "call_error"]

logger = logging.getLogger(__name__)

_NOT_IN: Mapping[str, frozenset[str]] = {
    "arc-region-switch": frozenset({"aws-cn"}),
    "fis": frozenset(
        {"aws-cn", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"}
        | {"ap-southeast-7", "ca-west-1", "il-central-1", "mx-central-1"}
    ),
}
"""Partitions and regions that AWS says lack a service of which botocore lists no region at all, as of November 2026.

Region switch: AWS General Reference (gr/arc.html) and Application Recovery Controller Developer Guide (aws-regions-rs.html).
They agree about China alone: GovCloud has it by the second and lacks it by the first. FIS: AWS General Reference (gr/fis.html)
and the public parameters of Systems Manager, /aws/service/global-infrastructure/services/fis/regions.
"""

CONNECT_SECONDS = 5
READ_SECONDS = 30
_WEB_PAGE = re.compile(r"<html.*?<title>\s*((?:404|500|501) [\w ]{1,40}?)\s*</title>", re.IGNORECASE | re.DOTALL)

_region: ContextVar[str] = ContextVar("region")


def _sign_for_region(context: dict[str, Any], **_: Any) -> None:
    region = _region.get()
    context["client_region"] = region
    context.setdefault("signing", {})["region"] = region


def _resolve_for_region(builtins: dict[str, Any], **_: Any) -> None:
    builtins["AWS::Region"] = _region.get()


class Clients:
    """The clients of one account: made when first needed, one for all regions where the service's endpoint rules allow it."""

    def __init__(
        self, session: botocore.session.Session, home_region: str, credentials: RenewableProvider | None = None
    ) -> None:
        """SESSION has the credentials, which CREDENTIALS can renew; HOME_REGION is what a client for all regions is made with."""
        self.session = session
        self.credentials = credentials
        self.operations = Operations(session)
        self.secrets = Secrets(self.operations)
        self._home = home_region
        self._config = botocore.config.Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=64,
            retries={"mode": "standard", "total_max_attempts": 1},  # the queue tries again
            s3={"us_east_1_regional_endpoint": "regional"},
            user_agent_extra="aws-account-auditor",
        )
        self._connections = SharedConnections()
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._methods: dict[tuple[str, str, str], Callable[..., dict[str, Any]]] = {}

    def let_go(self) -> None:
        """Drop all clients, their connections and what was learnt of operations; who calls afterwards has new ones."""
        with self._lock:
            self._clients.clear()
            self._methods.clear()
            self._connections = SharedConnections()
            self.operations.forget()
        gc.collect()  # clients are full of cycles

    def method(self, service: str, operation: str, region: str) -> Callable[..., dict[str, Any]]:
        """Return the client's method that makes the call in REGION, when ``_region`` is set to it."""
        key = (service, operation, region)
        method = self._methods.get(key)
        if method is None:
            method = self._methods[key] = getattr(self.client(service, region), xform_name(operation))
        return method

    def client(self, service: str, region: str) -> Any:
        """Return the client that serves REGION. Raises botocore's UnknownServiceError."""
        client = self._clients.get((service, region))
        if client is None:
            with self._lock:  # making clients is not thread-safe, and dear
                client = self._clients.get((service, region)) or self._make(service, region)
        return client

    def _make(self, service: str, region: str) -> Any:
        shared = self._clients.get((service, ""))
        if shared is None and not self._has_endpoint_rules(service):
            client = self._create(service, region)
            self._clients[service, region] = client
            return client
        if shared is None:
            shared = self._create(service, self._home)
            shared.meta.events.register("provide-client-params.*.*", _sign_for_region)
            shared.meta.events.register("before-endpoint-resolution.*", _resolve_for_region)
            self._clients[service, ""] = shared
        self._clients[service, region] = shared
        return shared

    def _create(self, service: str, region: str) -> Any:
        client = self.session.create_client(service, region_name=region, config=self._config)
        self._connections.share(client)
        return client

    def _has_endpoint_rules(self, service: str) -> bool:
        # Without them the client's endpoint is fixed when it is made.
        loader = self.session.get_component("data_loader")
        try:
            loader.load_service_model(service, "endpoint-rule-set-1")
        except exceptions.DataNotFoundError:
            return False
        return True

    def is_absent(self, service: str, region: str, host: str) -> bool:
        """Whether a service has no endpoint in REGION: its host's name does not exist, EC2's does, and AWS lists none there.

        A network that is down, or a region that is newer than botocore, is not mistaken for a service that is not there.
        """
        partition = self.session.get_partition_for_region(region)
        listed = self.session.get_available_regions(service, partition_name=partition)
        if listed or self.session.get_available_regions(service):  # it knows of the service
            lacking = region not in listed
        else:
            lacking = not _NOT_IN.get(service, frozenset()).isdisjoint((partition, region))
        if not lacking or _resolves(host) is not False:
            return False
        suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        own = f"ec2.{region}.{suffix}"
        return host != own and _resolves(own) is True


_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))  # musl has one for both


def _resolves(host: str) -> bool | None:
    """Whether a name exists; ``None``: that cannot be told now (the name server is slow or refuses)."""
    try:
        socket.getaddrinfo(host, 443)
    except socket.gaierror as error:
        return False if error.errno in _NO_SUCH_NAME else None
    except OSError:
        return None
    return True


class AwsCaller:
    """Makes single calls in one account through botocore. Any thread may use it."""

    def __init__(self, clients: Clients, enabled_regions: frozenset[str] | None = None) -> None:
        """ENABLED_REGIONS: elsewhere credentials are not known, which then says nothing against them; ``None``: not known."""
        self._clients = clients
        self._enabled = enabled_regions

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Make one call and return its answer. Raises CallError; NotReadOnly when nobody declared the operation.

        Where the credentials were over before their time and new ones can be had, it is made once more with those.
        """
        renewable = self._clients.credentials
        generation = renewable.generation if renewable else 0
        try:
            return self._call(service, operation, params, region)
        except CallError as error:
            if error.code not in OVER or renewable is None or not renewable.renew(generation):
                raise
        return self._call(service, operation, params, region)

    def _call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        token = _region.set(region)
        try:
            method = self._clients.method(service, operation, region)
            try:
                parsed = method(**params)
            except (AttributeError, LookupError, TypeError) as error:  # botocore's parsers expect what AWS promises
                logger.debug("an answer of %s:%s was not understood", service, operation, exc_info=error)
                raise CallError(Fault.TRANSIENT, type(error).__name__, "the answer could not be understood") from error
        except (CallError, NotReadOnly):
            raise
        except Exception as error:
            raise self._call_error(error, service, region) from error
        finally:
            _region.reset(token)
        headers = parsed.pop("ResponseMetadata", {}).get("HTTPHeaders", {})
        return Answer(self._clients.secrets.hidden(service, operation, parsed), header_date(headers.get("date")))

    def _call_error(self, error: Exception, service: str, region: str) -> CallError:
        found = call_error(error)
        if found.fault is Fault.CREDENTIALS and self._enabled is not None and region not in self._enabled:
            return CallError(Fault.NOT_HERE, found.code, found.message)
        if isinstance(error, exceptions.EndpointConnectionError):
            host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname or ""
            if self._clients.is_absent(service, region, host):
                return CallError(Fault.NOT_HERE, "NoEndpoint", f"{host} does not exist")
        return found

    def operation(self, service: str, operation: str) -> Operation:
        """Return what the service model says of an operation. Raises CallError when there is no such operation."""
        return self._clients.operations.operation(service, operation)


def call_error(error: Exception) -> CallError:
    """Return what botocore raised as a CallError: its family, AWS's code (or the exception's name), a safe message."""
    page = _WEB_PAGE.search(str(error))
    if page is not None:
        # No API of AWS answers so: whatever this endpoint is (a simulated account's), it lacks the operation.
        return CallError(Fault.UNSUPPORTED, "NotImplemented", f"the endpoint answered with a web page: {page[1]}")
    if isinstance(error, exceptions.ClientError):
        details = error.response.get("Error", {})
        code = str(details.get("Code") or "Unknown")
        message = str(details.get("Message") or "")
        said = error.response.get("ResponseMetadata", {})
        status = int(said.get("HTTPStatusCode") or 0)
        date = said.get("HTTPHeaders", {}).get("date")
        return CallError(
            classify(code, status, message), scrub(code)[:100], scrub(message), header_date(date) if date else None
        )
    name = type(error).__name__
    if isinstance(error, ResponseParserError):  # its text holds a piece of the answer, and that can hold anything
        return CallError(Fault.TRANSIENT, name, "the answer could not be understood")
    if isinstance(error, exceptions.HTTPClientError) and isinstance(error.kwargs.get("error"), AnswerTooLong):
        return CallError(Fault.OTHER, "AnswerTooLong", str(error.kwargs["error"]))  # again would be as long
    message = scrub(str(error))
    if isinstance(error, NotImplementedError):
        return CallError(Fault.UNSUPPORTED, "NotImplemented", message)
    if isinstance(error, _SIGN_IN_ERRORS) or (isinstance(error, RuntimeError) and "still expired" in message):
        return CallError(Fault.CREDENTIALS, name, message)
    if isinstance(error, _NETWORK_ERRORS) or (isinstance(error, ValueError) and "Invalid endpoint" in message):
        return CallError(Fault.TRANSIENT, name, message)
    if isinstance(error, (exceptions.ParamValidationError, exceptions.MissingParametersError)):
        return CallError(Fault.PARAMETER, name, message)
    if isinstance(error, (exceptions.UnknownServiceError, AttributeError)):
        return CallError(Fault.UNSUPPORTED, name, message)
    logger.warning("unexpected error of a call", exc_info=error)
    return CallError(Fault.OTHER, name, message)


_SIGN_IN_ERRORS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.MetadataRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.NoAuthTokenError,
    exceptions.SSOError,
    exceptions.LoginError,
    exceptions.ProfileNotFound,
    exceptions.ConfigNotFound,
    exceptions.ConfigParseError,
    exceptions.InvalidConfigError,
    exceptions.UnknownCredentialError,
    exceptions.RefreshWithMFAUnsupportedError,
)
# What cannot be parsed was most likely cut off or mixed up on its way.
_NETWORK_ERRORS = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.ChecksumError,
    json.JSONDecodeError,
    UnicodeDecodeError,
    TimeoutError,
)
