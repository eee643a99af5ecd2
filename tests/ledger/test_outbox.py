"""The log is append-only and keeps its order; the outbox leases, settles, and sends again what a person replays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ledger import log, outbox, scope
from ledger.ids import made_at, uuid7
from ledger.model import Delivery, DeliveryState, Event, Scope
from tests.conftest import Database

NOW = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=60)
Conn = psycopg.Connection[Any]


@pytest.fixture
def conn(database: Database) -> Iterator[Conn]:
    with database.connect("foremend_relay") as connection:
        yield connection


def record(conn: Conn, *destinations: str, subject: str = "ticket-1", kind: str = "ticket.opened") -> Event:
    return log.note(conn, kind, subject, Scope(tenant_id="demo", actor="staff:desk"), NOW, destinations=destinations)


def lease(conn: Conn, **more: Any) -> list[Delivery]:
    said: dict[str, Any] = {"limit": 10, "lease": LEASE, "channels": ["webhook"]}
    return outbox.lease_due(conn, more.pop("now", NOW), **{**said, **more})


def test_events_of_one_moment_are_read_back_in_the_order_in_which_they_happened(conn: Conn) -> None:
    kinds = [f"ticket.step{i}" for i in range(50)]
    for kind in kinds:
        record(conn, kind=kind)
    assert [event.kind for event in outbox.history(conn, "ticket-1")] == kinds


def test_ids_carry_their_moment_and_sort_by_it() -> None:
    ids = [uuid7(NOW + timedelta(microseconds=500 * i)) for i in range(200)]
    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert made_at(ids[0]) == NOW.replace(microsecond=123000)
    assert len({uuid7(NOW) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("role", ["foremend_owner", "postgres"])
@pytest.mark.parametrize("statement", ["UPDATE event SET kind = 'x'", "DELETE FROM event"])
def test_the_log_is_append_only_for_everybody(conn: Conn, database: Database, role: str, statement: str) -> None:
    record(conn)
    with database.connect(autocommit=False) as other:
        other.execute(f"SET ROLE {role}".encode())
        scope.enter(other, Scope(tenant_id="demo", actor="x"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(statement.encode())


def test_one_tenant_does_not_see_the_others_log(conn: Conn, database: Database) -> None:
    record(conn, "webhook:1")
    with database.connect("foremend_api", autocommit=False) as other:
        scope.enter(other, Scope(tenant_id="other", actor="x"))
        assert (outbox.history(other, "ticket-1"), outbox.listed(other)) == ([], [])


def test_what_is_leased_is_nobody_elses_until_the_lease_ends(conn: Conn) -> None:
    record(conn, "webhook:1")
    assert [one.attempts for one in lease(conn)] == [1]
    assert lease(conn, now=NOW + LEASE - timedelta(seconds=1)) == []
    assert [one.attempts for one in lease(conn, now=NOW + LEASE)] == [2]


def test_two_relays_at_once_never_lease_the_same(conn: Conn, database: Database) -> None:
    record(conn, "webhook:1")
    with database.connect("foremend_relay") as other, conn.transaction():
        assert len(lease(conn)) == 1
        assert lease(other) == []


def test_one_delivery_a_destination_is_leased_and_none_to_a_busy_one(conn: Conn) -> None:
    for subject in ("ticket-1", "ticket-2"):
        record(conn, "webhook:1", "webhook:2", "webhook:3", subject=subject)
    taken = lease(conn, busy=["webhook:3"])
    assert [(one.destination, one.lane) for one in taken] == [("webhook:1", "ticket-1"), ("webhook:2", "ticket-1")]


def test_a_channel_that_does_not_work_is_not_touched(conn: Conn) -> None:
    record(conn, "email:1")
    assert lease(conn) == []
    (waiting,) = outbox.listed(conn)
    assert (waiting.attempts, waiting.next_at) == (0, NOW)
    assert len(lease(conn, channels=["email", "webhook"])) == 1


def test_a_lane_keeps_its_order_a_dead_head_lets_the_next_one_go(conn: Conn) -> None:
    first, second = record(conn, "webhook:1"), record(conn, "webhook:1", kind="ticket.dispatched")
    (head,) = lease(conn)
    assert head.event == first
    later = NOW + timedelta(hours=1)
    outbox.settle(conn, head.delivery_id, DeliveryState.PENDING, now=NOW, next_at=later, error="HTTP 500")
    assert lease(conn, now=later - timedelta(seconds=1)) == []
    outbox.settle(conn, head.delivery_id, DeliveryState.DEAD, now=NOW, next_at=later, error="HTTP 500")
    assert [one.event for one in lease(conn, now=later)] == [second]


def test_what_arrived_stays_so_whatever_a_slower_relay_says(conn: Conn) -> None:
    record(conn, "webhook:1")
    (one,) = lease(conn)
    outbox.settle(conn, one.delivery_id, DeliveryState.DELIVERED, now=NOW, next_at=NOW, error=None)
    outbox.settle(conn, one.delivery_id, DeliveryState.PENDING, now=NOW, next_at=NOW, error="too late")
    (settled,) = outbox.listed(conn)
    assert (settled.state, settled.last_error) == (DeliveryState.DELIVERED, None)
    assert not outbox.replay(conn, one.delivery_id, NOW)


def test_a_dead_letter_starts_again_from_the_first_attempt(conn: Conn) -> None:
    record(conn, "webhook:1")
    (one,) = lease(conn)
    outbox.settle(conn, one.delivery_id, DeliveryState.DEAD, now=NOW, next_at=NOW, error="HTTP 410")
    assert lease(conn, now=NOW + timedelta(days=1)) == []
    with conn.transaction():
        scope.enter(conn, Scope(tenant_id="demo", actor="staff:desk"))
        assert outbox.replay(conn, one.delivery_id, NOW)
    (line,) = outbox.history(conn, str(one.delivery_id))
    assert (line.kind, line.actor) == ("delivery.replayed", "staff:desk")
    assert [(again.delivery_id, again.attempts) for again in lease(conn)] == [(one.delivery_id, 1)]


def test_the_next_due_delivery_is_found_by_index(conn: Conn, database: Database) -> None:
    with database.connect() as other:
        other.execute("SET enable_seqscan = off")
        rows = other.execute(
            "EXPLAIN SELECT 1 FROM delivery due WHERE due.state = 'PENDING' AND due.next_at <= now()"
            " AND split_part(due.destination, ':', 1) = ANY(ARRAY['webhook'])"
            " AND NOT EXISTS (SELECT 1 FROM delivery earlier WHERE earlier.lane = due.lane"
            " AND earlier.destination = due.destination AND earlier.state = 'PENDING'"
            " AND earlier.position < due.position)"
        )
        plan = "\n".join(row[0] for row in rows)
    assert "delivery_due" in plan
    assert "delivery_lane" in plan
