"""What a device says under `up/reported` and `up/result`, read: strict in form and bounded, open in content."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import orjson

from ingest import limits
from ingest.allowance import Asked, together
from ingest.columns import Log
from ingest.model import Ints, Message, Reason, Refusal
from ingest.payloads.model import Flaw
from ingest.refused import refused
from ingest.topics import About, Source
from ingest.twin.model import Answer

REPORTED_BYTES = 8192
RESULT_BYTES = 4096
NAME_CHARS = 64
TEXT_CHARS = 256
MOST_SETTINGS = 64
MOST_VERSION = 2**53  # what every JSON keeps exactly
_DEPTH = 8
_REPORTED = 'it reads {"version": 3, "state": {...}, "firmware": "1.4.2"}, each of them if there is something to say'
_RESULT = 'it reads {"id": "...", "ok": true, "result": ...} or {"id": "...", "ok": false, "error": "..."}'


def read(message: Message, source: Source, place: int = 0) -> Answer | Flaw:
    """Of a device that is known."""
    about = source.about
    most = REPORTED_BYTES if about is About.REPORTED else RESULT_BYTES
    if len(message.payload) > most:
        return _flaw(message, about, f"{len(message.payload)} bytes; at most {most} are read")
    try:
        said = orjson.loads(message.payload)
    except orjson.JSONDecodeError as error:
        return _flaw(message, about, str(error))
    why = _why_not(said, about)
    if why is not None:
        return _flaw(message, about, why)
    command_id = UUID(said["id"]) if about is About.RESULT else None
    assert source.tenant_id is not None
    assert source.device_no is not None
    return Answer(place, message, source, about, said, command_id)


def ask(asked: list[Asked], answers: Sequence[Answer], log: Log) -> list[Asked]:
    """For room among what their devices may send now, a point each, together with what readings ask for. What is
    replayed is not counted."""
    if not answers:
        return asked
    by_class: dict[str, list[int]] = defaultdict(list)
    for answer in answers:
        if answer.message.first_ms is None and answer.source.class_id is not None:
            by_class[answer.source.class_id].append(answer.place)
    return together([*asked, *(_asked(class_id, np.array(places), log) for class_id, places in by_class.items())])


def _asked(class_id: str, place: Ints, log: Log) -> Asked:
    one = np.ones(len(place), np.int64)
    return Asked(
        class_id=class_id,
        place=place,
        device_no=log.device_no[place],
        newest_ms=log.received_ms[place],
        wanted=np.column_stack([one, one, log.size[place]]),
    )


def of_stranger(answer: Answer) -> Refusal:
    """The result of a command that its device was never given."""
    why = f"no command {answer.command_id} was ever given to this device"
    return refused(answer.message, answer.source, Reason.UNKNOWN_COMMAND, why)


def _why_not(said: Any, about: About) -> str | None:
    if not isinstance(said, dict) or not _fits(said, _DEPTH):
        return f"an object of at most {_DEPTH} levels and without NUL"
    return _not_reported(said) if about is About.REPORTED else _not_a_result(said)


def _not_reported(said: dict[str, Any]) -> str | None:
    state, version, firmware = said.get("state", {}), said.get("version", 0), said.get("firmware", "")
    if not said or not said.keys() <= {"version", "state", "firmware"} or not isinstance(state, dict):
        return _REPORTED
    if type(version) is not int or not 0 <= version <= MOST_VERSION:
        return f"version is a whole number from 0 to {MOST_VERSION}"
    if not isinstance(firmware, str) or len(firmware) > TEXT_CHARS:
        return f"firmware is a text of at most {TEXT_CHARS} characters"
    if len(state) > MOST_SETTINGS:
        return f"{len(state)} settings; at most {MOST_SETTINGS} are kept"
    return next((why for name, value in state.items() if (why := _not_a_setting(name, value))), None)


def _not_a_setting(name: str, value: Any) -> str | None:
    if not 0 < len(name) <= NAME_CHARS or not name.isprintable():
        return f"a setting's name is 1 to {NAME_CHARS} characters"
    if not isinstance(value, bool | int | float | str | None):
        return f"{name}: a setting is a number, a text, true, false, or null where it is gone"
    if isinstance(value, str) and len(value) > TEXT_CHARS:
        return f"{name}: a text has at most {TEXT_CHARS} characters"
    return None


def _not_a_result(said: dict[str, Any]) -> str | None:
    if not said.keys() <= {"id", "ok", "result", "error"} or type(said.get("ok")) is not bool:
        return _RESULT
    if ("error" in said and said["ok"]) or ("result" in said and not said["ok"]):
        return _RESULT
    if not isinstance(said.get("error", ""), str):
        return "error is a text"
    try:
        UUID(said.get("id"))
    except (ValueError, AttributeError, TypeError):
        return "id is the command's"
    return None


def _fits(value: Any, levels: int) -> bool:
    """PostgreSQL keeps no NUL in a text."""
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, dict):
        return levels > 0 and all("\0" not in name and _fits(each, levels - 1) for name, each in value.items())
    return not isinstance(value, list) or (levels > 0 and all(_fits(each, levels - 1) for each in value))


def _flaw(message: Message, about: About, detail: str) -> Flaw:
    reason = Reason.NOT_REPORTED if about is About.REPORTED else Reason.NOT_A_RESULT
    return Flaw(reason=reason, detail=detail[:400], payload=message.payload[: limits.PAYLOAD_BYTES])
