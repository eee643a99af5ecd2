"""What the devices of a load say: all messages of one length, with thirteen zeros where `ts` belongs."""

import json

from simulators.packets import TS_DIGITS

_VARIANTS = 8


def device_name(number: int) -> str:
    return f"bench-{number:06d}"


def payloads(bad_every: int | None = None, readings: int = 1, name: str | None = None) -> list[bytes]:
    """What a device says, turn by turn; the last one is bad if any is to be. More than one of `readings` are an array.
    `name` stands in each, for whoever is not handed the topic."""
    every = [payload(variant, name) for variant in range(_VARIANTS)]
    if readings > 1:
        return [b"[" + b",".join(every[place % _VARIANTS] for place in range(readings)) + b"]"]
    if bad_every is None:
        return every
    return [*(every[turn % _VARIANTS] for turn in range(bad_every - 1)), _bad(len(every[0]))]


def _bad(size: int) -> bytes:
    """Its time is good; where its metrics should be, there are none."""
    begin, end = b'{"ts":' + b"0" * TS_DIGITS + b',"m":"', b'"}'
    return begin + b"x" * (size - len(begin) - len(end)) + end


def payload(variant: int, name: str | None = None) -> bytes:
    """A cold room's reading of about 230 bytes, the same length for every variant."""
    values = {
        "room_temp_c": 3.1,
        "evaporator_temp_c": -6.1,
        "discharge_temp_c": 61.1,
        "ambient_temp_c": 22.1,
        "compressor_current_a": 7.01,
        "door_open": 0,
        "suction_temp_c": -1.1,
        "condenser_temp_c": 36.1,
    }
    moved = {name: round(value + (variant * 0.1 if value > 0 else -variant * 0.1), 2) for name, value in values.items()}
    moved["compressor_current_a"], moved["door_open"] = round(7.01 + variant / 100, 2), 0
    named = b"" if name is None else b',"dev":"' + name.encode() + b'"'
    said = json.dumps(moved, separators=(",", ":")).encode()
    return b'{"ts":' + b"0" * TS_DIGITS + named + b',"m":' + said + b"}"
