"""An edge node as it speaks, message by message, and what is made of it."""

from dataclasses import dataclass, field, replace
from typing import Any

from devices.model import Address
from ingest import topics
from ingest.decode import Decoded, decode
from ingest.edge.model import ITSELF, Node, NodeKey
from ingest.model import Message, Refusal
from ingest.topics import Source
from tests.ingest import tahu
from tests.ingest.builders import CATALOGUE, NOW_MS

KEY = NodeKey("demo", "plant", "edge1")
DEVICES = {"edge1": 9, "d1": 1, "d2": 2}  # that are registered, all refrigerators


def a_subject(kind: str, device_id: str = ITSELF) -> str:
    return f"log.7.demo.edge1.up.sparkplug.plant.{kind}{'.' if device_id else ''}{device_id}"


def a_source(subject: str, registered: dict[str, int] | None = None) -> Source:
    source = topics.read(subject)
    known = DEVICES if registered is None else registered
    device_no = known.get(source.device_id or "")
    address = None if device_no is None else Address(device_no, "refrigerator")
    return topics.found(source, address, frozenset(CATALOGUE))


def named(alias: int, name: str, value: float | None = 1.0, **rest: Any) -> dict[str, Any]:
    """As a birth says it."""
    said = {"is_null": True} if value is None else {"float_value": value}
    return {"name": name, "alias": alias, "datatype": 9, **said, **rest}


def bd_seq(number: int) -> dict[str, Any]:
    return {"name": "bdSeq", "datatype": 8, "long_value": number}


@dataclass
class Edge:
    """It counts its messages and its clock goes on by a second with each; so does the log's."""

    seq: int = 0
    at_ms: int = NOW_MS
    log_seq: int = 0
    messages: list[Message] = field(default_factory=list)

    def says(self, kind: str, *metrics: dict[str, Any], device_id: str = ITSELF, **rest: Any) -> Message:
        counted = {} if kind == "NDEATH" else {"seq": 0 if kind == "NBIRTH" else (self.seq + 1) % 256}
        self.seq = counted.get("seq", self.seq)
        self.at_ms += 1000
        self.log_seq += 1
        payload = tahu.a_payload(*metrics, **{"timestamp": self.at_ms, **counted, **rest})
        message = Message(self.log_seq, self.at_ms, a_subject(kind, device_id), payload)
        self.messages.append(message)
        return message

    def born(self, number: int = 0, *devices: str) -> None:
        """The node, and its devices: each with a temperature as alias 10 times its place, and a power after it."""
        self.says("NBIRTH", bd_seq(number), {"name": "Node Control/Rebirth", "datatype": 11, "boolean_value": False})
        for place, device_id in enumerate(devices, start=1):
            metrics = named(10 * place, "cabinet_temp_c", 4.0), named(10 * place + 1, "power_w", 80.0)
            self.says("DBIRTH", *metrics, device_id=device_id)

    def data(self, *metrics: dict[str, Any], device_id: str = "d1", **rest: Any) -> Message:
        return self.says("DDATA", *(metrics or ({"alias": 11, "float_value": 81.0},)), device_id=device_id, **rest)

    def loses(self, count: int = 1) -> None:
        """Messages that nobody got."""
        self.seq = (self.seq + count) % 256
        self.at_ms += 1000 * count

    def waits(self, seconds: int) -> None:
        self.at_ms += 1000 * seconds

    def again(self, message: Message) -> None:
        """As a bridge brings it that was killed: the same bytes, later in the log."""
        self.log_seq += 1
        self.messages.append(message._replace(seq=self.log_seq, received_ms=self.at_ms))


def heard(edge: Edge, nodes: dict[NodeKey, Node] | None = None, registered: dict[str, int] | None = None) -> Decoded:
    """What is made of all that it has said since."""
    messages, edge.messages = edge.messages, []
    sources = [a_source(message.subject, registered) for message in messages]
    return decode(messages, sources, CATALOGUE, nodes or {})


def replayed(refusal: Refusal, seq: int) -> Message:
    """As staff sends it again."""
    subject = "log.7." + refusal.topic.removeprefix("fm/").replace("/", ".")
    return Message(seq, refusal.received_ms + 86_400_000, subject, refusal.payload, refusal.received_ms)


def after(nodes: dict[NodeKey, Node], result: Decoded) -> dict[NodeKey, Node]:
    """What the store gives the next batch."""
    return {**nodes, **result.told.nodes}


def node(result: Decoded) -> Node:
    return result.told.nodes.get(KEY) or replace(Node())


def rows(result: Decoded) -> list[tuple[int, float | None, float | None]]:
    """Device, temperature and power of each reading."""
    found = []
    for batch in result.batches:
        for device_no, values in zip(batch.device_no.tolist(), batch.values.tolist(), strict=True):
            said = dict(zip(CATALOGUE[batch.class_id].metric_names, values, strict=True))
            temp, power = (None if said[name] != said[name] else said[name] for name in ("cabinet_temp_c", "power_w"))
            found.append((device_no, temp, power))
    return found
