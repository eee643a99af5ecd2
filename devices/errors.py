"""Errors of the devices room."""

from collections.abc import Sequence
from dataclasses import dataclass


class DevicesError(Exception):
    """Root of the room's errors."""


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """What is wrong in a file of the catalogue, and where."""

    file: str
    line: int
    where: str  # in a person's words: `metrics[0] (cabinet_temp_c)`
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: " + ": ".join(filter(None, (self.where, self.reason)))


class CatalogueError(DevicesError):
    """Rows of the catalogue that cannot be used; its text has a line for each."""

    def __init__(self, faults: Sequence[BadRow]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class UnknownDeviceError(DevicesError):
    def __init__(self, device_id: str) -> None:
        super().__init__(f"no device {device_id!r} is registered")
        self.device_id = device_id


class UnknownClassError(DevicesError):
    def __init__(self, class_id: str, known: list[str]) -> None:
        super().__init__(f"no appliance class {class_id!r}; there are: {', '.join(known)}")
        self.class_id, self.known = class_id, known


class BadIdError(DevicesError):
    def __init__(self, identifier: str) -> None:
        super().__init__(f"{identifier!r} cannot stand in a topic: use 1 to 64 of a-z A-Z 0-9 _ -")
        self.identifier = identifier


class DeviceTakenError(DevicesError):
    """The id or the serial is registered with other facts."""

    def __init__(self, device_id: str, field: str) -> None:
        super().__init__(f"device {device_id!r} is registered with another {field}")
        self.device_id, self.field = device_id, field


class GatewayError(DevicesError):
    """A device cannot stand behind that gateway: it would be a circle, or a second level."""

    def __init__(self, device_id: str, gateway_id: str, reason: str) -> None:
        super().__init__(f"{device_id!r} cannot stand behind {gateway_id!r}: {reason}")
        self.device_id, self.gateway_id, self.reason = device_id, gateway_id, reason
