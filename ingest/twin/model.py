"""Words of the way up and the way down."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ingest.model import Message
from ingest.topics import About, Source


class Answer(NamedTuple):
    """What a device says of its twin: a message of the log, read. `command_id`: of a result."""

    place: int  # in the batch of messages
    message: Message
    source: Source
    about: About
    body: dict[str, Any]
    command_id: UUID | None


class Waiting(NamedTuple):
    """An answer that nobody has taken."""

    answer_no: int
    device_no: int
    received_at: datetime
    about: About
    body: dict[str, Any]


class Down(NamedTuple):
    """What is said to a device: its subject in NATS, which is its topic with dots."""

    subject: str
    payload: bytes

    @property
    def topic(self) -> str:
        return self.subject.replace(".", "/")
