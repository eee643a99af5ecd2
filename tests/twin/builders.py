"""Twins, commands and messages with defaults, so that a test shows only what matters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from devices import catalogue
from devices.adjustables import Adjustable, Kind
from devices.model import ApplianceClass
from devices.twin.model import Command, CommandState, Twin

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ID = UUID("01900000-0000-7000-8000-000000000001")


def a_class(**more: Any) -> ApplianceClass:
    """A refrigerator of 2 to 8 °C with a switch."""
    rows = (Adjustable(name="eco", title={"en": "Thrift", "zh": "节能"}, kind=Kind.SWITCH),)
    return replace(catalogue.load()["refrigerator"], adjustables=rows, **more)


def a_twin(**facts: Any) -> Twin:
    return Twin(**{"device_no": 1, "tenant_id": "demo", **facts})


def a_command(**facts: Any) -> Command:
    said: dict[str, Any] = {
        "command_id": ID,
        "device_no": 1,
        "tenant_id": "demo",
        "name": "ping",
        "arguments": {},
        "state": CommandState.QUEUED,
        "queued_at": NOW,
        "queued_by": "staff:desk",
        "expires_at": NOW + timedelta(hours=1),
    }
    return Command(**{**said, **facts})
