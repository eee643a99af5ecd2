"""Errors of the twin."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from devices.adjustables import Adjustable
from devices.errors import DevicesError


class Unfit(StrEnum):
    """Why a value is none of a setting."""

    UNKNOWN = "UNKNOWN"  # there is no such setting
    NO_NUMBER = "NO_NUMBER"
    NOT_WHOLE = "NOT_WHOLE"
    TOO_LARGE = "TOO_LARGE"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    NO_SWITCH = "NO_SWITCH"
    NO_TEXT = "NO_TEXT"


class SettingRefusedError(DevicesError):
    """A value that the device's class cannot take, or a setting that it has not. `title`: by language."""

    def __init__(self, name: str, because: Unfit, sentence: str, setting: Adjustable | None = None) -> None:
        super().__init__(f"{name}: {sentence}")
        self.name, self.because = name, because
        self.title = setting.title if setting else name
        self.low, self.high = (setting.low, setting.high) if setting else (None, None)
        self.unit = setting.unit if setting and setting.unit != "1" else ""


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


class NoCommand(StrEnum):
    """What of it no command has."""

    NAME = "NAME"
    EXPIRY = "EXPIRY"
    ARGUMENTS = "ARGUMENTS"
    NO_PAIR = "NO_PAIR"  # an argument that does not read KEY=VALUE


class BadCommandError(DevicesError):
    """A name, arguments or an expiry that no command has."""

    def __init__(self, because: NoCommand, sentence: str) -> None:
        super().__init__(sentence)
        self.because = because


class TooManyCommandsError(DevicesError):
    def __init__(self, device_id: str, most: int) -> None:
        super().__init__(f"{most} commands wait for {device_id!r} already: cancel some, or let them expire")
        self.device_id, self.most = device_id, most


class CommandOverError(DevicesError):
    """What is over cannot become anything else."""

    def __init__(self, command_id: UUID, state: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(f"the command {command_id} is {state}")
        self.command_id, self.state, self.allowed = command_id, state, tuple(allowed)
