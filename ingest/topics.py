"""A subject of the log, read: who spoke, and whether it is somewhere we listen."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from devices.model import Address
from ingest.edge.model import ITSELF, EdgeTopic, Kind, NodeKey
from ingest.model import Reason
from ingest.payloads.formats import EDGE, FORMATS, PLAIN
from ingest.payloads.model import Format

# The log listens where NATS' MQTT listener stores a message before it sends PUBACK; what we publish goes there too.
DOOR = "$MQTT.msgs."

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EDGE = "sparkplug"
_EDGE_KINDS = frozenset(Kind)
_FOREIGN = "bridge:"  # before a foreign topic, so that it is no id
_FOREIGN_BYTES = 512  # of it are shown
_LONGEST = 2048  # characters of a topic: MQTT takes 65,535, and refusals store theirs
_SHOWN = 200
_NOT_IN_A_LEVEL = re.compile(r"[\x00-\x20\x7f.%*>]|^/|/$|(?<=/)/")  # by NATS, or by `read`
_FOREIGN_WORDS = {
    "unmapped": "it came over a bridge, and no --map of the bridge matches its topic",
    "invalid": "it came over a bridge, whose --map makes no topic of a device of it",
}


class About(StrEnum):
    """What a topic's messages are about."""

    READINGS = "readings"
    PRESENCE = "presence"  # of the device
    REPORTED = "reported"  # what it says it is like
    RESULT = "result"  # what came of a command
    BRIDGE = "bridge"  # what a bridge says of itself; no device may


