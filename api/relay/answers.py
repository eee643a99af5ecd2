"""What devices said of their twins is taken in the log's order; what cannot be taken is set aside, the rest goes on."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection

from devices import settings
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
    groups: dict[Hashable, list[Waiting]] = defaultdict(list)
    for answer in waiting:  # a device that reports without end is one row, however often it does
        groups[answer.device_no if answer.about is About.REPORTED else (answer.answer_no,)].append(answer)
    outcomes = []
    for answers in groups.values():
        outcomes += _take_or_set_aside(conn, answers, known[answers[0].device_no], catalogue, now)
    return outcomes


def _take_or_set_aside(
    conn: Connection[Any], answers: Sequence[Waiting], device: Device, catalogue: Catalogue, now: datetime
) -> list[str]:
    try:
        with conn.transaction():
            outcome = _take(conn, answers, device, catalogue, now)
            store.drop(conn, answers)
    except psycopg.OperationalError:
        raise
    except Exception as failure:  # noqa: BLE001 - whatever it is, it must not stop the answers behind it
        if len(answers) > 1:
            return [each for one in answers for each in _take_or_set_aside(conn, [one], device, catalogue, now)]
        error = f"{type(failure).__name__}: {failure}"[:1000]
        _log.warning("a device's answer cannot be taken", device=device.device_id, error=error)
        store.set_aside(conn, answers[0], error)
        return ["set_aside"]
    return [outcome] * len(answers)


def _take(
    conn: Connection[Any], answers: Sequence[Waiting], device: Device, catalogue: Catalogue, now: datetime
) -> str:
    if answers[0].about is About.REPORTED:
        appliance = catalogue.get(device.class_id)
        of_model = settings.of(appliance, device.tenant_id, device.model) if appliance else None
        wishes.take_reports(conn, device, of_model, [(_report(each.body), each.received_at) for each in answers], now)
        return "reported"
    (answer,) = answers
    body = answer.body
    result = Result(command_id=UUID(body["id"]), ok=body["ok"], result=body.get("result"), error=body.get("error"))
    command = orders.take_result(conn, device, result, answer.received_at, now)
    if command is None:
        return "repeated"
    return "late" if command.late is not None else command.state.lower()


def _report(body: dict[str, Any]) -> Report:
    state = {**body.get("state", {}), **({FIRMWARE: body["firmware"]} if "firmware" in body else {})}
    return Report(version=body.get("version"), state=state)
