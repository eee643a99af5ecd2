"""What a device says of its own presence, or its broker in its name: `{"online": true}`, `{"online": false}`, and
`{"online": false, "sleep_s": 3600}` from a device that sleeps on purpose."""

from typing import Any

import orjson

from ingest import limits, topics
from ingest.model import Message, Reason
from ingest.payloads.model import Flaw
from ingest.presence.model import BridgeWord, Word

MOST_BYTES = 256
MOST_SLEEP_S = 366 * 86_400


def read(payload: bytes, place: int, device_no: int, received_ms: int) -> Word | Flaw:
    """Bounded and strict: a will is written once, and nobody notices for months that it says nothing."""
    if len(payload) > MOST_BYTES:
        return _flaw(payload, f"{len(payload)} bytes; {MOST_BYTES} are enough")
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return _flaw(payload, str(error))
    if (
        not isinstance(said, dict)
        or not isinstance(said.get("online"), bool)
        or not said.keys() <= {"online", "sleep_s"}
    ):
        return _flaw(payload, 'it reads {"online": true} or {"online": false}, with "sleep_s" if it sleeps')
    if "sleep_s" not in said:
        return Word(place, device_no, received_ms, online=said["online"])
    sleep_s = said["sleep_s"]
    if said["online"] or type(sleep_s) is not int or not 0 < sleep_s <= MOST_SLEEP_S:
        return _flaw(payload, f"sleep_s goes with online: false and is 1 to {MOST_SLEEP_S} seconds")
    return Word(place, device_no, received_ms, online=False, sleep_ms=sleep_s * 1000)


def say_bridge(broker: str, device_ids: list[str], *, connected: bool) -> bytes:
    """What a bridge says of its broker; `device_ids`: who came from there since it last spoke."""
    return orjson.dumps({"broker": broker, "connected": connected, "devices": device_ids})


def read_bridge(message: Message, tenant_id: str, bridge_id: str) -> BridgeWord | Flaw:
    try:
        said = orjson.loads(message.payload)
    except orjson.JSONDecodeError as error:
        return _flaw(message.payload[: limits.PAYLOAD_BYTES], str(error))
    if not _is_bridge(said):
        return _flaw(message.payload[: limits.PAYLOAD_BYTES], "no bridge of ours says this")
    return BridgeWord(
        tenant_id=tenant_id,
        bridge_id=bridge_id,
        slot=topics.slot(message.subject),
        received_ms=message.received_ms,
        broker=said["broker"],
        connected=said["connected"],
        device_ids=tuple(said["devices"]),
    )


def _is_bridge(said: Any) -> bool:
    kinds = {"broker": str, "connected": bool, "devices": list}
    return (
        isinstance(said, dict)
        and said.keys() == kinds.keys()
        and all(isinstance(said[name], kind) for name, kind in kinds.items())
        and 0 < len(said["broker"]) <= MOST_BYTES
        and said["broker"].isprintable()
        and all(isinstance(each, str) and topics.is_id(each) for each in said["devices"])
    )


def _flaw(payload: bytes, detail: str) -> Flaw:
    return Flaw(reason=Reason.NOT_PRESENCE, detail=detail[:400], payload=payload)
