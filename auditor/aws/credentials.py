"""Credentials that can be had anew when AWS says that they are over before their time."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials

__all__ = ["RenewableCredentials", "RenewableProvider"]

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN = 30.0
"""New ones are not asked for more often: what is over at once again will be over the next time, too."""


class RenewableCredentials:
    """Hands out what a credential chain gives, and runs the chain again when told that this is over.

    botocore refreshes assumed roles, SSO and instance roles by their expiry date. A session can end before that: it was
    revoked, or this machine's clock is behind. Then the whole chain is run once more, so that files that somebody else
    renews are read again, too.
    """

    def __init__(self, chain: Callable[[], Credentials], clock: Callable[[], float] = time.monotonic) -> None:
        """CHAIN makes credentials from scratch; it raises when there are none."""
        self._chain = chain
        self._clock = clock
        self._lock = threading.Lock()
        self._inner = chain()
        self._renewed_at: float | None = None
        self.generation = 0
        """How often they have been had anew."""
        self.method = self._inner.method

    def renew(self, generation: int) -> bool:
        """Get new ones in place of those of GENERATION; whether there are others now than those which are over."""
        with self._lock:
            if self.generation != generation:
                return True  # another thread was faster
            now = self._clock()
            if self._renewed_at is not None and now - self._renewed_at < _SECONDS_BETWEEN:
                return False
            self._renewed_at = now
            try:
                before = self._inner.get_frozen_credentials()
                inner = self._chain()
                after = inner.get_frozen_credentials()
            except Exception as error:  # noqa: BLE001  (whatever the chain meets: then they cannot be had anew)
                logger.warning("the credentials are over, and new ones cannot be had: %s", error)
                return False
            if (after.access_key, after.token) == (before.access_key, before.token):
                return False
            self._inner, self.generation = inner, generation + 1
        logger.info("the credentials were over before their time; new ones are used from now on")
        return True

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return key, secret and token that belong together."""
        return self._inner.get_frozen_credentials()

    def get_deferred_property(self, property_name: str) -> Callable[[], Any]:
        """Return what botocore asks when it needs one part of them."""
        return lambda: getattr(self._inner, property_name, None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # access_key, secret_key, token, account_id


class RenewableProvider(CredentialProvider):
    """The only link of a session's credential chain: what CHAIN gives, renewable."""

    METHOD = "renewable"
    CANONICAL_NAME = "AuditorRenewable"

    def __init__(self, session: botocore.session.Session, chain: Callable[[], Credentials | None]) -> None:
        super().__init__(session)
        self._chain = chain
        self._credentials: RenewableCredentials | None = None

    @property
    def generation(self) -> int:
        """How often the credentials have been had anew."""
        return self._credentials.generation if self._credentials else 0

    def renew(self, generation: int) -> bool:
        """Get new credentials in place of those of GENERATION; whether there are others now than those which are over."""
        return self._credentials is not None and self._credentials.renew(generation)

    def load(self) -> Any:
        """Return the credentials (RenewableCredentials); ``None`` when the chain has none."""
        first = self._chain()
        if first is None:
            return None
        made = [first]

        def chain() -> Credentials:
            found = made.pop() if made else self._chain()
            if found is None:
                raise LookupError("the credential chain gives none any more")
            return found

        self._credentials = RenewableCredentials(chain)
        return self._credentials
