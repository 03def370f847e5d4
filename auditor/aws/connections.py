"""Connections to AWS that all clients of an account share: the CA bundle is read once, and many regions keep theirs open.

Stock botocore reads a hundred certificates anew for every connection, and each client keeps connections to ten hosts
only: one that serves every region would connect anew for nearly every call. It also reads answers of any length into
memory. What is overridden here are private parts of botocore; where one is missing, or anything is unusual, a client
keeps its own connections, and a line in the log says so.
"""

import logging
import resource
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool
from botocore.httpsession import URLLib3Session, get_cert_path
from urllib3.util.ssl_ import ALPN_PROTOCOLS

__all__ = ["AnswerTooLong", "SharedConnections"]

logger = logging.getLogger(__name__)

_PRIVATE = ("_get_pool_manager_kwargs", "_get_ssl_context", "_setup_ssl_cert", "_get_proxy_manager")
_MOST_HOSTS = 512
_MOST_BYTES = 128 << 20
"""No answer is longer: a page of a thousand policies with all their versions has some 45 MB, all others far less."""
_STOCK: Any = URLLib3Session
_contexts: dict[tuple[str, int, int], ssl.SSLContext] = {}
_contexts_lock = threading.Lock()
_told: set[str] = set()


class SharedConnections:
    """The HTTP sessions of one account's clients: one for all that connect alike. ``share`` is to be called under a lock."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[Any, ...], _Session] = {}

    def share(self, client: Any) -> bool:
        """Give a botocore CLIENT, before its first call, the session that clients like it share; return whether it has it."""
        try:
            endpoint = client._endpoint  # noqa: SLF001
            own: Any = endpoint.http_session
            if type(own) is not _STOCK or client.meta.config.client_cert or own._verify is False:  # noqa: SLF001
                return False  # not the usual case: not ours to change
            endpoint.http_session = self._like(own, client.meta.config)
        except (AttributeError, LookupError, TypeError, ValueError, OSError) as error:
            fault = f"{type(error).__name__}: {error}"
            if fault not in _told:
                _told.add(fault)
                logger.warning("clients do not share their connections, which is slower: %s", fault)
            return False
        return True

    def _like(self, own: Any, config: Any) -> "_Session":
        for name in _PRIVATE:
            if not hasattr(URLLib3Session, name):
                raise AttributeError(f"botocore's HTTP session has no {name}")
        proxies, options = own._proxy_config._proxies, own._socket_options  # noqa: SLF001
        timeout, most = (config.connect_timeout, config.read_timeout), config.max_pool_connections
        context = _context(own, get_cert_path(own._verify))  # noqa: SLF001
        settings = (own._verify, proxies, config.proxies_config, options, timeout, most, id(context))  # noqa: SLF001
        key = tuple(repr(setting) for setting in settings)
        session = self._sessions.get(key)
        if session is None:
            session = _Session(
                context,
                verify=own._verify,  # noqa: SLF001
                proxies=proxies,
                timeout=timeout,
                max_pool_connections=most,
                socket_options=options,
                proxies_config=config.proxies_config,
            )
            if not session.took(context):
                raise LookupError("botocore's HTTP session did not take the context")
            self._sessions[key] = session
        return session


class AnswerTooLong(Exception):
    """An answer does not end where AWS's do; nothing of it is kept. botocore wraps it into its HTTPClientError."""


class _Limited:
    """A pool whose answers end, at the latest, after so many bytes: what sends more would fill this machine's memory."""

    def urlopen(self, *args: Any, **options: Any) -> Any:
        answer = super().urlopen(*args, **options)  # type: ignore[misc]
        stream = answer.stream

        def limited(*args: Any, **options: Any) -> Iterator[bytes]:
            length = 0
            for chunk in stream(*args, **options):
                length += len(chunk)
                if length > _MOST_BYTES:
                    answer.close()  # what is still to come is nobody's answer
                    raise AnswerTooLong(f"the answer has more than {_MOST_BYTES:,} bytes")
                yield chunk

        answer.stream = limited
        return answer


class _Pool(_Limited, AWSHTTPConnectionPool):
    pass


class _SecurePool(_Limited, AWSHTTPSConnectionPool):
    pass


class _Session(URLLib3Session):
    """botocore's HTTP session with a TLS context that knows its certificates already, for many hosts."""

    def __init__(self, context: ssl.SSLContext, **options: Any) -> None:
        self._context = context
        super().__init__(**options)
        manager: Any = vars(self)["_manager"]
        if not manager.pool_classes_by_scheme.keys() <= {"http", "https"}:
            raise LookupError("botocore's HTTP session has pools of another kind")
        self._pool_classes_by_scheme = manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def took(self, context: ssl.SSLContext) -> bool:
        """Whether connections will be made with CONTEXT."""
        manager: Any = vars(self)["_manager"]
        return manager.connection_pool_kw["ssl_context"] is context

    def _get_pool_manager_kwargs(self, **extra_kwargs: Any) -> dict[str, Any]:
        known: dict[str, Any] = super()._get_pool_manager_kwargs(**extra_kwargs)  # type: ignore[misc]
        return known | {"ssl_context": self._context, "num_pools": _most_hosts()}

    def _setup_ssl_cert(self, conn: Any, url: str, verify: Any) -> None:
        proxy = getattr(conn, "proxy", None)
        if url.lower().startswith("https") and (proxy is None or proxy.scheme != "https"):
            conn.cert_reqs = "CERT_REQUIRED"
            conn.ca_certs = None  # the context has them
        else:
            super()._setup_ssl_cert(conn, url, verify)  # type: ignore[misc]


def _most_hosts() -> int:
    """Return to how many hosts connections are kept: no more than the open files that this process may have bear."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_HOSTS if soft == resource.RLIM_INFINITY else max(10, min(_MOST_HOSTS, soft // 4))


def _context(own: Any, bundle: Any) -> ssl.SSLContext:
    """Return the process's TLS context that trusts BUNDLE; another one when the file has changed."""
    found = Path(bundle).stat()
    key = (bundle, found.st_mtime_ns, found.st_size)
    with _contexts_lock:
        context = _contexts.get(key)
        if context is None:
            made: ssl.SSLContext = own._get_ssl_context()  # noqa: SLF001
            made.load_verify_locations(bundle)
            made.set_alpn_protocols(ALPN_PROTOCOLS)
            # urllib3 sets them for every connection: on a context that other threads are using, what is set stays set.
            vars(made)["set_alpn_protocols"] = lambda _protocols: None
            context = _contexts[key] = made
        return context
