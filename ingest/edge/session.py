"""How an edge node's session goes on with each message: in step or not, born, dead. Values in, values out."""

from collections.abc import Sequence
from dataclasses import replace

from ingest.edge.model import ITSELF, Birth, EdgeTopic, Known, Node, Step
from ingest.model import Message
from ingest.payloads.datatypes import value_of
from ingest.payloads.metrics import BD_SEQ, alike
from ingest.payloads.sparkplug import Metric, Payload

_NUMBERS = 256  # of seq, before it begins anew
_PATIENCE_MS = 60_000  # between two wishes for a rebirth
_LARGEST = 2**63  # exclusive, of what a column takes


def in_step(last: Step | None, payload: Payload) -> tuple[Step | None, bool]:
    """Where the node is now, and whether something is missing before this message.

    A bridge may bring messages twice, in order, as a stretch that it has brought before: what the node sent no later
    than the last one is no gap, and the last one stays the last.
    """
    if payload.seq is None:
        return last, False
    now = Step(payload.seq % _NUMBERS, storable(payload.timestamp_ms))
    if last is None or (ahead := (now.seq - last.seq) % _NUMBERS) == 1:
        return now, False
    if _is_old(last, now, ahead):
        return last, False
    return now, True


def _is_old(last: Step, now: Step, ahead: int) -> bool:
    if last.sent_ms is None or now.sent_ms is None or last.sent_ms == now.sent_ms:
        return ahead == 0 or ahead > _NUMBERS // 2
    return now.sent_ms < last.sent_ms


def want(node: Node, received_ms: int) -> Node:
    """The node with a wish for its births, or, within a minute of the log after the last wish, only lacking them."""
    if node.wanted_ms is None or not 0 <= received_ms - node.wanted_ms < _PATIENCE_MS:
        return replace(node, lacking=True, wanted_ms=received_ms)
    return node if node.lacking else replace(node, lacking=True)


def birth_of(node: Node, topic: EdgeTopic, payload: Payload, message: Message) -> Birth | None:
    """What a birth says; None when it is the one in force, brought once more."""
    sent_ms, bd_seq = storable(payload.timestamp_ms), bd_seq_of(payload)
    metrics = _metrics(payload.metrics)
    now = node.birth(topic.device_id)
    said = (sent_ms, bd_seq, metrics)
    if now is not None and sent_ms is not None and (now.sent_ms, now.bd_seq, now.metrics) == said:
        return None
    return Birth(
        device_id=topic.device_id,
        seq=message.seq,
        received_ms=message.received_ms,
        born=True,
        bd_seq=bd_seq,
        sent_ms=sent_ms,
        since_ms=_since_ms(node.births.get(topic.device_id), metrics, message.received_ms),
        metrics=metrics,
    )


def _metrics(said: Sequence[Metric]) -> tuple[Known, ...]:
    shared = alike(metric.name for metric in said)
    return tuple(
        Known(metric.name, metric.datatype, metric.alias, metric.unit, metric.name in shared)
        for metric in said
        if metric.name is not None
    )


def _since_ms(before: Birth | None, metrics: Sequence[Known], received_ms: int) -> int:
    """What was said before an alias got another meaning must not be read by the new one."""
    if before is None:
        return 0
    meant = before.by_alias
    for metric in metrics:
        old = meant.get(metric.alias) if metric.alias is not None else None
        if old is not None and (old.name, old.datatype) != (metric.name, metric.datatype):
            return received_ms
    return before.since_ms


def death_of(node: Node, topic: EdgeTopic, payload: Payload, message: Message) -> Birth | None:
    """The death; None when there is no life to end. A node's carries the number of its session: the broker may
    publish the will of an older one after the next one's birth."""
    before = node.births.get(topic.device_id)
    if before is None and topic.device_id == ITSELF:  # whatever comes after is another session
        since_ms = message.received_ms
        return Birth(device_id=ITSELF, seq=message.seq, received_ms=since_ms, born=False, since_ms=since_ms)
    now, bd_seq = node.birth(topic.device_id), bd_seq_of(payload)
    if now is None or (topic.device_id == ITSELF and None not in (bd_seq, now.bd_seq) and bd_seq != now.bd_seq):
        return None
    return replace(now, seq=message.seq, received_ms=message.received_ms, born=False)


def bd_seq_of(payload: Payload) -> int | None:
    for metric in payload.metrics:
        if metric.name == BD_SEQ:
            said = value_of(metric if metric.datatype else metric._replace(datatype=8))
            return storable(said) if type(said) is int else None
    return None


def storable(number: int | None) -> int | None:
    return number if number is not None and -_LARGEST <= number < _LARGEST else None
