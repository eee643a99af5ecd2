"""The messages of a batch's edge nodes, each understood by what its node said before it: pure, in log order.

What staff sends again (a refusal, after a fix) is read by what is known now, and is no step of anything: neither of the
sequence nor of a life.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from ingest.edge import session
from ingest.edge.model import ITSELF, Birth, EdgeTopic, Node, NodeKey, Presence, Told
from ingest.edge.names import resolve
from ingest.model import Message, Reason
from ingest.payloads import metrics
from ingest.payloads.model import Context, Flaw, Format, Verdict
from ingest.payloads.sparkplug import Payload
from ingest.topics import Source


class Hearing:
    """Of one batch. `nodes`: what was known before it; a node that is missing is a new one."""

    def __init__(self, nodes: Mapping[NodeKey, Node]) -> None:
        self._nodes = dict(nodes)
        self._changed: set[NodeKey] = set()
        self._births: list[tuple[NodeKey, Birth]] = []
        self._presence: list[Presence] = []
        self._taken = 0
        self._gaps = self._wanted = 0

    @property
    def told(self) -> Told:
        return Told(
            nodes={key: self._nodes[key] for key in sorted(self._changed)},
            births=self._births,
            presence=self._presence,
            gaps=self._gaps,
            wanted=self._wanted,
        )

    def news(self) -> list[Presence]:
        """Who has come or gone since this was asked last."""
        fresh, self._taken = self._presence[self._taken :], len(self._presence)
        return fresh

    def form(self, message: Message, source: Source) -> Format:
        """How a message that an edge node has `topic` is read."""
        return replace(source.form, read=partial(self._read, message=message, source=source))

    def _read(self, payload: Payload, context: Context, *, message: Message, source: Source) -> Verdict:
        topic, live = source.edge, message.first_ms is None
        assert topic is not None
        if live:
            self._go_on(topic, payload, message, source.device_no)
        if topic.kind.is_death:
            return Verdict()
        birth = self._node(topic.node).birth(topic.device_id)
        lost: list[Flaw] = []
        shared = None
        if not topic.kind.is_birth:
            payload, lost = resolve(payload, birth, context, message.judged_ms, live=live)
            shared = None if birth is None else birth.shared
        if source.reason is not None:
            return _of_a_stranger(payload, context, source, lost=bool(lost))
        if live and (lost or birth is None):
            self._want(topic.node, message.received_ms)
        verdict = metrics.read(payload, context, shared) if payload.metrics or not lost else Verdict()
        verdict.flaws.extend(lost)
        return verdict

    def _node(self, key: NodeKey) -> Node:
        return self._nodes.get(key) or Node()

    def _keep(self, key: NodeKey, node: Node) -> None:
        if node != self._nodes.get(key):
            self._nodes[key] = node
            self._changed.add(key)

    def _want(self, key: NodeKey, received_ms: int) -> None:
        before = self._node(key)
        after = session.want(before, received_ms)
        self._wanted += after.wanted_ms != before.wanted_ms
        self._keep(key, after)

    def _go_on(self, topic: EdgeTopic, payload: Payload, message: Message, device_no: int | None) -> None:
        """The node after this message."""
        node, kind = self._node(topic.node), topic.kind
        of_node = topic.device_id == ITSELF
        if of_node and kind.is_birth:
            birth = session.birth_of(node, topic, payload, message)
            if birth is not None:
                last, _ = session.in_step(None, payload._replace(seq=payload.seq or 0))
                node = replace(node, last=last, born_ms=message.received_ms, lacking=False)
                self._live(topic, node, birth, device_no)
            return
        if of_node and kind.is_death:
            death = session.death_of(node, topic, payload, message)
            if death is not None:
                self._live(topic, replace(node, last=None, lacking=False), death, device_no)
            return
        last, missing = session.in_step(node.last, payload)
        self._keep(topic.node, replace(node, last=last))
        self._gaps += missing
        if missing or node.lacking:
            self._want(topic.node, message.received_ms)
        if kind.of_device and device_no is not None and node.birth(ITSELF) is not None:
            turn = session.birth_of if kind.is_birth else session.death_of if kind.is_death else None
            change = turn(node, topic, payload, message) if turn else None
            if change is not None:
                self._live(topic, self._node(topic.node), change, device_no)

    def _live(self, topic: EdgeTopic, node: Node, change: Birth, device_no: int | None) -> None:
        if topic.device_id == ITSELF and node.online != change.born:
            node = replace(node, online=change.born, since_ms=change.received_ms)
        self._keep(topic.node, replace(node, births={**node.births, topic.device_id: change}))
        self._births.append((topic.node, change))
        if device_no is not None:
            self._presence.append(Presence(device_no, change.born, change.received_ms))


def _of_a_stranger(payload: Payload, context: Context, source: Source, *, lost: bool) -> Verdict:
    """An edge node need not be a device of ours, unless it says what only a device can."""
    if not lost and not any(metrics.says_something(metric) for metric in payload.metrics):
        return Verdict()
    return Verdict(flaws=[Flaw(reason=Reason.UNKNOWN_DEVICE, detail=source.detail, payload=context.payload)])
