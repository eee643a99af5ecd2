"""A device is told to do something, by a program or on its page: one way in, and a repeat is not a second command."""

import hashlib
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.http.house import House
from api.http.rest.devices import Body
from devices import registry
from devices.twin import arguments, orders
from devices.twin.model import Command
from ledger import idempotency
from ledger.idempotency import StoredAnswer

HOUR_S = 3600

Name = Annotated[str, StringConstraints(max_length=arguments.NAME_CHARS)]
ExpiresS = Annotated[int, Field(ge=1, le=int(orders.LONGEST.total_seconds()))]


class CommandBody(Body):
    name: Name
    arguments: Annotated[dict[Name, Any], Field(default_factory=dict)]
    expires_s: ExpiresS = HOUR_S


def tell(house: House, device_id: str, said: CommandBody, key: str) -> StoredAnswer:
    """The same key and command again get the stored answer. Raises what ledger.idempotency.find, devices.registry.find
    and devices.twin.orders.queue raise."""
    tenant, key, now = house.settings.tenant, f"command:{key}", house.clock()
    digest = hashlib.sha256(orders.said([device_id, said.name, said.arguments, said.expires_s])).digest()
    with house.acting() as conn:
        stored = idempotency.find(conn, tenant, key, digest)
        if stored is None:
            device = registry.find(conn, tenant, device_id)
            expires_at = now + timedelta(seconds=said.expires_s)
            by = house.scope()
            queued = orders.queue(conn, device, said.name, said.arguments, expires_at=expires_at, by=by, now=now)
            stored = StoredAnswer(status=201, answer=command_json(queued))
            idempotency.keep(conn, tenant, key, digest, stored, now)
    return stored


def command_json(command: Command) -> dict[str, Any]:
    return {
        "id": str(command.command_id),
        "name": command.name,
        "arguments": command.arguments,
        "state": command.state,
        "queued_at": command.queued_at.isoformat(),
        "queued_by": command.queued_by,
        "expires_at": command.expires_at.isoformat(),
        "sends": command.sends,
        "sent_at": command.sent_at and command.sent_at.isoformat(),
        "over_at": command.over_at and command.over_at.isoformat(),
        "result": command.result,
        "error": command.error,
        "late": command.late,
    }
