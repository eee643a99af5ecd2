"""Words of Sparkplug: an edge node, its births and deaths, and what it says between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

ITSELF = ""  # in place of a device's id: the edge node


class NodeKey(NamedTuple):
    """An edge node's id is its own within a group only."""

    tenant_id: str
    group_id: str
    node_id: str


class Kind(StrEnum):
    """What a message is, by its topic; those of a device have a level more."""

    NBIRTH = "NBIRTH"
    NDEATH = "NDEATH"
    NDATA = "NDATA"
    DBIRTH = "DBIRTH"
    DDEATH = "DDEATH"
    DDATA = "DDATA"

    @property
    def of_device(self) -> bool:
        return self.value[0] == "D"

    @property
    def is_birth(self) -> bool:
        return self.value[1:] == "BIRTH"

    @property
    def is_death(self) -> bool:
        return self.value[1:] == "DEATH"


class EdgeTopic(NamedTuple):
    """Who speaks, by a topic, and how."""

    node: NodeKey
    kind: Kind
    device_id: str = ITSELF


class Known(NamedTuple):
    """What a birth says of a metric. `shared`: another one's name ends alike."""

    name: str
    datatype: int
    alias: int | None
    unit: str | None
    shared: bool


@dataclass(frozen=True, kw_only=True)
class Birth:
    """A birth or a death of an edge node or of one of its devices, which holds from the message `seq` of the log on.
    A death keeps what the birth before it said."""

    device_id: str
    seq: int
    received_ms: int
    born: bool
    bd_seq: int | None = None  # which session of the node at its broker it belongs to
    sent_ms: int | None = None  # by the node's own clock
    since_ms: int = 0  # from when on, by the log's clock, its aliases mean what they mean now
    metrics: tuple[Known, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Known]:
        return {metric.name: metric for metric in self.metrics}

    @cached_property
    def by_alias(self) -> Mapping[int, Known]:
        return {metric.alias: metric for metric in self.metrics if metric.alias is not None}

    @cached_property
    def shared(self) -> frozenset[str]:
        return frozenset(metric.name for metric in self.metrics if metric.shared)


class Step(NamedTuple):
    """The message by which the next one is measured: its sequence number, and when it was sent by its own clock."""

    seq: int
    sent_ms: int | None


@dataclass(frozen=True, kw_only=True)
class Node:
    """What is known of an edge node. Times are the log's. `births`: the newest of each device, and of the node itself,
    as far as this batch needs them. `lacking`: something was missing since the node's birth, or that itself is."""

    last: Step | None = None
    online: bool = False
    since_ms: int | None = None  # online or not
    born_ms: int | None = None
    lacking: bool = False
    wanted_ms: int | None = None  # when it was last wanted that it says its births again
    births: Mapping[str, Birth] = field(default_factory=dict)

    def birth(self, device_id: str) -> Birth | None:
        """The one in force: a node's own ends those of its devices."""
        own, of_device = self.births.get(ITSELF), self.births.get(device_id)
        if own is None or of_device is None or not (own.born and of_device.born):
            return None
        return of_device if of_device.seq >= own.seq else None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How it stands with an edge node, as people see it; times are the log's."""

    group_id: str
    node_id: str
    online: bool
    since: datetime | None
    born_at: datetime | None
    lacking: bool
    rebirth_wanted_at: datetime | None
    rebirth_asked_for: datetime | None


class Presence(NamedTuple):
    """A fact: a device said that it is there, or it was said for it that it is gone."""

    device_no: int
    online: bool
    received_ms: int


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a batch changes: `nodes` by key, `births` in log order with the node that they belong to. `gaps` and
    `wanted`: how often a message was missing, and a rebirth needed."""

    nodes: Mapping[NodeKey, Node] = field(default_factory=dict)
    births: list[tuple[NodeKey, Birth]] = field(default_factory=list)
    presence: list[Presence] = field(default_factory=list)
    gaps: int = 0
    wanted: int = 0
