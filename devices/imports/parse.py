"""The cells of a row become what it says, or what is wrong with each of them."""

import re
from collections.abc import Callable
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from devices.datum import Datum, Point
from devices.imports import columns
from devices.imports.columns import OWNER, REQUIRED
from devices.imports.model import Cells, Code, Fault, Person, Said
from devices.model import Catalogue, DeviceState

MAX_TEXT = 200  # characters, as everywhere where facts are said
MAX_SITE = 64
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f]")
_YEAR_FIRST = re.compile(r"(\d{4})(?:[-/.年]?)(\d{1,2})(?:[-/.月]?)(\d{1,2})日?(?:[T ].*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")  # with dots it is a day first wherever it is written so
_DATUMS = {"wgs84": Datum.WGS_84, "gcj02": Datum.GCJ_02, "bd09": Datum.BD_09, "百度": Datum.BD_09, "火星": Datum.GCJ_02}
_LANGUAGES = {"en": "en", "english": "en", "英文": "en", "zh": "zh", "chinese": "zh", "中文": "zh"}

T = TypeVar("T")


class _CellError(ValueError):
    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


class Parser:
    """For one catalogue; classes may be called by their titles."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._known = ", ".join(sorted(catalogue))
        self._classes = {name.casefold(): row.class_id for row in catalogue.values() for name in row.title.values()}
        self._classes.update({class_id: class_id for class_id in catalogue})
        self._zones: dict[str, bool] = {}

    def parse(self, row: int, cells: Cells) -> Said | list[Fault]:
        """All that is wrong with it at once."""
        faults: list[Fault] = []
        cleared: set[str] = set()

        def cell(column: str, read: Callable[[str], T]) -> T | None:
            text = cells.get(column, "")
            if not text:
                return None
            if columns.clears(text):
                if column not in columns.CLEARED:
                    faults.append(Fault(row=row, column=column, code=Code.NOT_CLEARED, value=text))
                cleared.add(column)
                return None
            try:
                return read(_text(text))
            except _CellError as error:
                value = self._known if error.code is Code.UNKNOWN_CLASS else text[:80]
                faults.append(Fault(row=row, column=column, code=error.code, value=value))
                return None

        faults.extend(Fault(row=row, column=name, code=Code.MISSING) for name in REQUIRED if not cells.get(name))
        device_id, class_id = cell("device_id", _id), cell("class", self._class)
        model, serial = cell("model", str), cell("serial", str)
        place, region = cell("place", str), cell("region", str)
        made_on, bought_on, installed_on = (cell(column, _date) for column in ("made_on", "bought_on", "installed_on"))
        latitude, longitude = cell("latitude", _within(90)), cell("longitude", _within(180))
        datum = cell("datum", _datum)
        site, gateway, state = cell("site", _site), cell("gateway", _id), cell("state", _state)
        person = Person(
            name=cell("customer_name", str),
            email=cell("customer_email", str),
            phone=cell("customer_phone", str),
            language=cell("customer_language", _language),
            time_zone=cell("customer_time_zone", self._zone),
        )
        taken_away = cleared.intersection(columns.POINT)
        half = bool(taken_away) and not taken_away >= {"latitude", "longitude"}
        if half or bool(cells.get("latitude")) != bool(cells.get("longitude")):
            faults.append(Fault(row=row, column="latitude", code=Code.HALF_POINT))
        if faults:
            return faults
        assert device_id is not None
        assert class_id is not None
        assert model is not None
        assert serial is not None
        point = None
        if latitude is not None and longitude is not None:
            point = Point(latitude=latitude, longitude=longitude, datum=datum or Datum.WGS_84)
        return Said(
            row=row,
            device_id=device_id,
            class_id=class_id,
            model=model,
            serial=serial,
            place=place,
            region=region,
            made_on=made_on,
            bought_on=bought_on,
            installed_on=installed_on,
            point=point,
            site=site,
            gateway=gateway,
            state=state,
            owner=person if any(cells.get(column) for column in OWNER[:3]) else None,
            clears=frozenset(cleared - taken_away | ({"point"} if taken_away else set())),
        )

    def _class(self, text: str) -> str:
        try:
            return self._classes[text.casefold()]
        except KeyError:
            raise _CellError(Code.UNKNOWN_CLASS) from None

    def _zone(self, text: str) -> str:
        if text not in self._zones:
            try:
                self._zones[text] = bool(ZoneInfo(text))
            except (KeyError, ValueError, OSError):
                self._zones[text] = False
        if not self._zones[text]:
            raise _CellError(Code.BAD_TIME_ZONE)
        return text


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise _CellError(Code.TOO_LONG)
    if _CONTROL.search(text):
        raise _CellError(Code.NOT_TEXT)
    return text


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise _CellError(Code.BAD_ID)
    return text


def _site(text: str) -> str:
    if len(text) > MAX_SITE:
        raise _CellError(Code.TOO_LONG)
    return text


def _date(text: str) -> date:
    """2026-01-31, 2026/1/31, 20260131, 2026年1月31日, 31.1.2026; never 1/2/2026, which means two days."""
    year_first, day_first = _YEAR_FIRST.fullmatch(text), _DAY_FIRST.fullmatch(text)
    parts = year_first.groups() if year_first else reversed(day_first.groups()) if day_first else ()
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        raise _CellError(Code.BAD_DATE) from None


def _within(most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise _CellError(Code.BAD_NUMBER) from None
        if not -most <= value <= most:  # and NaN
            raise _CellError(Code.BAD_NUMBER)
        return value

    return read


def _datum(text: str) -> Datum:
    try:
        return _DATUMS[text.casefold().replace("-", "").replace(" ", "")]
    except KeyError:
        raise _CellError(Code.BAD_DATUM) from None


def _language(text: str) -> str:
    try:
        return _LANGUAGES[text.casefold().replace("_", "-").partition("-")[0]]
    except KeyError:
        raise _CellError(Code.BAD_LANGUAGE) from None


def _state(text: str) -> DeviceState:
    try:
        return DeviceState(text.upper())
    except ValueError:
        raise _CellError(Code.BAD_STATE) from None
