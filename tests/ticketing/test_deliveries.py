"""The outbox goes out: signed, in order, again after a failure; a dead destination holds nobody else up."""

import threading
from datetime import UTC, datetime

import psycopg
import pytest
from standardwebhooks import Webhook

from api.engines.ports import free_port
from api.relay import post as posts
from ledger import outbox
from ledger.model import DeliveryState
from tests.ticketing.builders import DESK, Firm
from tests.ticketing.office import deliveries, office, subscribe
from tests.ticketing.receivers import receiver
from ticketing.notify import adapter_http, ladder, webhooks


def test_a_subscriber_gets_each_event_signed_and_in_order(firm: Firm) -> None:
    with receiver() as there, office(firm) as relay:
        _, secret = subscribe(firm, there.url)
        ticket = firm.ticket(firm.device())
        relay.settle()
        said = [Webhook(secret).verify(body, headers) for headers, body in there.got]
    kinds = [event["type"] for event in said]
    assert sorted(kinds) == sorted(
        f"foremend.{kind}"
        for kind in ("alert.raised", "question.asked", "ticket.opened", "ticket.proposed", "question.confirmed")
    )
    assert kinds.index("foremend.ticket.opened") < kinds.index("foremend.ticket.proposed")
    assert kinds.index("foremend.question.asked") < kinds.index("foremend.question.confirmed")
    assert {event["subject"] for event in said if event["type"].startswith("foremend.ticket.")} == {
        str(ticket.ticket_id)
    }
    assert there.got[0][0]["content-type"].startswith("application/cloudevents+json")
    assert {delivery.state for delivery in firm.deliveries("webhook")} == {DeliveryState.DELIVERED}


def test_a_subscriber_hears_only_what_it_asked_for(firm: Firm) -> None:
    with receiver() as there, office(firm) as relay:
        subscribe(firm, there.url, "ticket.opened")
        firm.ticket(firm.device())
        relay.settle()
        assert len(there.got) == 1


def test_after_a_failure_the_same_event_comes_again_under_the_same_id(firm: Firm) -> None:
    with receiver(500) as there, office(firm) as relay:
        webhook_id, secret = subscribe(firm, there.url, "ticket.opened")
        firm.ticket(firm.device())
        begun = datetime.now(UTC)
        relay.settle()
        (failed,) = deliveries(firm, webhook_id)
        assert (failed.state, failed.attempts, failed.last_error) == (DeliveryState.PENDING, 1, "HTTP 500")
        assert failed.next_at >= begun + ladder.FIRST
        relay.make_due()
        relay.settle()
        (arrived,) = deliveries(firm, webhook_id)
        assert (arrived.state, arrived.attempts, arrived.last_error) == (DeliveryState.DELIVERED, 2, None)
        first, second = there.got
        assert first[0]["webhook-id"] == second[0]["webhook-id"]
        assert first[1] == second[1]
        for headers, body in there.got:
            Webhook(secret).verify(body, headers)


def test_after_the_last_attempt_it_is_a_dead_letter_that_the_desk_sends_again(firm: Firm) -> None:
    with receiver(410) as there, office(firm) as relay:
        webhook_id, _ = subscribe(firm, there.url, "ticket.opened")
        firm.ticket(firm.device())
        relay.settle()
        (dead,) = deliveries(firm, webhook_id)
        assert (dead.state, dead.last_error) == (DeliveryState.DEAD, "HTTP 410")
        with firm.api() as conn:
            assert outbox.listed(conn, state=DeliveryState.DEAD) == [dead]
            assert outbox.replay(conn, dead.delivery_id, datetime.now(UTC))
            assert not outbox.replay(conn, dead.delivery_id, datetime.now(UTC))
        relay.settle()
        assert deliveries(firm, webhook_id)[0].state is DeliveryState.DELIVERED
        assert there.got[0][0]["webhook-id"] == there.got[1][0]["webhook-id"]


def test_a_redirect_is_a_failure_and_is_not_followed(firm: Firm) -> None:
    with receiver(302) as there, office(firm) as relay:
        webhook_id, _ = subscribe(firm, there.url, "ticket.opened")
        firm.ticket(firm.device())
        relay.settle()
        assert (len(there.got), deliveries(firm, webhook_id)[0].last_error) == (1, "HTTP 302")


