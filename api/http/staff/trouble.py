"""What is wrong with a device, for its page: open alerts and tickets first, what is over behind them."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from api.http.evidence import Reader
from api.http.house import House
from api.http.staff import lists
from devices.model import Device
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert, Condition
from ticketing.tickets import store as tickets
from ticketing.tickets.model import Ticket

LATEST = 20


@dataclass(frozen=True, kw_only=True)
class Trouble:
    active: list[Alert]
    cleared: list[Alert]
    open: list[Ticket]
    over: list[Ticket]


def of_device(conn: Connection[Any], device: Device) -> Trouble:
    """All that lasts, and of what is over the latest."""
    open_ones = tickets.open_of_device(conn, device.tenant_id, device.device_no)
    known = {ticket.ticket_id for ticket in open_ones}
    latest = tickets.listed(conn, LATEST, device_no=device.device_no)
    return Trouble(
        active=_alerts(conn, device, Condition.ACTIVE),
        cleared=_alerts(conn, device, Condition.CLEARED),
        open=open_ones,
        over=[ticket for ticket in latest if ticket.ticket_id not in known],
    )


def _alerts(conn: Connection[Any], device: Device, condition: Condition) -> list[Alert]:
    return alerts.listed(conn, LATEST, device_no=device.device_no, condition=condition)


def rows(conn: Connection[Any], house: House, found: Trouble, reader: Reader) -> dict[str, Any]:
    """What the template device_trouble.html shows."""
    language, zone = reader.language, reader.zone
    return {
        "active": lists.alert_rows(conn, house, language, found.active, zone),
        "cleared": lists.alert_rows(conn, house, language, found.cleared, zone),
        "open_tickets": lists.ticket_rows(conn, house, language, found.open),
        "over_tickets": lists.ticket_rows(conn, house, language, found.over),
    }


def version(conn: Connection[Any], device: Device) -> Hashable:
    """Another one where something else lasts."""
    active = _alerts(conn, device, Condition.ACTIVE)
    return (
        tuple((alert.alert_id, alert.engagement, alert.review) for alert in active),
        tuple(
            (ticket.ticket_id, ticket.version)
            for ticket in tickets.open_of_device(conn, device.tenant_id, device.device_no)
        ),
    )
