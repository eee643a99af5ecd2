"""The outbox goes out: signed, in order, again after a failure; a dead destination holds nobody else up."""

import email
import email.policy
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from api import post as posts
from api.post import Post
from devices.registry import Owner
from ledger import outbox
from ledger.model import Delivery, DeliveryState
from tests.ticketing.builders import CLASSES, DESK, Firm
from tests.ticketing.receivers import MailServer, mail_server, receiver
from ticketing.links import links
from ticketing.links.model import Purpose
from ticketing.notify import adapter_smtp, webhooks
from ticketing.notify.model import Mail
from ticketing.questions.model import QuestionState
from ticketing.tickets import desk
from ticketing.tickets.model import Note, TicketState


@dataclass
class Office:
    """The relay's delivering job, turned by hand."""

    firm: Firm
    post: Post
    conn: psycopg.Connection[Any]

    def turn_until(self, holds: Callable[[], bool]) -> None:
        for _ in range(200):
            self.post.turn(self.conn, 0.05)
            if holds():
                return

    def settle(self) -> None:
        """Send what is due now, and wait for all of it."""
        while self.post.turn(self.conn, 5) or self.post.on_the_way:
            pass

    def make_due(self) -> None:
        with self.firm.database.connect() as conn:
            conn.execute("UPDATE delivery SET next_at = now() - interval '1 s' WHERE state = 'PENDING'")


@contextmanager
def office(firm: Firm, **settings: Any) -> Iterator[Office]:
    firm.now = datetime.now(UTC)
    told = firm.database.settings(**{"webhook_allow_private": True, **settings})
    with ThreadPoolExecutor(posts.AT_ONCE) as hands, firm.database.connect("foremend_relay") as conn:
        yield Office(firm=firm, post=Post(settings=told, catalogue=CLASSES, hands=hands), conn=conn)


def subscribe(firm: Firm, url: str, *events: str) -> tuple[UUID, str]:
    with firm.api() as conn:
        return webhooks.subscribe(conn, url=url, events=events, by=DESK, now=firm.now)


def deliveries(firm: Firm, webhook_id: UUID) -> list[Delivery]:
    return firm.deliveries(f"webhook:{webhook_id}")


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
        relay.settle()
        (failed,) = deliveries(firm, webhook_id)
        assert (failed.state, failed.attempts, failed.last_error) == (DeliveryState.PENDING, 1, "HTTP 500")
        assert failed.next_at > datetime.now(UTC) + timedelta(seconds=3)
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


def test_a_subscriber_that_hangs_holds_nobody_else_up(firm: Firm) -> None:
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
    with receiver() as gone:
        url = gone.url
    with receiver() as well, office(firm) as relay:
        nobody, _ = subscribe(firm, url)
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
        assert dead.last_error == "refused: 127.0.0.1 is not a public address"


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


def test_without_smtp_settings_letters_wait_untouched_and_nothing_is_printed(
    firm: Firm, capfd: pytest.CaptureFixture[str]
) -> None:
    with office(firm) as relay:
        firm.question(firm.device())
        before = firm.deliveries("email")
        for _ in range(3):
            relay.post.turn(relay.conn, 0.05)
        assert firm.deliveries("email") == before
        assert [(letter.state, letter.attempts) for letter in before] == [(DeliveryState.PENDING, 0)]
        assert not relay.post.on_the_way
    assert capfd.readouterr() == ("", "")


