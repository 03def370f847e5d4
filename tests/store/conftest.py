"""An empty store and an account that was never scanned, on both databases."""

from collections.abc import Iterator

import pytest
from store.nights import Nights

from auditor.store import Store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Yield an empty store, once on each database."""
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture
def nights(store: Store) -> Nights:
    """Return an account that has not been scanned yet."""
    return Nights(store)
