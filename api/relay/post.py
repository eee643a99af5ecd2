"""The outbox goes out: leased in a transaction, sent outside of it, settled in another; nobody waits for a dead one."""

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection

from api.relay.letters import Letter, NoPartError
from api.settings import Settings
from devices import store as devices
from devices.model import Catalogue
from ledger import outbox
from ledger.model import Delivery, DeliveryState
from ticketing.notify import adapter_http, adapter_smtp, ladder, webhooks
from ticketing.notify.envelope import envelope
from ticketing.notify.model import Attempt, Channel, Trouble

AT_ONCE = 8  # one a destination, so this many destinations
LEASE = timedelta(seconds=60)  # longer than any attempt's timeouts together
_log = structlog.get_logger("relay")

Send = Callable[[], Attempt]


@dataclass(kw_only=True)
class Post:
    """One relay's share of the outbox. `on_the_way` has at most one delivery a destination."""

    settings: Settings
    catalogue: Catalogue
    hands: ThreadPoolExecutor
    on_the_way: dict[str, tuple[Delivery, Future[Attempt]]] = field(default_factory=dict)

    def turn(self, conn: Connection[Any], patience_s: float) -> int:
        """Send what is due, wait a moment, settle what came back; how many did."""
        for delivery, send in self._lease(conn, datetime.now(UTC)):
            self.on_the_way[delivery.destination] = (delivery, self.hands.submit(send))
        wait([future for _, future in self.on_the_way.values()], timeout=patience_s, return_when="FIRST_COMPLETED")
        return self.settle(conn, datetime.now(UTC))

    def finish(self, conn: Connection[Any]) -> None:
        """What is on the way when we stop is waited for, as long as an attempt may take; a lease covers the rest."""
        wait([future for _, future in self.on_the_way.values()], timeout=LEASE.total_seconds() / 2)
        self.settle(conn, datetime.now(UTC))

    def settle(self, conn: Connection[Any], now: datetime) -> int:
        back = [(delivery, future) for delivery, future in self.on_the_way.values() if future.done()]
        for delivery, future in back:
            attempt = _outcome(future)
            rung = ladder.after(attempt, delivery.attempts, now, random.random())  # noqa: S311 - spreads, hides nothing
            with conn.transaction():
                outbox.settle(conn, delivery.delivery_id, rung.state, now=now, next_at=rung.next_at, error=rung.error)
            del self.on_the_way[delivery.destination]
            _tell(delivery, rung)
        return len(back)

    def _channels(self) -> list[str]:
        """Without SMTP settings letters are not even leased: they wait, untouched."""
        return [Channel.WEBHOOK, Channel.EMAIL] if self.settings.smtp_url else [Channel.WEBHOOK]

    def _lease(self, conn: Connection[Any], now: datetime) -> list[tuple[Delivery, Send]]:
        free = AT_ONCE - len(self.on_the_way)
        if free == 0:
            return []
        with conn.transaction():
            due = outbox.lease_due(
                conn, now, limit=free, lease=LEASE, channels=self._channels(), busy=list(self.on_the_way)
            )
            return [(delivery, self._prepare(conn, delivery, now)) for delivery in due]

    def _prepare(self, conn: Connection[Any], delivery: Delivery, now: datetime) -> Send:
        """Everything that needs the database is read here; what is returned only talks to the outside."""
        channel, _, name = delivery.destination.partition(":")
        prepare = self._letter if channel == Channel.EMAIL else self._call
        try:
            with conn.transaction():
                return prepare(conn, delivery, UUID(name), now)
        except psycopg.OperationalError:
            raise
        except Exception as failure:  # noqa: BLE001 - one that cannot be written must not stop the others
            broken = Attempt(error=f"{type(failure).__name__}: {failure}"[:300])
            return lambda: broken

    def _call(self, conn: Connection[Any], delivery: Delivery, webhook_id: UUID, now: datetime) -> Send:
        endpoint = webhooks.endpoint(conn, delivery.tenant_id, webhook_id)
        if endpoint is None or not endpoint.active:
            return _never(Trouble.STOPPED)
        signed = envelope(delivery.event, endpoint.secret, now)
        return partial(adapter_http.post, endpoint.url, signed, allow_private=self.settings.webhook_allow_private)

    def _letter(self, conn: Connection[Any], delivery: Delivery, customer_id: UUID, now: datetime) -> Send:
        customer = devices.find_customer(conn, delivery.tenant_id, customer_id)
        if customer is None or not customer.email:
            return _never(Trouble.NO_ADDRESS)
        letter = Letter(delivery=delivery, customer=customer, settings=self.settings, catalogue=self.catalogue, now=now)
        assert self.settings.smtp_url is not None
        url = self.settings.smtp_url.get_secret_value()
        try:
            mail = letter.write(conn)
        except NoPartError:
            return _never(Trouble.NO_PART)
        return partial(adapter_smtp.send, url, self.settings.smtp_from, mail)


def _never(trouble: Trouble) -> Send:
    return lambda: Attempt.failed(trouble, final=True)


def _outcome(future: Future[Attempt]) -> Attempt:
    """An adapter that raises has a bug; the delivery shows it and is tried again."""
    failure = future.exception()
    return future.result() if failure is None else Attempt(error=f"{type(failure).__name__}: {failure}"[:300])


def _tell(delivery: Delivery, rung: ladder.Rung) -> None:
    if rung.state is DeliveryState.DELIVERED:
        return
    _log.warning(
        "not delivered",
        destination=delivery.destination,
        kind=delivery.event.kind,
        attempts=delivery.attempts,
        state=rung.state,
        error=rung.error,
    )