def parse(raw: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def body_of(letter: email.message.EmailMessage) -> str:
    return str(letter.get_content())


def with_mail(server: MailServer) -> dict[str, Any]:
    return {"smtp_url": SecretStr(server.url), "smtp_from": "desk@example.org", "base_url": "https://house.example/"}


def test_the_customer_is_asked_by_a_letter_whose_link_leads_to_the_question(firm: Firm) -> None:
    with mail_server() as server, office(firm, **with_mail(server)) as relay:
        question = firm.question(firm.device())
        relay.settle()
        (raw,) = server.letters
    letter = parse(raw)
    assert (letter["To"], letter["From"]) == ("fridge-1@example.org", "desk@example.org")
    assert letter["Subject"] == "Your refrigerator may need help"
    assert "34" in body_of(letter)
    match = re.search(r"https://house\.example/q/(\S+)", body_of(letter))
    assert match
    with firm.database.connect("foremend_api", autocommit=False) as conn:
        link = links.resolve(conn, match[1], Purpose.QUESTION, firm.now)
    assert link is not None
    assert (link.subject_id, link.recipient) == (str(question.question_id), f"customer:{question.customer_id}")


def test_letters_speak_the_customers_language_and_lead_to_the_ticket(firm: Firm) -> None:
    owner = Owner(name="李雷", language="zh", time_zone="Asia/Shanghai", email="lilei@example.org")
    with mail_server() as server, office(firm, **with_mail(server)) as relay:
        ticket = firm.ticket(firm.device(owner=owner))
        relay.settle()
        letters = [parse(raw) for raw in server.letters]
    assert [str(letter["Content-Language"]) for letter in letters] == ["zh", "zh"]
    opened = next(letter for letter in letters if ticket.number in str(letter["Subject"]))
    assert re.search(r"https://house\.example/t/\S+", body_of(opened))


def test_a_withdrawn_question_and_a_visit_on_its_way_are_told_by_letter(firm: Firm) -> None:
    with mail_server() as server, office(firm, **with_mail(server)) as relay:
        device = firm.device()
        firm.question(device)
        firm.finding(device, "CLEARED")
        firm.take()
        firm.look()
        assert firm.questions()[0].state is QuestionState.WITHDRAWN
        ticket = firm.report(device).ticket
        with firm.api() as conn:
            moved = desk.move(
                conn,
                ticket_id=ticket.ticket_id,
                to=TicketState.DISPATCHED,
                actor="engineer:mei",
                reason=None,
                expected_version=1,
                now=firm.now,
            )
            desk.note(conn, moved.ticket_id, Note.EN_ROUTE, "engineer:mei", firm.now)
        relay.settle()
        subjects = [str(parse(raw)["Subject"]) for raw in server.letters]
    assert "Your refrigerator works as usual again" in subjects
    told = [subject for subject in subjects if ticket.number in subject]
    assert told == [
        f"Ticket {ticket.number}",
        f"Ticket {ticket.number}: Engineer accepted",
        f"Ticket {ticket.number}: Engineer on the way",
    ]


def test_a_customer_without_an_address_is_a_dead_letter(firm: Firm) -> None:
    with mail_server() as server, office(firm, **with_mail(server)) as relay:
        firm.question(firm.device(owner=Owner(name="Ann", phone="1")))
        relay.settle()
    (dead,) = firm.deliveries("email")
    assert (dead.state, dead.last_error) == (DeliveryState.DEAD, "the customer has no e-mail address")


MAIL = Mail(message_id="<1@foremend>", to="ann@example.org", subject="s", body="b", language="en")


def test_a_refused_recipient_is_final_a_busy_server_is_not() -> None:
    with mail_server() as server:
        server.recipient_answer = "550 nobody here"
        assert adapter_smtp.send(server.url, "desk@example.org", MAIL).final
        server.recipient_answer = "451 later"
        attempt = adapter_smtp.send(server.url, "desk@example.org", MAIL)
        assert (attempt.error, attempt.final) == ("SMTP 451 later", False)


def test_a_mail_server_that_is_not_there_is_tried_again() -> None:
    with mail_server() as server:
        url = server.url
    attempt = adapter_smtp.send(url, "desk@example.org", MAIL)
    assert "ConnectionRefusedError" in str(attempt.error)
    assert not attempt.final


def test_a_line_break_in_an_address_adds_no_header() -> None:
    with mail_server() as server:
        attempt = adapter_smtp.send(server.url, "desk@example.org", replace(MAIL, to="a@b.org\r\nBcc: c@d.org"))
        assert attempt.final
        assert server.letters == []
