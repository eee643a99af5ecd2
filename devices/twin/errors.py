"""Errors of the twin."""

from collections.abc import Sequence
from uuid import UUID

from devices.errors import DevicesError


class SettingRefusedError(DevicesError):
    """A value that the device's class cannot take, or a setting that it has not."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


class StaleTwinError(DevicesError):
    """Somebody else has desired something meanwhile."""

    def __init__(self, expected: int, version: int) -> None:
        super().__init__(f"you saw version {expected} of the desired state, and there is {version}: look again")
        self.expected, self.version = expected, version


class GoneError(DevicesError):
    """Of a device that is retired or replaced nobody wishes anything."""

    def __init__(self, device_id: str, state: str) -> None:
        remedy = "tell the one that replaced it" if state == "REPLACED" else "put it into service first"
        super().__init__(f"device {device_id!r} is {state} and told nothing any more: {remedy}")
        self.device_id, self.state = device_id, state


class UnknownCommandError(DevicesError):
    def __init__(self, command_id: UUID | str) -> None:
        super().__init__(f"no command {command_id} of this device")
        self.command_id = command_id


class BadCommandError(DevicesError):
    """A name, arguments or an expiry that no command has."""


class TooManyCommandsError(DevicesError):
    def __init__(self, device_id: str, most: int) -> None:
        super().__init__(f"{most} commands wait for {device_id!r} already: cancel some, or let them expire")
        self.device_id, self.most = device_id, most


class CommandOverError(DevicesError):
    """What is over cannot become anything else."""

    def __init__(self, command_id: UUID, state: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(f"the command {command_id} is {state}")
        self.command_id, self.state, self.allowed = command_id, state, tuple(allowed)
