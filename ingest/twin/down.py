"""What devices are told, as it goes down: pure. Who is connected to our broker hears it there, others by the bridge to
theirs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from ingest.twin.model import Down

DESIRED, COMMAND = "desired", "command"
KINDS = frozenset({DESIRED, COMMAND})  # what a bridge passes on
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def subject(tenant_id: str, device_id: str, kind: str) -> str:
    return f"fm.{tenant_id}.{device_id}.down.{kind}"


def desired(tenant_id: str, device_id: str, version: int, state: dict[str, Any]) -> Down:
    """To be retained: a device that was away hears it when it subscribes."""
    return Down(subject(tenant_id, device_id, DESIRED), orjson.dumps({"version": version, "state": state}))


def nothing(tenant_id: str, device_id: str) -> Down:
    """In MQTT an empty message takes away what is retained: of a device that is out of service."""
    return Down(subject(tenant_id, device_id, DESIRED), b"")


def command(
    tenant_id: str, device_id: str, command_id: UUID, name: str, arguments: dict[str, Any], expires_at: datetime
) -> Down:
    """Not to be kept by anybody: it is said again as long as it holds."""
    said = {
        "id": str(command_id),
        "name": name,
        "arguments": arguments,
        "expires_at": (expires_at - _EPOCH) // timedelta(milliseconds=1),
    }
    return Down(subject(tenant_id, device_id, COMMAND), orjson.dumps(said))
