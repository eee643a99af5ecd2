"""The relay's delivering job, turned by hand, and who it delivers to."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg

from api.relay import post as posts
from api.relay.post import Post
from ledger.model import Delivery
from tests.processes import wait_for
from tests.ticketing.builders import CLASSES, DESK, Firm
from ticketing.notify import ladder, webhooks


@dataclass
class Office:
    firm: Firm
    post: Post
    conn: psycopg.Connection[Any]

    def turn_until(self, holds: Callable[[], bool]) -> None:
        wait_for(lambda: self.post.turn(self.conn, 0.05) is not None and holds())

    def settle(self) -> None:
        """Send what is due now, and wait for all of it."""
        while self.post.turn(self.conn, 5) or self.post.on_the_way:
            pass

    def make_due(self) -> None:
        with self.firm.database.connect() as conn:
            conn.execute("UPDATE delivery SET next_at = now() - interval '1 s' WHERE state = 'PENDING'")


@contextmanager
def office(firm: Firm, **settings: Any) -> Iterator[Office]:
    """What failed is due again when a test says so (`make_due`), however long it takes itself."""
    firm.now = datetime.now(UTC)
    told = firm.database.settings(**{"webhook_allow_private": True, **settings})
    with (
        patch.object(ladder, "FIRST", timedelta(minutes=10)),
        ThreadPoolExecutor(posts.AT_ONCE) as hands,
        firm.database.connect("foremend_relay") as conn,
    ):
        yield Office(firm=firm, post=Post(settings=told, catalogue=CLASSES, hands=hands), conn=conn)


def subscribe(firm: Firm, url: str, *events: str) -> tuple[UUID, str]:
    with firm.api() as conn:
        return webhooks.subscribe(conn, url=url, events=events, by=DESK, now=firm.now)


def deliveries(firm: Firm, webhook_id: UUID) -> list[Delivery]:
    return firm.deliveries(f"webhook:{webhook_id}")
