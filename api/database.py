"""Connections and transactions: opened here, on the roof, and handed down."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from api.patience import Patient
from api.settings import Settings
from ledger import scope
from ledger.model import Scope

Role = Literal["foremend_api", "foremend_worker", "foremend_relay"]


# Whom the kernel can no longer reach, it gives up within half a minute on either side; a DSN may say otherwise.
_REACH = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # ms
}
_ASKED_OF_SERVER = {
    "timezone": "UTC",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25s",
    "client_connection_check_interval": "10s",  # a statement that nobody waits for any more ends
}
_PAGE_PATIENCE_S = 10.0  # a person or a program waits for the answer
_POOL_PATIENCE_S = 5.0


def conninfo(settings: Settings, role: Role) -> str:
    """Where the database is, for this role; times come back in UTC. Who is silent in the midst of a transaction for
    longer than our own patience is sent away, and holds up nobody."""
    asked = _ASKED_OF_SERVER | {"idle_in_transaction_session_timeout": f"{_patience_s(settings, role) * 1000:.0f}ms"}
    options = " ".join(f"-c {name}={value}" for name, value in asked.items())
    known = {"user": role, "application_name": role, "options": options}
    if settings.db_password is not None:
        known["password"] = settings.db_password.get_secret_value()
    return make_conninfo("", **(_REACH | conninfo_to_dict(settings.dsn) | known))


def _patience_s(settings: Settings, role: Role) -> float:
    return min(settings.db_patience_s, _PAGE_PATIENCE_S) if role == "foremend_api" else settings.db_patience_s


def connect(settings: Settings, role: Role, *, stop: threading.Event | None = None, **options: Any) -> Connection[Any]:
    """`stop`: what ends this process also ends its waiting for an answer."""
    conn = Patient.connect(conninfo(settings, role), **options)
    conn.patience_s, conn.stop = _patience_s(settings, role), stop
    return conn


def pool(settings: Settings, role: Role, max_size: int = 8) -> ConnectionPool[Connection[Any]]:
    """Open from the start and filled in the background; the caller closes it. While the database is away, whoever
    asks hears so soon, and has it tried again."""

    patience_s = min(_POOL_PATIENCE_S, settings.db_patience_s)

    def patient(conn: Connection[Any]) -> None:
        assert isinstance(conn, Patient)
        conn.patience_s = _patience_s(settings, role)

    return ConnectionPool(
        conninfo(settings, role),
        connection_class=Patient,
        configure=patient,
        min_size=1,
        max_size=max_size,
        timeout=patience_s,
        # Each failed attempt waits twice as long for the next, and nobody else tries meanwhile: after a longer outage
        # the pool would stay empty for up to a minute.
        reconnect_timeout=patience_s,
        open=True,
        name=role,
    )


@contextmanager
def transaction(connections: ConnectionPool[Connection[Any]], who: Scope) -> Iterator[Connection[Any]]:
    """One transaction in which only `who`'s tenant exists; committed at the end, rolled back by an error."""
    with connections.connection() as conn, conn.transaction():
        scope.enter(conn, who)
        yield conn
