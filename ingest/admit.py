"""Messages become readings and refusals as far as their devices may send as much: pure, a fold over the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from devices.model import Catalogue
from ingest.allowance import Allowance, Over, Use
from ingest.decode import Decoded, decode
from ingest.edge.model import Node, NodeKey
from ingest.model import Message, Reason, Refusal
from ingest.topics import Source


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """What is to be kept, what was taken out of the devices' allowances for it, and what found no room there."""

    decoded: Decoded
    use: Use
    over: tuple[Over, ...]


def admit(
    messages: Sequence[Message],
    sources: Sequence[Source],
    catalogue: Catalogue,
    allowance: Allowance,
    nodes: Mapping[NodeKey, Node] = MappingProxyType({}),
) -> Admitted:
    """A message that is over a limit is one refusal and nothing else. Changes nothing in `allowance`."""
    decoded = decode(messages, sources, catalogue, nodes)
    over, use = allowance.judge(decoded.asked, decoded.received_ms)
    if over:  # hardly ever; read again without them, for what they said has met what others said
        left = decode(messages, sources, catalogue, nodes, without=over)
        refused = [_refusal(messages[place], sources[place], over[place]) for place in over]
        in_order = sorted([*left.refusals, *refused], key=lambda refusal: refusal.seq)
        decoded = replace(decoded, batches=left.batches, refusals=in_order, repeats=left.repeats, answers=left.answers)
    return Admitted(decoded=decoded, use=use, over=tuple(over.values()))


def _refusal(message: Message, source: Source, over: Over) -> Refusal:
    return Refusal(
        seq=message.seq,
        received_ms=message.received_ms,
        topic=source.topic,
        tenant_id=source.tenant_id,
        device_no=source.device_no,
        reason=Reason.OVER_LIMIT,
        detail=str(over),
        payload=message.payload,
    )
