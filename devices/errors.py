"""Errors of the devices room."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


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
        super().__init__(f"no device {device_id!r} is registered: look for its id in the list, or register it")
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
    """The id is registered with other facts."""

    def __init__(self, device_id: str, field: str) -> None:
        super().__init__(f"device {device_id!r} is registered with another {field}; if that is wrong there, correct it")
        self.device_id, self.field = device_id, field


class SerialTakenError(DevicesError):
    """One serial of a model is one device."""

    def __init__(self, device_id: str, model: str, serial: str) -> None:
        super().__init__(f"{device_id!r} cannot be {model} {serial}: another device is; look for that serial")
        self.device_id, self.model, self.serial = device_id, model, serial


class NotBehind(StrEnum):
    """Why a device may not stand behind a gateway."""

    ITSELF = "ITSELF"
    SECOND_LEVEL = "SECOND_LEVEL"  # that one stands behind a gateway itself
    GATEWAY = "GATEWAY"  # others stand behind the device


_NOT_BEHIND = {
    NotBehind.ITSELF: "it would stand behind itself",
    NotBehind.SECOND_LEVEL: "that one stands behind a gateway itself",
    NotBehind.GATEWAY: "it is a gateway itself",
}


class GatewayError(DevicesError):
    """A device cannot stand behind that gateway: it would be a circle, or a second level."""

    def __init__(self, device_id: str, gateway_id: str, because: NotBehind) -> None:
        super().__init__(f"{device_id!r} cannot stand behind {gateway_id!r}: {_NOT_BEHIND[because]}")
        self.device_id, self.gateway_id, self.because = device_id, gateway_id, because


class DeviceTransitionError(DevicesError):
    """A device's life does not go that way; `allowed` says which ways it can go."""

    def __init__(self, device_id: str, state: str, to: str, allowed: tuple[str, ...]) -> None:
        ways = ", ".join(allowed) or "nothing"
        super().__init__(f"device {device_id!r} is {state} and cannot become {to}; allowed: {ways}")
        self.device_id, self.state, self.to, self.allowed = device_id, state, to, allowed


class DeviceOwnedError(DevicesError):
    """Somebody else owns it: it changes hands by being resold, never by a claim."""

    def __init__(self, device_id: str) -> None:
        super().__init__(f"device {device_id!r} belongs to somebody; resell it first")
        self.device_id = device_id


class NoSuccessor(StrEnum):
    """Why a device cannot take over the label of another."""

    ITSELF = "ITSELF"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    OWNED = "OWNED"  # it belongs to somebody else


class SuccessorError(DevicesError):
    """A device cannot take over the label of that one."""

    def __init__(self, device_id: str, successor_id: str, because: NoSuccessor, sentence: str) -> None:
        super().__init__(f"{successor_id!r} cannot replace {device_id!r}: {sentence}")
        self.device_id, self.successor_id, self.because = device_id, successor_id, because


class StaleError(DevicesError):
    """Somebody changed it since it was looked at."""

    def __init__(self, what: str, seen: int, current: int) -> None:
        super().__init__(
            f"{what} has changed since you looked: you saw version {seen}, now it is {current}; look again"
        )
        self.what, self.seen, self.current = what, seen, current


class UnknownCustomerError(DevicesError):
    def __init__(self, customer_id: object) -> None:
        super().__init__(f"no customer {customer_id}: look for the id in the list of customers")
        self.customer_id = customer_id


class UnknownSiteError(DevicesError):
    def __init__(self, name: str) -> None:
        super().__init__(f"no site {name!r}: placing a device at it makes it")
        self.name = name


class HouseholdError(DevicesError):
    """Not that way: the customer whom a household is named by is always an owner of it."""
