"""Takes in what collectors read, page by page, and closes scopes.

Pages are made ready by the thread that brings them; one lock keeps what waits, and the thread that finds enough of it
writes it in one short transaction. (A lock, not a writer thread: an error reaches the caller it belongs to, and a slow disk
slows the readers down instead of filling the memory.) A process that is killed loses what waits, and the scopes it had not
closed: they have no coverage row, so nothing of theirs ends, and the next scan reads them again. A transaction that fails
changes nothing, on disk or in memory; what waits goes with the next one.
"""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, insert, select

from auditor.errors import StoreError
from auditor.model import Coverage, Resource, Scan, Scope
from auditor.store.codec import Packer
from auditor.store.database import Database, Unavailable
from auditor.store.ingest import Ingest, Read, ScopeState, read
from auditor.store.scans import Overtaken, may_write
from auditor.store.schema import resources, scopes

__all__ = ["ScopeWriter"]

_ROWS = 4000
_BYTES = 4_000_000
"""So much waits in memory at most; resources with metrics are large."""
_SECONDS = 1.0


class ScopeWriter:
    """A scan's way into the store; a context manager that writes the rest at its end. Any thread may call it."""

    def __init__(self, database: Database, scan: Scan) -> None:
        self._database = database
        self._scan = scan
        self._lock = threading.Lock()
        self._packer = Packer()
        self._waiting: dict[Scope, tuple[list[Read], list[Coverage]]] = {}
        self._rows = self._bytes = 0
        self._doubtful = False
        self._written = time.monotonic()
        self._scopes: dict[Scope, int] | None = None
        self._populated: frozenset[int] = frozenset()
        self._open: dict[Scope, ScopeState] = {}
        self._closed: set[Scope] = set()
        self._doubtful = False
        """Whether a transaction was lost on its way, so that nobody knows whether it was committed."""

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str] = frozenset()) -> None:
        """Take one page of a scope; ``volatile`` names the top-level fields that change by themselves."""
        ready = [read(resource, volatile) for resource in page]
        with self._lock:
            self._wait(scope)[0].extend(ready)
            self._rows += len(ready)
            self._bytes += sum(item.size for item in ready)
            self._write_if_due()

    def close(self, coverage: Coverage) -> None:
        """End a scope. Read completely (or not offered): what was not seen is gone. Otherwise nothing is.

        ``coverage.resources`` is counted here; the number given is not looked at.
        """
        with self._lock:
            self._wait(coverage.scope)[1].append(coverage)
            self._closed.add(coverage.scope)
            self._rows += 1
            self._write_if_due()

    def tick(self) -> None:
        """Write what has waited for long enough: nothing may come for a while, and a process can be killed meanwhile."""
        with self._lock:
            if time.monotonic() - self._written >= _SECONDS:
                self._write()

    def flush(self) -> None:
        """Write what is held back."""
        with self._lock:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    def _wait(self, scope: Scope) -> tuple[list[Read], list[Coverage]]:
        if scope in self._closed:
            where = f"{scope.type} in {scope.account} {scope.region}"
            raise StoreError(f"{where} was closed in scan {self._scan.id} already: nothing can be added")
        if scope.account != self._scan.account:
            raise StoreError(f"scan {self._scan.id} is of account {self._scan.account}, not of {scope.account}")
        return self._waiting.setdefault(scope, ([], []))

    def _write_if_due(self) -> None:
        if self._rows >= _ROWS or self._bytes >= _BYTES or time.monotonic() - self._written >= _SECONDS:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            self._database.patiently(self._write_once)

    def _write_once(self) -> None:
        try:
            with self._database.writing(self._scan.account) as connection:
                may_write(connection, self._scan)
                if self._doubtful:
                    self._scopes = None
                ids = self._scope_ids(connection)
                ingest = Ingest(self._database, connection, self._scan, self._packer)
                if self._doubtful:
                    ingest.forget({ids[scope]: self._pages(scope) for scope in self._waiting})
                states = {scope: self._state(ingest, scope, ids[scope]) for scope in self._waiting}
                ingest.reserve((states[scope], page) for scope, (page, _) in self._waiting.items())
                for scope, (page, ends) in self._waiting.items():
                    ingest.take(states[scope], scope, page, ends[0] if ends else None)
                ingest.write()
        except BaseException as error:
            self._packer.forget()
            self._doubtful = self._doubtful or isinstance(error, Unavailable)
            if isinstance(error, Overtaken):
                self._waiting.clear()  # no later attempt can succeed
                self._rows = self._bytes = 0
            raise
        ingest.remember()
        self._scopes = ids
        self._open |= states
        for scope, (_, ends) in self._waiting.items():
            if ends:
                del self._open[scope]
        self._waiting.clear()
        self._rows = self._bytes = 0
        self._written = time.monotonic()

    def _pages(self, scope: Scope) -> int:
        return self._open[scope].pages if scope in self._open else 0

    def _state(self, ingest: Ingest, scope: Scope, scope_id: int) -> ScopeState:
        """What is known of the scope: from memory, or from the store (again, if memory may be behind it)."""
        held = self._open.get(scope)
        if held is not None and not self._doubtful:
            return held
        state = ingest.load(scope_id) if scope_id in self._populated else ScopeState(scope_id)
        if held is not None:
            state.known.saw(state.known.rows(held.known.seen()))
            state.pages = held.pages
        return state

    def _scope_ids(self, connection: Connection) -> dict[Scope, int]:
        """The numbers of all scopes of the account, those that wait among them."""
        if self._scopes is None:
            ours = scopes.c.account == self._scan.account
            rows = connection.execute(select(scopes).where(ours))
            known = {Scope(row.account, row.region, row.type): row.id for row in rows}
            held = select(resources.c.scope_id).join(scopes, scopes.c.id == resources.c.scope_id).where(ours).distinct()
            # Nobody else writes to this account, so a scope that is empty now is filled by this writer only.
            self._populated = frozenset(connection.scalars(held))
        else:
            known = dict(self._scopes)
        missing = [scope for scope in self._waiting if scope not in known]
        for scope, number in zip(missing, self._database.allocate(connection, scopes, len(missing)), strict=True):
            known[scope] = number
        if missing:
            connection.execute(insert(scopes), [{"id": known[scope], **scope._asdict()} for scope in missing])
        return known
