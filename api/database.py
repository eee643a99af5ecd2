"""Connections and transactions: opened here, on the roof, and handed down."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool

from api.settings import Settings
from ledger import scope
from ledger.model import Scope

Role = Literal["foremend_api", "foremend_worker", "foremend_relay"]


def conninfo(settings: Settings, role: Role) -> str:
    """Where the database is, for this role; times come back in UTC."""
    known = {"user": role, "application_name": role, "options": "-c timezone=UTC"}
    if settings.db_password is not None:
        known["password"] = settings.db_password.get_secret_value()
    return make_conninfo(settings.dsn, **known)


def connect(settings: Settings, role: Role, **options: Any) -> Connection[Any]:
    return psycopg.connect(conninfo(settings, role), **options)


def pool(settings: Settings, role: Role, max_size: int = 8) -> ConnectionPool[Connection[Any]]:
    """Open from the start and filled in the background; the caller closes it."""
    return ConnectionPool(conninfo(settings, role), min_size=1, max_size=max_size, open=True, name=role)


@contextmanager
def transaction(connections: ConnectionPool[Connection[Any]], who: Scope) -> Iterator[Connection[Any]]:
    """One transaction in which only `who`'s tenant exists; committed at the end, rolled back by an error."""
    with connections.connection() as conn, conn.transaction():
        scope.enter(conn, who)
        yield conn
