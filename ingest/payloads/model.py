"""What every format speaks: documents with nothing lost between bytes and reading, and verdicts on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.model import Reason


class Pairs(list[tuple[Any, Any]]):
    """A map as it stands, repeated keys included. Keys are texts, integers or Foreign: all hashable."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """What no reading may hold (bytes, a tag, an extension), as it stands in its encoding."""

    kind: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Huge(Foreign):
    """An integer of more digits than any column takes, as it stands."""


class UnreadableError(Exception):
    """The payload is refused as a whole. Raised and caught inside this room: to its callers bad input is a value."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is left of a reading. `extra`: what nobody declared."""

    ts_ms: int
    values: dict[str, float]
    extra: dict[str, float | int | str | bool]


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Why a payload, a reading or a metric is refused, with the bytes that say it again in the same format."""

    reason: Reason
    detail: str
    payload: bytes
    ts_ms: int | None = None
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    readings: list[Reading] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a document stands in bytes. A document is None, bool, int, float, str, list, Pairs or Foreign.

    `parse` raises UnreadableError; it never nests deeper than `limits.DEPTH` and costs no more than the bytes that are
    there, whatever lengths they claim. Text that is no UTF-8 comes as lone surrogates. `say` is its inverse.
    """

    parse: Callable[[bytes], Any]
    say: Callable[[Any], bytes]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What reading a document needs beside it. `declared`: unit of each metric of the class, by its name."""

    payload: bytes
    received_ms: int
    declared: Mapping[str, str]
    say: Callable[[Any], bytes]


@dataclass(frozen=True, kw_only=True)
class Format:
    """An encoding and what is said in it. `name` is the level after `up/telemetry`; empty for JSON."""

    name: str
    encoding: Encoding
    read: Callable[[Any, Context], Verdict]  # may raise UnreadableError
