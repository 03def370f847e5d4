"""Who we are and where we may look: credentials, the account behind them, its regions, and the caller that reads them."""

import re
import threading
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

import botocore.session
from botocore import exceptions, handlers
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader

from auditor.aws import whole
from auditor.aws.answer import Answer, Caller, CallError, Fault
from auditor.aws.clients import AwsCaller, Clients
from auditor.aws.credentials import RenewableProvider
from auditor.aws.fast import parser_factory
from auditor.aws.guard import Guard
from auditor.aws.limits import Limiter
from auditor.aws.models import SlimLoader
from auditor.aws.partitions import home_region, partition_of
from auditor.aws.patient import PatientCaller
from auditor.aws.recording import Masked, RecordingCaller
from auditor.aws.signin import no_profile, sign_in_error
from auditor.aws.tape import TapeWriter
from auditor.aws.wire import blob_text, utc_text
from auditor.errors import CredentialsError, Interrupted

__all__ = ["Connection", "Identity", "OperationName", "connect"]

_SESSION_NAME = "aws-account-auditor"
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:\d{12}:[ -~]+")
_REGION = re.compile(r"[a-z]{2,8}(?:-[a-z]{2,16})+-\d{1,2}")
_NOT_AWS = "what AWS_ENDPOINT_URL, a proxy or a tape leads to is not AWS"
_loaders: list[SlimLoader] = []
_loaders_lock = threading.Lock()


class OperationName(Protocol):
    """Anything that names an operation: a Call of a collector."""

    @property
    def service(self) -> str:
        """boto3's name of the service."""

    @property
    def operation(self) -> str:
        """The operation's name, ``DescribeDBInstances``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials these are."""

    account: str
    partition: str
    """``aws``, ``aws-cn`` or ``aws-us-gov``."""
    arn: str


class Connection:
    """Access to one account. Create it with ``connect``."""

    def __init__(
        self,
        session: botocore.session.Session,
        region: str,
        profile: str,
        role_arn: str,
        account: str = "",
        limiter: Limiter | None = None,
        credentials: RenewableProvider | None = None,
    ) -> None:
        self.clients = Clients(session, region, credentials)
        """Its clients: made when first needed."""
        self.limiter = limiter or Limiter()
        """The account's limits, for all who call in it."""
        self._account = account
        self._region = region
        self._profile = profile
        self._role = role_arn
        self._enabled: frozenset[str] | None = None
        self._tape: tuple[TapeWriter, Masked | None] | None = None
        self._stop: threading.Event | None = None
        self._deadline: float | None = None

    @property
    def region(self) -> str:
        """The region that questions about the account itself are sent to."""
        return self._region

    def identify(self) -> Identity:
        """Ask STS whose credentials these are. Raises CredentialsError, in one line that says what to do.

        So it does for another account than the one that was wanted.
        """
        caller = self._ask("sts", "GetCallerIdentity").parsed
        arn, account = str(caller.get("Arn")), str(caller.get("Account"))
        if not (_ARN.fullmatch(arn) and _ACCOUNT.fullmatch(account)):
            raise CredentialsError(f"sts:GetCallerIdentity was answered with no account: {_NOT_AWS}")
        if self._account not in ("", account):
            raise CredentialsError(
                f"these credentials are of account {account}, and account {self._account} was to be read: "
                "mend the profile or role, or the account's id"
            )
        return Identity(account, arn.split(":")[1], arn)

    def enabled_regions(self) -> tuple[str, ...]:
        """Return the regions the account can use (opted in, or no opt-in needed), sorted. Raises CredentialsError."""
        regions: Any = self._ask("ec2", "DescribeRegions").parsed.get("Regions")
        usable = ("opt-in-not-required", "opted-in")
        try:
            names = sorted(region["RegionName"] for region in regions if region.get("OptInStatus", usable[0]) in usable)
        except (AttributeError, LookupError, TypeError):
            names = []
        if not names or not all(isinstance(name, str) and _REGION.fullmatch(name) for name in names):
            raise CredentialsError(f"ec2:DescribeRegions was answered with no regions: {_NOT_AWS}")
        self._enabled = frozenset(names)
        return tuple(names)

    def caller(self) -> Caller:
        """Return what makes the calls: thread-safe, one client per service for all regions, read-only by the guard."""
        return self._taped(AwsCaller(self.clients, self._enabled))

    def asking(self) -> Caller:
        """Return what asks about the account itself: it takes a credential that is not known for just that."""
        return self._taped(AwsCaller(self.clients))

    def rest(self) -> None:
        """Let go of the clients and their connections until somebody calls again; not while calls are under way."""
        self.clients.let_go()

    def now(self) -> datetime:
        """Return the account's time, UTC: that of the answers it gives."""
        return datetime.now(UTC)

    def record(self, tape: TapeWriter, mask: Masked | None = None) -> None:
        """Keep every answer from now on on TAPE; MASK replaces in a line what says whose account it is."""
        self._tape = (tape, mask)

    def heed(self, stop: threading.Event, seconds: float) -> None:
        """Let no single call begin or be waited for once STOP is set or so many seconds from now are over."""
        self._stop, self._deadline = stop, self.limiter.clock() + seconds

    def _taped(self, caller: Caller) -> Caller:
        return RecordingCaller(caller, *self._tape) if self._tape else caller

    def patient(self) -> PatientCaller:
        """Return what makes single calls for whoever waits for the answer, by the account's limits, trying again."""
        return self._patiently(self.caller())

    def _patiently(self, caller: Caller) -> PatientCaller:
        return PatientCaller(caller, self.limiter, stop=self._stop, deadline=self._deadline)

    def _ask(self, service: str, operation: str) -> Answer:
        try:
            return self._patiently(self.asking()).call(service, operation, {}, self._region)
        except CallError as error:
            if error.fault is Fault.INTERRUPTED:
                raise Interrupted("interrupted before anything was read") from error
            raise sign_in_error(error, f"{service}:{operation}", self._profile, self._role) from error


