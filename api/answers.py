"""What devices said of their twins is taken in the log's order; what cannot be taken is set aside, the rest goes on."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection

from devices import store as devices
from devices.adjustables import FIRMWARE
from devices.model import Catalogue, Device
from devices.twin import orders, wishes
from devices.twin.model import Report, Result
from ingest.topics import About
from ingest.twin import store
from ingest.twin.model import Waiting

_log = structlog.get_logger("relay")


def take(conn: Connection[Any], catalogue: Catalogue, now: datetime, limit: int) -> list[str]:
    """What became of each: an outcome of RelayMeters. In the caller's transaction; again at once when `limit` came."""
    waiting = store.waiting(conn, limit)
    known = devices.find_devices_by_no(conn, [answer.device_no for answer in waiting])
    return [_take_or_set_aside(conn, answer, known[answer.device_no], catalogue, now) for answer in waiting]


def _take_or_set_aside(
    conn: Connection[Any], answer: Waiting, device: Device, catalogue: Catalogue, now: datetime
) -> str:
    error = None
    try:
        with conn.transaction():
            outcome = _take(conn, answer, device, catalogue, now)
    except psycopg.OperationalError:
        raise
    except Exception as failure:  # noqa: BLE001 - whatever it is, it must not stop the answers behind it
        outcome, error = "set_aside", f"{type(failure).__name__}: {failure}"[:1000]
        _log.warning("a device's answer cannot be taken", device=device.device_id, error=error)
    store.settle(conn, answer.answer_no, error)
    return outcome


def _take(conn: Connection[Any], answer: Waiting, device: Device, catalogue: Catalogue, now: datetime) -> str:
    body = answer.body
    if answer.about is About.REPORTED:
        state = {**body.get("state", {}), **({FIRMWARE: body["firmware"]} if "firmware" in body else {})}
        said = Report(version=body.get("version"), state=state)
        appliance = catalogue.get(device.class_id)
        wishes.take_report(conn, device, appliance, said, answer.received_at, now)
        return "reported"
    result = Result(command_id=UUID(body["id"]), ok=body["ok"], result=body.get("result"), error=body.get("error"))
    command = orders.take_result(conn, device, result, answer.received_at, now)
    if command is None:
        return "repeated"
    return "late" if command.late is not None else command.state.lower()
