"""The cache of price answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from auditor.store.codec import Packer, Unpacker, dumps
from auditor.store.database import Database
from auditor.store.records import CachedPrice
from auditor.store.schema import prices

__all__ = ["find", "save"]


def find(database: Database, key: str) -> CachedPrice | None:
    """The answer kept under KEY."""
    with database.reading() as connection:
        row = connection.execute(select(prices).where(prices.c.key == key)).one_or_none()
        if row is None:
            return None
        return CachedPrice(key, Unpacker(connection).unpack(row.codec, row.body), row.fetched_at, row.published)


def save(database: Database, key: str, body: Mapping[str, Any], fetched_at: datetime, published: str) -> None:
    """Keep an answer in place of the one before."""
    with database.writing() as connection:
        ((codec, packed),) = Packer().pack(connection, "price", [dumps(body)])
        values = {"fetched_at": fetched_at, "published": published, "codec": codec, "body": packed}
        new = database.upsert(prices).values(key=key, **values)
        connection.execute(new.on_conflict_do_update(index_elements=["key"], set_=values))
