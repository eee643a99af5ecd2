"""What NATS denied a device, read from its log: a denied publish is acknowledged and leaves a line there."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

# Everything that a device can put into such a line stands in quotes, in which NATS writes what is no plain letter as an
# escape; the subscription's own name at the end does not, but a topic with a space in it never gets there.
_LINE = re.compile(
    rb"\[\d+\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) \[ERR\] \S+ - mid:\d+ - "
    rb'"([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_-]{1,64})" - (Publish|Subscription) Violation - '
    rb'Subject "((?:[^"\\]|\\.)*)"(?:, SID \S+)?'
)
_STAMP = re.compile(rb"\[\d+\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) \[")
_LONGEST = 200  # of a topic that is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """`published`: else it wanted to subscribe."""

    at: datetime
    tenant_id: str
    device_id: str
    published: bool
    topic: str


def read(line: bytes) -> Violation | None:
    """None for any other line. The client id is the device's own: the door lets nobody in with another."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    stamp, tenant_id, device_id, kind, subject = match.groups()
    return Violation(
        at=moment(stamp),
        tenant_id=tenant_id.decode(),
        device_id=device_id.decode(),
        published=kind == b"Publish",
        topic=_topic(subject.decode(errors="replace")),
    )


def written_at(line: bytes) -> datetime | None:
    """When a line was written; None for one that goes on from another."""
    match = _STAMP.match(line)
    return None if match is None else moment(match[1])


def moment(stamp: bytes) -> datetime:
    """NATS is told to write UTC."""
    return datetime.strptime(stamp.decode(), "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)


def _topic(subject: str) -> str:
    """A subject as the device wrote it: the listener turns a dot into `//`, wildcards into `*` and `>`."""
    levels = [level.replace("//", ".") for level in subject.split(".")]
    wild = {"*": "+", ">": "#"}
    return "/".join(wild.get(level, level) for level in levels)[:_LONGEST]
