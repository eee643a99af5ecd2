"""Words of the twin: desired and reported state with their versions, a device's answers, commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from devices.adjustables import FIRMWARE

Value = float | int | str | bool
State = Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class Twin:
    """`version` counts the desired states; `reported_version` is the one that the device has last said it took.
    `say_at`: when the desired one is said, the next time; None: the device has it, or is told nothing any more."""

    device_no: int
    tenant_id: str
    desired: State = field(default_factory=dict)
    version: int = 0
    desired_at: datetime | None = None
    desired_by: str | None = None
    reported: State = field(default_factory=dict)
    reported_version: int = 0
    reported_at: datetime | None = None
    firmware_at: datetime | None = None  # since when it says that it has this one
    say_at: datetime | None = None
    says: int = 0  # of this version
    said_at: datetime | None = None
    error: str | None = None  # of the last try to say it

    @property
    def firmware(self) -> str | None:
        said = self.reported.get(FIRMWARE)
        return None if said is None else str(said)

    @property
    def lag(self) -> int:
        """Versions that the device has not taken and is still told."""
        return 0 if self.say_at is None else max(0, self.version - self.reported_version)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A setting that the device says it has otherwise, or says nothing of (`reported` is None)."""

    name: str
    desired: Value
    reported: Value | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a device says of itself: all of its settings or some. `version`: the desired one that it has taken."""

    version: int | None
    state: Mapping[str, Value | None]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a device says of a command."""

    command_id: UUID
    ok: bool
    result: Any = None
    error: str | None = None


class CommandState(StrEnum):
    QUEUED = "QUEUED"  # the device has not been told
    SENT = "SENT"  # it has been told while it was there, and may be told again
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True)
class Command:
    """Something that a device is told to do before `expires_at`. `late`: what it said when that was over."""

    command_id: UUID
    device_no: int
    tenant_id: str
    name: str
    arguments: dict[str, Any]
    state: CommandState
    queued_at: datetime
    queued_by: str
    expires_at: datetime
    sends: int = 0
    sent_at: datetime | None = None
    over_at: datetime | None = None
    result: Any = None
    error: str | None = None
    late: dict[str, Any] | None = None
