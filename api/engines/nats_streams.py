"""The streams that must be as we want them before a door for devices opens: they decide what becomes of a message, and
whether PUBACK waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.engines.errors import EngineStartError
from api.engines.nats_access import ISSUER, written
from api.engines.nats_request import NatsRequestError, request
from ingest.adapter_log import slots_of
from ingest.slots import SLOTS_OF_ONE
from ingest.topics import DOOR

STREAM = "LOG"


def spread(slots: int) -> dict[str, str]:
    """The transform that puts the slot of a device into the subjects of its messages."""
    return {"src": f"{DOOR}fm.*.*.*.>", "dest": f"log.{{{{partition({slots},1,2)}}}}.$1.$2.$3.>"}


# NATS' own words for no limit. With one of them set, it forgets what a device was told is kept, or never says so.
UNLIMITED: dict[str, Any] = {
    "max_age": 0,
    "max_bytes": -1,
    "max_msgs": -1,
    "max_msgs_per_subject": -1,
    "max_msg_size": -1,
    "max_consumers": -1,
    "no_ack": False,
}
LOG_STREAM: dict[str, Any] = {
    "name": STREAM,
    "subjects": [f"{DOOR}fm.*.*.up.>", f"{DOOR}fm.*.*.ctl.>"],
    "subject_transform": spread(SLOTS_OF_ONE),
    "storage": "file",
    "retention": "limits",
    "discard": "new",
    **UNLIMITED,
    "num_replicas": 1,
    "duplicate_window": 120_000_000_000,
    "allow_direct": True,
}
# Where the MQTT listener stores each QoS 1 message, and waits, before it sends PUBACK. Made by us before it opens, it
# leaves what devices say to the log, so that PUBACK waits for the log itself; left to the listener, it takes all.
LISTENER_STREAM: dict[str, Any] = {
    "name": "$MQTT_msgs",
    "subjects": [f"{DOOR}fm.*.*.down.>"],
    "storage": "file",
    "retention": "interest",
    **UNLIMITED,
    "num_replicas": 1,
}
# Where it keeps what comes with QoS 2 until the device says that it may go on, before it looks whether that may be said
# there; left to the listener, a device that never says so fills the disk. A store that is full ends the connection of
# whoever speaks with QoS 2.
QOS_2_STREAM: dict[str, Any] = {
    "name": "$MQTT_qos2in",
    "subjects": ["$MQTT.qos2.in.>"],
    "storage": "file",
    "retention": "limits",
    "discard": "new",
    "max_msgs": 1000,
    "max_msg_size": 66_560,  # 64 KiB, more than which nobody reads, and its headers
    "max_msgs_per_subject": 1,
    "max_age": 3_600_000_000_000,
    "num_replicas": 1,
}
LIMITS = (*UNLIMITED, "discard")  # whoever changes them by hand gets them back at the next start


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """What the log holds: sequences, messages, bytes."""

    first_seq: int
    last_seq: int
    messages: int
    bytes: int


def ensure_stream(
    url: str,
    *,
    slots: int | None = None,
    replicas: int | None = None,
    sources: Sequence[dict[str, Any]] | None = None,
    first_seq: int = 1,
    issuer: str | None = None,
    api: str = "$JS.API",
) -> None:
    """The log exists as it must, with no limit of its own (the server's max_file is the only one), and the listener's
    own stream leaves it what is the log's. To be called while devices cannot connect. `slots`: over which the log
    spreads the devices, `replicas`: how many servers keep it, `sources`: what it draws from; None: as it is, or as one
    worker and one server need it. `first_seq`: with which a log that is made begins. `issuer`: whose signature opens
    the server's door (deploy/nats.sh); None: as it is. `api`: of which JetStream domain.

    Raises NatsRequestError, EngineStartError.
    """
    for made in (LISTENER_STREAM, QOS_2_STREAM, LOG_STREAM):
        name = made["name"]
        found = request(url, f"{api}.STREAM.INFO.{name}")
        there = found.get("config", {})
        fixed = {"subjects": made["subjects"], "num_replicas": replicas or there.get("num_replicas", 1)}
        fixed |= {limit: made[limit] for limit in LIMITS if limit in made}
        if name == STREAM:
            fixed["subject_transform"] = spread(slots or slots_of(there))
            fixed["sources"] = there.get("sources", []) if sources is None else list(sources)
            fixed["metadata"] = written(there) | ({} if issuer is None else {ISSUER: issuer})
        if fixed.items() <= {"sources": [], "no_ack": False, **there, "metadata": written(there)}.items():
            continue
        if name == STREAM and not there and first_seq > 1:
            fixed["first_seq"] = first_seq
        verb = "UPDATE" if there else "CREATE"
        answer = request(url, f"{api}.STREAM.{verb}.{name}", made | fixed)
        if "error" in answer:
            raise EngineStartError("NATS", f"the stream {name} could not be made: {answer['error']['description']}")


def stream_state(url: str) -> StreamState:
    """Raises NatsRequestError."""
    answer = request(url, f"$JS.API.STREAM.INFO.{STREAM}")
    if "error" in answer:
        raise NatsRequestError(answer["error"]["description"])
    state = answer["state"]
    return StreamState(
        first_seq=state["first_seq"], last_seq=state["last_seq"], messages=state["messages"], bytes=state["bytes"]
    )