def test_a_subscriber_that_hangs_holds_nobody_else_up(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not given up before the others have heard everything, however slow they are."""
    monkeypatch.setattr(adapter_http, "STEP_S", dict.fromkeys(adapter_http.STEP_S, 60.0))
    monkeypatch.setattr(adapter_http, "WHOLE_S", 60.0)
    release = threading.Event()
    with receiver(hold=release) as hangs, receiver() as well, office(firm) as relay:
        subscribe(firm, hangs.url)
        webhook_id, _ = subscribe(firm, well.url)
        firm.ticket(firm.device())
        expected = len(deliveries(firm, webhook_id))
        relay.turn_until(lambda: len(well.got) == expected)
        assert (len(well.got), len(hangs.got)) == (expected, 1)
        release.set()
        relay.settle()
        assert len(hangs.got) == expected


def test_a_subscriber_that_is_not_there_holds_nobody_else_up(firm: Firm) -> None:
    with receiver() as well, office(firm) as relay:
        nobody, _ = subscribe(firm, f"http://127.0.0.1:{free_port()}/hook")
        somebody, _ = subscribe(firm, well.url)
        firm.ticket(firm.device())
        relay.settle()
        assert {delivery.state for delivery in deliveries(firm, somebody)} == {DeliveryState.DELIVERED}
        waiting = deliveries(firm, nobody)
        assert {delivery.state for delivery in waiting} == {DeliveryState.PENDING}
        assert "ConnectError" in str(waiting[0].last_error)


def test_what_follows_in_a_lane_waits_for_its_head(firm: Firm) -> None:
    """`ticket.proposed` never overtakes `ticket.opened`, though it is due while that one backs off."""
    with receiver(503) as there, office(firm) as relay:
        subscribe(firm, there.url, "ticket.opened", "ticket.proposed")
        firm.ticket(firm.device())
        relay.settle()
        assert len(there.got) == 1
        relay.make_due()
        relay.settle()
        assert [b"ticket.opened" in body for _, body in there.got] == [True, True, False]


def test_a_private_address_is_refused_unless_the_settings_allow_it(firm: Firm) -> None:
    with receiver() as there, office(firm, webhook_allow_private=False) as relay:
        webhook_id, _ = subscribe(firm, there.url, "ticket.opened")
        firm.ticket(firm.device())
        relay.settle()
        (dead,) = deliveries(firm, webhook_id)
        assert (dead.state, there.got) == (DeliveryState.DEAD, [])
        assert dead.last_error == "NOT_PUBLIC 127.0.0.1"


def test_a_stopped_subscriber_hears_no_more(firm: Firm) -> None:
    with receiver() as there, office(firm) as relay:
        webhook_id, _ = subscribe(firm, there.url)
        firm.alert(firm.device())
        with firm.api() as conn:
            assert webhooks.set_active(conn, webhook_id, active=False, by=DESK, now=firm.now)
        firm.alert(firm.device("fridge-2"))
        relay.settle()
        assert [delivery.state for delivery in deliveries(firm, webhook_id)] == [DeliveryState.DEAD]
        assert there.got == []


def test_what_was_leased_by_a_relay_that_died_is_due_again_after_the_lease(firm: Firm) -> None:
    now = datetime.now(UTC)
    firm.now = now
    subscribe(firm, "http://127.0.0.1:9/", "alert.raised")
    firm.alert(firm.device())
    channels = ["webhook"]
    with firm.database.connect("foremend_relay") as conn:
        (taken,) = outbox.lease_due(conn, now, limit=9, lease=posts.LEASE, channels=channels)
        assert taken.attempts == 1
        assert outbox.lease_due(conn, now, limit=9, lease=posts.LEASE, channels=channels) == []
        (again,) = outbox.lease_due(conn, now + posts.LEASE, limit=9, lease=posts.LEASE, channels=channels)
        assert (again.delivery_id, again.attempts) == (taken.delivery_id, 2)


def test_secrets_are_neither_listed_nor_readable_by_pages(firm: Firm) -> None:
    _, secret = subscribe(firm, "https://example.org/hook")
    with firm.api() as conn:
        (listed,) = webhooks.listed(conn)
        assert secret not in repr(listed)
    with firm.api() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT secret FROM webhook")
    assert firm.count(f"event WHERE data::text LIKE '%{secret}%'") == 0
