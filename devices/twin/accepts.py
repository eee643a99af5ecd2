"""Which settings a device can take, and whether a value is one of them: pure."""

import sys
from collections.abc import Mapping
from typing import Any

from devices.adjustables import COMMON, SET_POINT, Adjustable, Kind
from devices.model import ApplianceClass, Device, DeviceState
from devices.twin.errors import GoneError, SettingRefusedError, Unfit
from devices.twin.model import Value

MOST_SETTINGS = 64  # of one state
TEXT_CHARS = 256
_SET_POINT = {"en": "Set point", "zh": "设定温度"}
_GONE = {DeviceState.RETIRED, DeviceState.REPLACED}
_EXACT = 2**53  # what every JSON keeps exactly


def adjustables_of(appliance: ApplianceClass) -> dict[str, Adjustable]:
    """By name, of the class as it is for a device's model; its own go before those that all have."""
    own = {setting.name: setting for setting in appliance.adjustables}
    common = {setting.name: setting for setting in COMMON if setting.name not in own}
    if appliance.set_point_c is None:
        return {**own, **common}
    low, high = appliance.set_point_c
    return {SET_POINT: Adjustable(name=SET_POINT, title=_SET_POINT, unit="°C", low=low, high=high), **own, **common}


def is_there(device: Device) -> bool:
    """Whether anybody may still wish something of it."""
    return device.state not in _GONE


def check_there(device: Device) -> None:
    """Raises GoneError."""
    if not is_there(device):
        raise GoneError(device.device_id, device.state)


def check(appliance: ApplianceClass, said: Mapping[str, Any]) -> None:
    """`said`: values by setting, None for what nobody wishes any more. Raises SettingRefusedError."""
    known = adjustables_of(appliance)
    for name, value in said.items():
        if name not in known:
            raise SettingRefusedError(name, Unfit.UNKNOWN, f"a {appliance.class_id} has: {', '.join(known)}")
        refused = None if value is None else _why_not(known[name], value)
        if refused is not None:
            raise SettingRefusedError(name, *refused, known[name])


def read(appliance: ApplianceClass, name: str, text: str) -> Value | None:
    """What a person typed, as the setting's kind has it; empty: None. Raises SettingRefusedError."""
    setting = adjustables_of(appliance).get(name)
    if not text.strip():
        return None
    if setting is None or setting.kind is Kind.TEXT:
        return text.strip()
    if setting.kind is Kind.SWITCH and text.strip().lower() in {"true", "false"}:
        return text.strip().lower() == "true"
    try:
        number = float(text)
    except ValueError:
        unfit = Unfit.NO_SWITCH if setting.kind is Kind.SWITCH else Unfit.NO_NUMBER
        raise SettingRefusedError(name, unfit, f"{text!r} is no {setting.kind}", setting) from None
    return int(number) if number.is_integer() else number


def _why_not(setting: Adjustable, value: Any) -> tuple[Unfit, str] | None:
    if setting.kind is Kind.TEXT:
        short = isinstance(value, str) and 0 < len(value) <= TEXT_CHARS and value.isprintable()
        return None if short else (Unfit.NO_TEXT, f"is a text of 1 to {TEXT_CHARS} characters")
    if setting.kind is Kind.SWITCH:
        return None if isinstance(value, bool) else (Unfit.NO_SWITCH, "is true or false")
    return _why_no_number(setting, value)


def _why_no_number(setting: Adjustable, value: Any) -> tuple[Unfit, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        return Unfit.NO_NUMBER, f"is a number in {setting.unit}"
    if abs(value) > _EXACT:
        return Unfit.TOO_LARGE, "is too large"
    if setting.kind is Kind.WHOLE and value != int(value):
        return Unfit.NOT_WHOLE, "is a whole number"
    low, high = setting.low, setting.high
    if (low is not None and value < low) or (high is not None and value > high):
        return Unfit.OUT_OF_RANGE, f"{value:g} is not between {_said(low)} and {_said(high)} {setting.unit}"
    return None


def _said(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
