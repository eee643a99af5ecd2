"""A device's life goes on: what the move itself changes, and who is not asked any more because of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.http.house import House
from devices import registry
from devices.lifecycle import moves, transitions
from devices.model import Device, DeviceState
from ticketing.questions import handover


@dataclass(frozen=True, kw_only=True)
class Move:
    """`customer_id`: who claims it, or whom it is resold to. `successor`: the device that takes over the label."""

    to: DeviceState
    expected_version: int | None
    customer_id: UUID | None = None
    successor: str | None = None
    reason: str = ""


def move(conn: Connection[Any], house: House, device: Device, said: Move) -> Device:
    """The device as it is then. Raises what devices.lifecycle.moves raises, ValueError for a move that lacks whom or
    what it is about."""
    moved = _moved(conn, house, device, said)
    if moved.state in transitions.OUT_OF_SERVICE or said.to is DeviceState.RESOLD:
        handover.end_questions(conn, moved, by=house.scope(), now=house.clock())
    return moved


def _moved(conn: Connection[Any], house: House, device: Device, said: Move) -> Device:
    by, now, seen = house.scope(), house.clock(), said.expected_version
    if said.to is DeviceState.CLAIMED:
        if said.customer_id is None:
            raise ValueError("customer")
        return moves.claim(conn, device, said.customer_id, by=by, now=now)
    if said.to is DeviceState.REPLACED:
        if said.successor is None:
            raise ValueError("successor")
        successor = registry.find(conn, device.tenant_id, said.successor)
        return moves.replace(conn, device, successor, by=by, now=now, expected_version=seen)[0]
    if said.to is DeviceState.RESOLD:
        return moves.resell(conn, device, to=said.customer_id, by=by, now=now, expected_version=seen)
    if said.to is DeviceState.RETIRED:
        return moves.retire(conn, device, by=by, now=now, reason=said.reason, expected_version=seen)
    return moves.activate(conn, device, by=by, now=now, expected_version=seen)
