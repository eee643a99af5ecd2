"""Mint a link, and read one that somebody brings."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from ledger import scope
from ledger.statements import Statements
from ticketing.links.model import Link, Purpose

KEPT = timedelta(days=30)  # beyond its expiry: whoever asks why one opens nothing is asking by then
_sql = Statements("ticketing.links")


def mint(
    conn: Connection[Any],
    *,
    tenant_id: str,
    purpose: Purpose,
    subject_id: str,
    recipient: str,
    now: datetime,
    ttl: timedelta,
) -> str:
    """The token, which exists nowhere else: 256 random bits, URL-safe."""
    token = secrets.token_urlsafe(32)
    conn.execute(
        _sql.store_link,
        {
            "token_sha256": sha256(token.encode()).hexdigest(),
            "tenant_id": tenant_id,
            "purpose": purpose,
            "subject_id": subject_id,
            "recipient": recipient,
            "now": now,
            "expires_at": now + ttl,
        },
    )
    return token


def resolve(conn: Connection[Any], token: str, purpose: Purpose, now: datetime) -> Link | None:
    """Whose link this is, or None: unknown, expired, or made for another purpose. Call before a scope is entered."""
    digest = sha256(token.encode()).digest()
    scope.show_token(conn, digest)
    with conn.cursor(row_factory=class_row(Link)) as cur:
        names = {"token_sha256": digest.hex(), "purpose": purpose, "now": now}
        return cur.execute(_sql.find_link, names).fetchone()


def forget(conn: Connection[Any], now: datetime, limit: int) -> int:
    """Links that expired long ago, at most `limit`: how many."""
    return conn.execute(_sql.forget_links, {"before": now - KEPT, "limit": limit}).rowcount
