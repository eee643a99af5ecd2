"""What a customer reads by e-mail: the event in the customer's language, with a link that is minted for this letter."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.http import plain
from api.settings import Settings
from api.texts import say
from devices import store as devices
from devices.model import Catalogue, Customer
from devices.people import households
from ledger.model import Delivery
from ticketing.alerts import store as alerts
from ticketing.errors import NotFoundError
from ticketing.links import links
from ticketing.links.model import APPLIANCE_FOR, TOLD_FOR, Purpose
from ticketing.notify.model import Mail
from ticketing.questions import store as questions
from ticketing.questions.local_time import zone
from ticketing.tickets import store as tickets

_FOLLOW_FOR = timedelta(days=90)  # a repair with its parts on order, and time to look back
_SITE = {Purpose.QUESTION: "q", Purpose.TICKET: "t", Purpose.APPLIANCE: "m"}


class NoPartError(Exception):
    """Whoever was to be told has no part in the device any more."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One delivery to one customer, about to be written."""

    delivery: Delivery
    customer: Customer
    settings: Settings
    catalogue: Catalogue
    now: datetime

    def write(self, conn: Connection[Any]) -> Mail:
        """Raises NotFoundError for a subject that is not there, NoPartError after the device has changed hands."""
        assert self.customer.email is not None
        kind, _, _ = self.delivery.event.kind.partition(".")
        group, values = {"question": self._question, "device": self._device}.get(kind, self._ticket)(conn)
        language = self.customer.language
        return Mail(
            message_id=f"<{self.delivery.event.event_id}@foremend>",
            to=self.customer.email,
            subject=say(language, f"mail.{group}.subject", **values),
            body=say(language, f"mail.{group}.body", **values),
            language=language,
        )

    def _question(self, conn: Connection[Any]) -> tuple[str, dict[str, object]]:
        question = questions.find(conn, UUID(self.delivery.event.subject_id))
        alert = alerts.find(conn, question.alert_id) if question else None
        device = devices.find_device_by_no(conn, question.device_no) if question else None
        if question is None or alert is None or device is None:
            raise NotFoundError("question", self.delivery.event.subject_id)
        self._refuse_strangers(conn, question.device_no)
        appliance, language = self.catalogue[device.class_id], self.customer.language
        word = plain.appliance_word(language, appliance)
        if self.delivery.event.kind == "question.withdrawn":
            return "withdrawn", {"appliance": word}
        noticed = plain.noticed(language, alert, appliance, self.now, zone(self.customer.time_zone))
        link = self._link(conn, Purpose.QUESTION, max(question.expires_at - self.now, timedelta()) + TOLD_FOR)
        return "question", {"appliance": word, "noticed": noticed, "link": link}

    def _device(self, conn: Connection[Any]) -> tuple[str, dict[str, object]]:
        """It became his, or somebody else tried to claim it: told to whoever owns it still."""
        device = devices.find_device(conn, self.delivery.tenant_id, self.delivery.event.subject_id)
        if device is None or device.customer_id != self.customer.customer_id:
            raise NotFoundError("device", self.delivery.event.subject_id)
        word = plain.appliance_word(self.customer.language, self.catalogue[device.class_id])
        told: dict[str, object] = {"appliance": word, "model": device.model}
        if self.delivery.event.kind == "device.claim_refused":
            return "claim_refused", told
        return "claimed", {**told, "link": self._link(conn, Purpose.APPLIANCE, APPLIANCE_FOR, str(device.device_no))}

    def _ticket(self, conn: Connection[Any]) -> tuple[str, dict[str, object]]:
        ticket = tickets.find(conn, UUID(self.delivery.event.subject_id))
        if ticket is None:
            raise NotFoundError("ticket", self.delivery.event.subject_id)
        self._refuse_strangers(conn, ticket.device_no)
        what = say(self.customer.language, f"event.{self.delivery.event.kind}")
        link = self._link(conn, Purpose.TICKET, _FOLLOW_FOR)
        group = "ticket" if self.delivery.event.kind == "ticket.opened" else "progress"
        return group, {"number": ticket.number, "what": what, "link": link}

    def _refuse_strangers(self, conn: Connection[Any], device_no: int) -> None:
        """A letter may have waited for a mail server while the device was sold."""
        if households.role_of(conn, device_no, self.customer.customer_id) is None:
            raise NoPartError

    def _link(self, conn: Connection[Any], purpose: Purpose, ttl: timedelta, subject_id: str | None = None) -> str:
        token = links.mint(
            conn,
            tenant_id=self.delivery.tenant_id,
            purpose=purpose,
            subject_id=subject_id or self.delivery.event.subject_id,
            recipient=f"customer:{self.customer.customer_id}",
            now=self.now,
            ttl=ttl,
        )
        return f"{self.settings.base_url.rstrip('/')}/{_SITE[purpose]}/{token}"
