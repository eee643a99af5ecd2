"""Rows of the staff's lists: what stands in the record, with the words beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from psycopg import Connection

from api.http import plain
from api.http.house import House
from api.http.staff import story
from api.texts import say, speaks
from devices import store as devices
from devices.model import ApplianceClass, Device
from ledger.model import Delivery, DeliveryState
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert
from ticketing.dispatch import store as dispatch
from ticketing.dispatch.model import Engineer
from ticketing.notify import webhooks
from ticketing.notify.model import Channel
from ticketing.questions.model import Code, Question
from ticketing.tickets.model import Ticket

STEP, MOST = 50, 1000
ZONE = ZoneInfo("UTC")  # of staff, until sign-in knows theirs


@dataclass(frozen=True, kw_only=True)
class Page:
    limit: int
    more: str | None = None
    first: str | None = None


def page(request: Request, limit: int, found: int) -> Page:
    """A list that was full may go on; the next page shows more of it, up to a bound."""
    if found < limit or limit >= MOST:
        return Page(limit=limit)
    return Page(limit=limit, more=str(request.url.include_query_params(limit=min(limit * 2, MOST))))


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    alert: Alert
    noticed: str
    waits: str  # what the asking gate waits for, in words
    safety: bool  # people or the house are in danger


@dataclass(frozen=True, kw_only=True)
class QuestionRow:
    question: Question
    noticed: str


@dataclass(frozen=True, kw_only=True)
class TicketRow:
    ticket: Ticket
    device: Device
    appliance: ApplianceClass
    family: str
    engineer: Engineer | None
    parts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    delivery: Delivery
    event: str
    by: str  # the channel, in words
    to: str  # whom it reaches; empty if that is not known any more
    waits_for_smtp: bool
    trouble: str


def _noticed(house: House, language: str, alert: Alert, device: Device, zone: ZoneInfo = ZONE) -> str:
    return plain.seen(language, alert, house.catalogue[device.class_id], house.clock(), zone)


def alert_rows(
    conn: Connection[Any], house: House, language: str, found: Sequence[Alert], zone: ZoneInfo = ZONE
) -> list[AlertRow]:
    known = devices.find_devices_by_no(conn, [alert.device_no for alert in found])
    return [
        AlertRow(
            alert=alert,
            noticed=_noticed(house, language, alert, known[alert.device_no], zone),
            waits=_waits(language, alert.waits_for or ""),
            safety=plain.is_safety(house.catalogue[known[alert.device_no].class_id], alert.family),
        )
        for alert in found
    ]


def _waits(language: str, codes: str) -> str:
    """Reason codes as words; an error that follows FAILED stays as it is."""
    first, _, rest = codes.partition(" ")
    if first == Code.FAILED:
        return say(language, "pair", what=say(language, "waits.FAILED"), value=rest[:120])
    return say(language, "comma").join(
        say(language, f"waits.{code}") for code in codes.split() if speaks(language, f"waits.{code}")
    )


def question_rows(conn: Connection[Any], house: House, language: str, found: Sequence[Question]) -> list[QuestionRow]:
    known = devices.find_devices_by_no(conn, [question.device_no for question in found])
    rows = []
    for question in found:
        alert = alerts.find(conn, question.alert_id)
        noticed = _noticed(house, language, alert, known[question.device_no]) if alert else ""
        rows.append(QuestionRow(question=question, noticed=noticed))
    return rows


def ticket_rows(conn: Connection[Any], house: House, language: str, found: Sequence[Ticket]) -> list[TicketRow]:
    known = devices.find_devices_by_no(conn, [ticket.device_no for ticket in found])
    engineers = {engineer.engineer_id: engineer for engineer in dispatch.engineers(conn, house.settings.tenant)}
    rows = []
    for ticket in found:
        device = known[ticket.device_no]
        appliance = house.catalogue[device.class_id]
        who = ticket.engineer_id or ticket.proposed_id
        rows.append(
            TicketRow(
                ticket=ticket,
                device=device,
                appliance=appliance,
                family=plain.family_word(language, appliance, ticket.family),
                engineer=engineers.get(who) if who else None,
                parts=parts(language, appliance, ticket.family),
            )
        )
    return rows


def parts(language: str, appliance: ApplianceClass, family_id: str) -> tuple[str, ...]:
    """Which parts to bring for this fault, most likely first."""
    family = next((family for family in appliance.families if family.family_id == family_id), None)
    return tuple(part[language] for part in family.parts) if family else ()


def delivery_rows(conn: Connection[Any], house: House, language: str, found: Sequence[Delivery]) -> list[DeliveryRow]:
    urls = {str(webhook.webhook_id): webhook.url for webhook in webhooks.listed(conn, MOST)}
    to = {row.destination: _reached(conn, urls, row) for row in found}
    no_smtp = house.settings.smtp_url is None
    rows = []
    for delivery in found:
        channel = delivery.destination.partition(":")[0]
        rows.append(
            DeliveryRow(
                delivery=delivery,
                event=story.word(language, delivery.event.kind),
                by=say(language, f"channel.{channel}"),
                to=to[delivery.destination],
                waits_for_smtp=no_smtp and channel == Channel.EMAIL and delivery.state is DeliveryState.PENDING,
                trouble=_trouble(language, delivery.last_error or ""),
            )
        )
    return rows


def _trouble(language: str, error: str) -> str:
    """Why it has not arrived, in words; what broke on our side, or was written by an earlier version, as it stands."""
    word, _, about = error.partition(" ")
    known = f"undelivered.{word}"
    return say(language, known, about=about) if speaks(language, known) else error


def _reached(conn: Connection[Any], urls: dict[str, str], delivery: Delivery) -> str:
    channel, _, name = delivery.destination.partition(":")
    if channel == Channel.WEBHOOK:
        return urls.get(name, "")
    customer = devices.find_customer(conn, delivery.tenant_id, UUID(name))
    return customer.name if customer else ""
