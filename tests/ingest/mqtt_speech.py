"""MQTT as paho says it and as our codec reads it, in both versions."""

from collections.abc import Sequence
from typing import Any, cast

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.bridge.packets import Answer, Packets, Publish
from ingest.bridge.versions import LEVEL_3, LEVEL_5

EVERY = 10_000
LEVELS = (LEVEL_3, LEVEL_5)
_PROTOCOLS = {LEVEL_3: mqtt.MQTTv311, LEVEL_5: mqtt.MQTTv5}


def paho(level: int = LEVEL_3) -> mqtt.Client:
    """With a socket and a thread that only seem to be there: it keeps what it would send. It keeps its session."""
    clean = {"clean_session": False} if level == LEVEL_3 else {}
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id="bridge", protocol=_PROTOCOLS[level], **cast("Any", clean)
    )
    client._clean_start = False
    client._sock = client._thread = cast("Any", object())
    return client


def said(client: mqtt.Client) -> bytes:
    client._sock = client._thread = None
    return b"".join(bytes(out["packet"]) for out in client._out_packet)


def publish(
    topic: str,
    payload: bytes,
    *,
    level: int = LEVEL_3,
    packet_id: int = 7,
    qos: int = 1,
    properties: Properties | None = None,
    **flags: bool,
) -> bytes:
    """As paho encodes it."""
    client = paho(level)
    retain, dup = flags.get("retain", False), flags.get("dup", False)
    client._send_publish(packet_id, topic.encode(), payload, qos, retain, dup, properties=properties)
    return said(client)


def of_message(**properties: Any) -> Properties:
    return of_packet(PacketTypes.PUBLISH, **properties)


def of_packet(kind: int, **properties: Any) -> Properties:
    made = Properties(kind)
    for name, value in properties.items():
        setattr(made, name, value)
    return made


def packet(first: int, body: bytes) -> bytes:
    """With paho's length."""
    client, data = paho(), bytearray([first])
    client._pack_remaining_length(data, len(body))
    said(client)
    return bytes(data) + body


def read(data: bytes, cuts: Sequence[int] = (), *, level: int = LEVEL_3) -> list[Publish | Answer]:
    packets, found = Packets(level), []
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        packets.feed(data[start:stop])
        found += packets.take(EVERY)
    assert packets.held == 0
    return found


_PLAIN = [
    b"\x20\x02\x01\x00",
    publish("plant/1/state", b'{"ts": 1, "m": {"a": 1}}'),
    b"\x90\x04\x00\x01\x01\x80",
    publish("p", b""),
    publish("plant/温度", b"x" * 200, packet_id=65535, dup=True),
    b"\xd0\x00",
    publish("loose", b"\x00\xff", qos=0, retain=True),
    publish("long", b"y" * 400, packet_id=256),
]
_TALKATIVE = of_message(
    MessageExpiryInterval=60,
    ContentType="application/json",
    ResponseTopic="answers/1",
    CorrelationData=b"\x00\xff",
    UserProperty=[("line", "3"), ("line", "4" * 200)],
)
_SPOKEN_5 = [
    packet(0x20, b"\x01\x00" + of_packet(PacketTypes.CONNACK, ServerKeepAlive=20, ReasonString="hello").pack()),
    publish("plant/1/state", b'{"ts": 1, "m": {"a": 1}}', level=LEVEL_5),
    packet(0x90, b"\x00\x01" + of_packet(PacketTypes.SUBACK, ReasonString="so so").pack() + b"\x01\x87"),
    publish("p", b"", level=LEVEL_5, properties=of_message(PayloadFormatIndicator=1)),
    publish("plant/温度", b"x" * 200, level=LEVEL_5, packet_id=65535, dup=True, properties=_TALKATIVE),
    b"\xd0\x00",
    publish("loose", b"\x00\xff", level=LEVEL_5, qos=0, retain=True, properties=of_message(ContentType="")),
    packet(0xE0, b"\x8b" + of_packet(PacketTypes.DISCONNECT, ReasonString="night").pack()),
]
STREAMS = {LEVEL_3: b"".join(_PLAIN), LEVEL_5: b"".join(_SPOKEN_5)}