ANSWERS = frozenset({About.REPORTED, About.RESULT})
_TELEMETRY = "telemetry"
_KINDS = {
    ("up", "presence"): About.PRESENCE,
    ("up", "reported"): About.REPORTED,
    ("up", "result"): About.RESULT,
    ("ctl", "bridge"): About.BRIDGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What decoding needs to know of a subject, the same for all its messages. `reason` refuses all of them."""

    topic: str
    tenant_id: str | None
    device_id: str | None
    device_no: int | None
    class_id: str | None
    reason: Reason | None
    detail: str = ""
    form: Format = PLAIN
    edge: EdgeTopic | None = None  # of an edge node, whose messages are understood one after the other
    fast_class_id: str | None = None  # its class, if its payloads may take the fast path
    about: About = About.READINGS

    @property
    def key(self) -> tuple[str, str] | None:
        """Who must be known, unless the topic alone is reason enough."""
        if self.reason is not None or self.about is About.BRIDGE or self.tenant_id is None or self.device_id is None:
            return None
        return self.tenant_id, self.device_id


def spoken() -> list[str]:
    """Of what stands below a device's `up`, all that is listened to, but for Sparkplug, which comes over bridges."""
    kinds = [kind for side, kind in _KINDS if side == "up"]
    return [*kinds, *(f"{_TELEMETRY}/{name}".rstrip("/") for name in FORMATS)]


def sender(topic: str) -> str:
    """The device that a topic names, registered or not; empty where it names none."""
    levels = topic.split("/")
    place = 7 if len(levels) == 8 and levels[3:5] == ["up", _EDGE] else 2
    return levels[place] if len(levels) > 3 and _ID.fullmatch(levels[place]) else ""


def is_for_edges(topic: str) -> bool:
    """Whether it is one under which edge nodes speak, for themselves and for their devices."""
    return topic.split("/")[3:5] == ["up", _EDGE]


def is_id(text: str) -> bool:
    """Whether a tenant or a device may be called so."""
    return _ID.fullmatch(text) is not None


def read(subject: str) -> Source:
    """`log.{slot}.{tenant}.{device}.up.telemetry[.{format}]` without its device's address, or
    `log.{slot}.{tenant}.{edge node}.up.sparkplug.{group}.{type}[.{device}]`.

    The MQTT listener writes a dot in a topic as `//` and an empty level as `/`; neither stands in an id.
    """
    levels = subject.replace("\0", "\ufffd").split(".")[2:]
    topic = "fm/" + "/".join(level.replace("//", ".").strip("/") for level in levels)
    ids = [level if _ID.fullmatch(level) else None for level in (*levels, "", "")[:2]]
    form = _format(levels[4:])
    about = _KINDS.get((levels[2], levels[3]), About.READINGS) if len(levels) == 4 else About.READINGS
    edge = _edge(levels) if levels[2:4] == ["up", _EDGE] and None not in ids else None
    reason, detail = None, ""
    if None in ids or len(levels) < 4:
        reason, detail = Reason.BAD_TOPIC, _why_bad(levels)
    elif len(topic) > _LONGEST:
        reason, detail = (
            Reason.BAD_TOPIC,
            f"{len(topic)} characters; at most {_LONGEST} are read, and as many kept here",
        )
    elif about is not About.READINGS or edge is not None:
        pass
    elif levels[2:4] != ["up", _TELEMETRY] or form is None:
        reason, detail = Reason.UNKNOWN_KIND, f"nobody listens to {'/'.join(levels[2:])[:_SHOWN]!r}"
    return Source(
        topic=topic[:_LONGEST],
        tenant_id=ids[0],
        device_id=edge.device_id or ids[1] if edge else ids[1],
        device_no=None,
        class_id=None,
        reason=reason,
        detail=detail,
        form=EDGE if edge else form or PLAIN,
        edge=edge,
        about=about,
    )


def _edge(levels: list[str]) -> EdgeTopic | None:
    """None where it is no message of an edge node or one of its devices."""
    tenant_id, node_id, _, _, *rest = levels
    if len(rest) not in {2, 3} or rest[1] not in _EDGE_KINDS or not all(map(is_id, rest)):
        return None
    kind = Kind(rest[1])
    if kind.of_device is not (len(rest) == 3):
        return None
    return EdgeTopic(NodeKey(tenant_id, rest[0], node_id), kind, rest[2] if kind.of_device else ITSELF)


def slot(subject: str) -> int:
    """Which of the log's slots it is in."""
    return int(subject.split(".", 2)[1])


def bridge(tenant_id: str, bridge_id: str) -> str:
    """The subject under which a bridge says how it stands with its broker."""
    return f"fm.{tenant_id}.{bridge_id}.ctl.bridge"


def telemetry(tenant_id: str | None, device_id: str | None) -> str:
    """The topic of a device's readings as JSON."""
    return f"fm/{tenant_id}/{device_id}/up/telemetry"


def foreign(tenant_id: str, topic: str, why: str) -> str:
    """The subject of what came over a bridge and is no device's: it becomes a refusal that names the topic."""
    shown = topic.encode()[:_FOREIGN_BYTES].decode("utf-8", "ignore")
    level = _NOT_IN_A_LEVEL.sub(lambda found: f"%{ord(found[0]):02X}", shown)
    return f"fm.{tenant_id}.{_FOREIGN}{level}.up.{why}"


def _why_bad(levels: list[str]) -> str:
    if len(levels) == 4 and levels[1].startswith(_FOREIGN):
        return _FOREIGN_WORDS.get(levels[3], "it came over a bridge")
    return "an id is 1 to 64 of a-z A-Z 0-9 _ -"


def _format(levels: list[str]) -> Format | None:
    """By the levels after `up/telemetry`: none is JSON."""
    if not levels:
        return PLAIN
    return FORMATS.get(levels[0]) if len(levels) == 1 and levels[0] else None


def found(source: Source, address: Address | None, class_ids: frozenset[str]) -> Source:
    """The source with its device's address, or refused for the lack of one."""
    reason, detail = source.reason, source.detail
    if source.about is About.BRIDGE:
        return source
    if reason is None and address is None:
        reason, detail = Reason.UNKNOWN_DEVICE, f"no device {source.device_id!r} is registered"
    elif reason is None and address is not None and address.class_id not in class_ids:
        reason, detail = Reason.UNKNOWN_DEVICE, f"its class {address.class_id!r} is not in the catalogue"
    return replace(
        source,
        device_no=address.device_no if address else None,
        class_id=address.class_id if address else None,
        reason=reason,
        detail=detail,
        fast_class_id=address.class_id if address and reason is None and _is_plain(source) else None,
    )


def _is_plain(source: Source) -> bool:
    return source.form is PLAIN and source.about is About.READINGS
