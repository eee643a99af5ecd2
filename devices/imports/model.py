"""Words of the imports: what a row says, what is wrong with it, what it changes."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from devices.datum import Point
from devices.model import Device, DeviceState


class FileError(Exception):
    """The file as a whole cannot be read: `code` is EMPTY, UTF_16, NO_COLUMN or TWO_COLUMNS, `names` the columns that
    it lacks or has twice."""

    def __init__(self, code: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(f"{code} {', '.join(names)}".strip())
        self.code, self.names = code, names


class MeanwhileError(Exception):
    """Somebody registered or changed these devices while the file was read; nothing of it is kept."""

    def __init__(self, device_ids: list[str]) -> None:
        super().__init__(f"somebody changed {', '.join(device_ids[:3])} meanwhile; import the file once more")
        self.device_ids = device_ids


class Code(StrEnum):
    """Why a row, or a cell of it, is not taken. The words for people are in the texts."""

    NOT_CSV = "NOT_CSV"
    NOT_TEXT = "NOT_TEXT"
    NOT_CLEARED = "NOT_CLEARED"
    TOO_LONG = "TOO_LONG"
    CELLS = "CELLS"
    MISSING = "MISSING"
    BAD_ID = "BAD_ID"
    UNKNOWN_CLASS = "UNKNOWN_CLASS"
    BAD_DATE = "BAD_DATE"
    BAD_NUMBER = "BAD_NUMBER"
    BAD_DATUM = "BAD_DATUM"
    HALF_POINT = "HALF_POINT"
    BAD_LANGUAGE = "BAD_LANGUAGE"
    BAD_TIME_ZONE = "BAD_TIME_ZONE"
    BAD_STATE = "BAD_STATE"
    TWICE = "TWICE"
    SERIAL_TAKEN = "SERIAL_TAKEN"
    OTHER_CLASS = "OTHER_CLASS"
    OTHER_STATE = "OTHER_STATE"
    OTHER_OWNER = "OTHER_OWNER"
    OTHER_NAME = "OTHER_NAME"
    TWO_CUSTOMERS = "TWO_CUSTOMERS"
    NO_GATEWAY = "NO_GATEWAY"
    GATEWAY_REFUSED = "GATEWAY_REFUSED"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`row` is the line of the file, the header being 1; `value` is what stood there or what it collides with."""

    row: int
    column: str
    code: Code
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Person:
    """An owner as a row names him; what is None is not said."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Said:
    """A row that can be read. Of facts, `site` and `gateway` an empty cell says nothing, so it is None; what the row
    takes away is in `clears`."""

    row: int
    device_id: str
    class_id: str
    model: str
    serial: str
    place: str | None = None
    region: str | None = None
    made_on: date | None = None
    bought_on: date | None = None
    installed_on: date | None = None
    point: Point | None = None
    site: str | None = None
    gateway: str | None = None
    state: DeviceState | None = None
    owner: Person | None = None
    clears: frozenset[str] = frozenset()  # of columns.CLEARED, the three of a point as `point`


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A device that is registered, with its owner and the id of its gateway."""

    device: Device
    owner: Person | None
    gateway: str | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """A customer who is known by a phone number or a mail address."""

    customer_id: UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """A row that differs from what is registered: by column what it was and what it is said to be."""

    row: int
    device_id: str
    columns: dict[str, tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Progress:
    rows: int  # read so far


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of the whole file. A row with a fault counts as refused, except where only its gateway was not taken."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    ignored: tuple[str, ...] = field(default=())  # columns that mean nothing here


Note = Fault | Change | Progress | Outcome
Cells = dict[str, str]
Facts = dict[str, Any]