def connect(
    operations: Iterable[OperationName],
    *,
    profile: str = "",
    role_arn: str = "",
    external_id: str = "",
    via_role_arn: str = "",
    via_external_id: str = "",
    account: str = "",
    regions: Sequence[str] = (),
    region: str = "",
    limiter: Limiter | None = None,
) -> Connection:
    """Open access by boto3's own credential chain, then through ROLE_ARN if one is given. Makes no call yet.

    VIA_ROLE_ARN is assumed before ROLE_ARN. ACCOUNT: the id it must lead to. REGIONS are those that will be read: with the
    role they tell the partition, where the configured region lies in another. LIMITER: the account's limits, if they are
    not to be the usual ones. OPERATIONS are all that may ever be sent through it (and the few that finding out who we are
    needs). AWS_ENDPOINT_URL is honoured. Raises CredentialsError for a profile that does not exist, NotReadOnly for an
    operation that is none.
    """
    guard = Guard((call.service, call.operation) for call in operations)
    try:
        session = _session(guard, profile)
        session.get_scoped_config()  # a profile that does not exist, or a broken file, shows here at the latest
        configured = session.get_config_variable("region")
    except exceptions.ProfileNotFound as error:
        known = botocore.session.Session().available_profiles
        raise no_profile(str(error.kwargs.get("profile", profile)), known) from error
    except (exceptions.ConfigParseError, exceptions.ConfigNotFound) as error:
        raise CredentialsError(f"{error}: mend the AWS configuration file") from error
    home = region or _home(configured or "us-east-1", role_arn or via_role_arn, regions)

    def chain() -> Credentials | None:
        last = _session(guard, profile)
        for arn, id in ((via_role_arn, via_external_id), (role_arn, external_id)):
            if arn:
                source, last = last, _session(guard, profile)
                assume = _AssumedRole(source, arn, id, home)
                last.register_component("credential_provider", CredentialResolver([assume]))
        return last.get_credentials()

    renewable = RenewableProvider(session, chain)
    session.register_component("credential_provider", CredentialResolver([renewable]))
    return Connection(session, home, profile, role_arn or via_role_arn, account, limiter, renewable)


def _home(configured: str, role_arn: str, regions: Sequence[str]) -> str:
    """Return the region to ask about the account: the CONFIGURED one, unless it lies in another partition than the account."""
    partition = role_arn.split(":")[1] if role_arn else partition_of(regions[0]) if regions else ""
    if partition in ("", partition_of(configured)):
        return configured
    return regions[0] if regions and partition_of(regions[0]) == partition else home_region(partition)


def _session(guard: Guard, profile: str) -> botocore.session.Session:
    hooks: Any = copy(_hooks(tuple(handlers.BUILTIN_HANDLERS)))
    session = botocore.session.Session(event_hooks=hooks, include_builtin_handlers=False, profile=profile or None)
    session.register_component("data_loader", _loader(guard))
    guard.watch(session)
    whole.watch(session)
    session.register_component("response_parser_factory", parser_factory(utc_text, blob_text))
    return session


@lru_cache(maxsize=1)
def _hooks(builtin: tuple[Any, ...]) -> HierarchicalEmitter:
    """Return what a session with the handlers that are BUILTIN into botocore has, without those that write its manuals.

    Registering them is a fifth of what one account more costs, and every client copies all of them.
    """
    hooks = HierarchicalEmitter()
    events = botocore.session.Session(event_hooks=hooks, include_builtin_handlers=False).get_component("event_emitter")
    ways = {handlers.REGISTER_FIRST: events.register_first, handlers.REGISTER_LAST: events.register_last}
    for name, handler, *way in builtin:
        if not name.startswith("docs."):
            ways[way[0]](name, handler) if way else events.register(name, handler)
    return hooks


def _loader(guard: Guard) -> SlimLoader:
    """Return the one loader of service models that all accounts share: read once, it keeps them.

    It reads botocore's own files alone. A model in ~/.aws/models or below AWS_DATA_PATH could make a declared operation,
    which the guard knows by its name, into any request: a list into a deletion.
    """
    with _loaders_lock:
        if not _loaders:
            _loaders.append(
                SlimLoader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
            )
    _loaders[0].need(guard.operations)
    return _loaders[0]


class _AssumedRole(CredentialProvider):
    """A link of botocore's credential chain: assumes a role with another session's credentials, again when they run out."""

    METHOD = "assume-role"
    CANONICAL_NAME = "AuditorAssumeRole"

    def __init__(self, source: botocore.session.Session, role_arn: str, external_id: str, region: str) -> None:
        super().__init__(source)
        self._source = source
        self._role = role_arn
        self._extra = {"RoleSessionName": _SESSION_NAME} | ({"ExternalId": external_id} if external_id else {})
        self._region = region

    def load(self) -> DeferredRefreshableCredentials:
        credentials = self._source.get_credentials()
        if credentials is None:
            raise exceptions.NoCredentialsError

        def client(service: str, **options: Any) -> Any:
            return self._source.create_client(service, **(options | {"region_name": self._region}))

        fetcher = AssumeRoleCredentialFetcher(client, credentials, self._role, extra_args=self._extra)
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)
