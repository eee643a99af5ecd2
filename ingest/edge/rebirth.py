"""An edge node is asked to say its births again: from the relay, which reads the wish in the record, by way of NATS to
the bridges, which need no record, to the broker that the node speaks to. Nobody keeps it on the way: who needs it asks
again.
"""

from typing import NamedTuple

import orjson

from ingest.edge.model import NodeKey
from ingest.payloads import sparkplug
from ingest.payloads.sparkplug import Metric, Payload

REBIRTH = "Node Control/Rebirth"
KIND = "rebirth"
_MOST_BYTES = 1024


class Command(NamedTuple):
    """What an edge node understands, under Sparkplug's own topic."""

    topic: str
    payload: bytes


def subject(node: NodeKey) -> str:
    return f"fm.{node.tenant_id}.{node.node_id}.down.{KIND}"


def heard_by(tenant_id: str) -> str:
    """The subject under which a bridge hears of all nodes of a tenant."""
    return f"fm.{tenant_id}.*.down.{KIND}"


def say(node: NodeKey, now_ms: int) -> bytes:
    return orjson.dumps({"group": node.group_id, "node": node.node_id, "at_ms": now_ms})


def command(said: bytes) -> Command | None:
    """None for what the relay does not say."""
    try:
        asked = orjson.loads(said) if len(said) <= _MOST_BYTES else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(asked, dict) or list(map(type, map(asked.get, ("group", "node", "at_ms")))) != [str, str, int]:
        return None
    if not 0 <= asked["at_ms"] < 1 << 63 or any(wild in asked["group"] + asked["node"] for wild in "+#/\0"):
        return None
    yes = Metric(
        name=REBIRTH,
        timestamp_ms=asked["at_ms"],
        datatype=sparkplug.BOOLEAN_TYPE,
        field=sparkplug.BOOLEAN,
        value=1,
    )
    topic = f"spBv1.0/{asked['group']}/NCMD/{asked['node']}"
    return Command(topic, sparkplug.say(Payload([yes], timestamp_ms=asked["at_ms"])))
