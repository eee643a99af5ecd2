"""Letters: in the customer's language, with a link that leads where it should; without a server they wait."""

import email
import email.policy
import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from api.engines.ports import free_port
from devices.registry import Owner
from ledger.model import DeliveryState
from tests.ticketing.builders import Firm
from tests.ticketing.office import office
from tests.ticketing.receivers import MailServer, mail_server
from ticketing.links import links
from ticketing.links.model import Purpose
from ticketing.notify import adapter_smtp
from ticketing.notify.model import Mail
from ticketing.questions.model import QuestionState
from ticketing.tickets import desk
from ticketing.tickets.model import Note, TicketState


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
        firm.engineer()
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
    assert (dead.state, dead.last_error) == (DeliveryState.DEAD, "NO_ADDRESS")


MAIL = Mail(message_id="<1@foremend>", to="ann@example.org", subject="s", body="b", language="en")


def test_a_refused_recipient_is_final_a_busy_server_is_not() -> None:
    with mail_server() as server:
        server.recipient_answer = "550 nobody here"
        assert adapter_smtp.send(server.url, "desk@example.org", MAIL).final
        server.recipient_answer = "451 later"
        attempt = adapter_smtp.send(server.url, "desk@example.org", MAIL)
        assert (attempt.error, attempt.final) == ("SMTP 451 later", False)


def test_a_mail_server_that_is_not_there_is_tried_again() -> None:
    attempt = adapter_smtp.send(f"smtp://127.0.0.1:{free_port()}", "desk@example.org", MAIL)
    assert "ConnectionRefusedError" in str(attempt.error)
    assert not attempt.final


def test_a_line_break_in_an_address_adds_no_header() -> None:
    with mail_server() as server:
        attempt = adapter_smtp.send(server.url, "desk@example.org", replace(MAIL, to="a@b.org\r\nBcc: c@d.org"))
        assert attempt.final
        assert server.letters == []
