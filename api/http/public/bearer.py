"""Whoever brings a token: what it shows, and nothing else."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection

from api.http.house import House
from api.http.problems import RefusedError, refuse
from devices import registry, settings
from devices.model import ApplianceClass, Customer, Device
from devices.people import households
from ledger import scope
from ledger.model import Scope
from ticketing.links import links
from ticketing.links.model import Link, Purpose
from ticketing.questions import local_time

FOLLOW_FOR = timedelta(days=90)  # a repair, and the weeks in which one looks back at it


def nothing_here() -> RefusedError:
    """The same answer for a token that is wrong, expired, or of another purpose: nothing is learned by trying."""
    return refuse(404, "not-found", "There is nothing here, or no longer.")


def too_many() -> RefusedError:
    return refuse(429, "too-many", "These were many requests within a short time; please wait a minute.")


def enter(conn: Connection[Any], house: House, token: str, purpose: Purpose) -> Link:
    """From here on the transaction sees what the link's recipient may see."""
    link = links.resolve(conn, token[:128], purpose, house.clock())
    if link is None:
        raise nothing_here()
    scope.enter(conn, Scope(tenant_id=link.tenant_id, actor=link.recipient))
    return link


@dataclass(frozen=True, kw_only=True)
class Owned:
    """An appliance with what a page needs to speak of it."""

    device: Device
    appliance: ApplianceClass
    customer: Customer | None

    @property
    def zone(self) -> ZoneInfo:
        return local_time.zone(self.customer.time_zone if self.customer else "UTC")

    @property
    def language(self) -> str | None:
        return self.customer.language if self.customer else None


def stay(conn: Connection[Any], link: Link, device_no: int) -> None:
    """Whoever had the device when the link was made, and has it no longer, finds nothing any more."""
    if not households.still_opens(conn, device_no, link.recipient, link.minted_at):
        raise nothing_here()


def owned(conn: Connection[Any], house: House, device_no: int) -> Owned:
    device = registry.by_no(conn, device_no)
    appliance = settings.of(house.catalogue[device.class_id], device.tenant_id, device.model)
    return Owned(device=device, appliance=appliance, customer=registry.customer_of(conn, device))


def follow_url(conn: Connection[Any], house: House, tenant_id: str, ticket_id: UUID, recipient: str) -> str:
    """A new link to the ticket's page, as a path: the token exists nowhere else."""
    token = links.mint(
        conn,
        tenant_id=tenant_id,
        purpose=Purpose.TICKET,
        subject_id=str(ticket_id),
        recipient=recipient,
        now=house.clock(),
        ttl=FOLLOW_FOR,
    )
    return f"/t/{token}"
