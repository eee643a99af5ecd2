"""Messages become readings and refusals as far as their devices may send as much: pure, a fold over the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from devices.model import Catalogue
from ingest.allowance import Allowance, Over, Use
from ingest.decode import Decoded, decode
from ingest.edge.model import Node, NodeKey
from ingest.model import Message, Reason
from ingest.refused import refused
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
        too_much = [refused(messages[at], sources[at], Reason.OVER_LIMIT, str(said)) for at, said in over.items()]
        refusals = [*left.refusals, *too_much]
        decoded = replace(decoded, batches=left.batches, refusals=refusals, repeats=left.repeats, answers=left.answers)
    return Admitted(decoded=decoded, use=use, over=tuple(over.values()))
