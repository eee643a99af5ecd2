"""What the record must be, from the log's content alone: dictionaries, one message after the other, no batch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from ingest import limits
from ingest.resolution import Level
from tests.ingest.builders import FRIDGE

Key = tuple[str, int]  # device, ts
_DAY_MS = 86_400_000


@dataclass
class Plain:
    """`rows`: what each reading says and the message that it came with first; `refused`: of each thing how often, with
    its first and last message."""

    known: set[str]
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    first: dict[Key, int] = field(default_factory=dict)
    refused: dict[tuple[Any, ...], list[int]] = field(default_factory=dict)

    def hear(self, seq: int, received_ms: int, device: str, payload: bytes) -> None:
        if device not in self.known:
            self._refuse(seq, device, "UNKNOWN_DEVICE", None, None, payload)
            return
        said = orjson.loads(payload)
        for entry in said:
            if not isinstance(entry, dict):
                self._refuse(seq, device, "NOT_A_READING", None, None, orjson.dumps(entry))
        readings = [entry for entry in said if isinstance(entry, dict)]
        told: dict[int, dict[str, Any]] = {}  # what one message says of one ts is one reading
        for entry in sorted(readings, key=lambda each: each["ts"]):
            good = self._good(seq, received_ms, device, entry["ts"], entry["m"])
            if good:
                self._merge(seq, device, entry["ts"], told.setdefault(entry["ts"], {}), good)
        for ts, metrics in told.items():
            self.first.setdefault((device, ts), seq)
            self._merge(seq, device, ts, self.rows.setdefault((device, ts), {}), metrics)

    def _good(self, seq: int, received_ms: int, device: str, ts: int, metrics: dict[str, Any]) -> dict[str, Any]:
        bad = {name: value for name, value in metrics.items() if name in FRIDGE.metric_names and _is_bad(value)}
        for name, value in bad.items():
            self._refuse(seq, device, "NOT_A_NUMBER", name, ts, _say(ts, {name: value}))
        good = {name: value for name, value in metrics.items() if name not in bad and value is not None}
        good = {name: float(value) if name in FRIDGE.metric_names else value for name, value in good.items()}
        if not good and not bad:
            self._refuse(seq, device, "EMPTY", None, ts, _say(ts, metrics))
        if good and ts < received_ms - FRIDGE.retention_days * _DAY_MS:
            declared = {name: good[name] for name in FRIDGE.metric_names if name in good}
            self._refuse(seq, device, "TOO_LATE", None, ts, _say(ts, declared | good))
            return {}
        return good

    def _merge(self, seq: int, device: str, ts: int, row: dict[str, Any], said: dict[str, Any]) -> None:
        beyond = {}
        for name, value in said.items():
            if name in row:
                if not _same(row[name], value):
                    self._refuse(seq, device, "CONFLICT", name, ts, _say(ts, {name: value}))
            elif name not in FRIDGE.metric_names and sum(n not in FRIDGE.metric_names for n in row) >= limits.KEYS:
                beyond[name] = value
            else:
                row[name] = value
        if beyond:
            self._refuse(seq, device, "TOO_MANY_KEYS", None, ts, _say(ts, beyond))

    def _refuse(self, seq: int, device: str, reason: str, metric: str | None, ts: int | None, payload: bytes) -> None:
        seen = self.refused.setdefault((device, reason, metric, ts, payload), [0, seq, seq])
        seen[0] += 1
        seen[2] = seq


def _is_bad(value: Any) -> bool:
    return value is not None and (isinstance(value, bool | str) or not math.isfinite(value))


def _same(stored: Any, said: Any) -> bool:
    return stored == said and isinstance(stored, bool) == isinstance(said, bool)


def _say(ts: int, metrics: dict[str, Any]) -> bytes:
    return orjson.dumps({"ts": ts, "m": metrics})


def kept(conn: psycopg.Connection[Any], after: int) -> tuple[dict[Key, dict[str, Any]], dict[Key, int]]:
    """`rows` and `first` of the record, of messages after `after`."""
    names = FRIDGE.metric_names
    found = conn.execute(
        "SELECT device_id, (extract(epoch FROM ts) * 1000)::bigint, seq, extra, " + ", ".join(names)
        + " FROM reading_refrigerator JOIN device USING (device_no) WHERE seq > %s",
        [after],
    ).fetchall()  # fmt: skip
    rows, first = {}, {}
    for device, ts, seq, extra, *values in found:
        said = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        rows[device, ts], first[device, ts] = said | (extra or {}), seq
    return rows, first


def refused(conn: psycopg.Connection[Any], after: int) -> dict[tuple[Any, ...], list[int]]:
    """The same of the record."""
    found = conn.execute(
        "SELECT device_id, reason, metric, (extract(epoch FROM ts) * 1000)::bigint, payload, seen, seq, last_seq"
        " FROM refusal WHERE seq > %s",
        [after],
    ).fetchall()
    return {tuple(key): [seen, first, last] for *key, seen, first, last in found}


def aggregated(rows: dict[Key, dict[str, Any]], width_ms: int) -> dict[Key, list[Any]]:
    """Of each device and stretch: how many rows, then of each metric min, max, mean, last and count."""
    buckets: dict[Key, list[dict[str, Any]]] = {}
    for device, ts in sorted(rows):
        buckets.setdefault((device, ts - ts % width_ms), []).append(rows[device, ts])
    return {key: [len(some), *_of_metrics(some)] for key, some in buckets.items()}


def _of_metrics(rows: list[dict[str, Any]]) -> Iterator[float | None]:
    for name in FRIDGE.metric_names:
        said = [row[name] for row in rows if name in row]
        yield from [min(said), max(said), sum(said) / len(said), said[-1]] if said else [None] * 4
        yield len(said)


def kept_aggregates(conn: psycopg.Connection[Any], level: Level, since_ms: int) -> dict[Key, list[Any]]:
    """The same of the record."""
    columns = [f"{what}_{name}" for name in FRIDGE.metric_names for what in ("min", "max", "avg", "last", "count")]
    found = conn.execute(
        f"SELECT device_id, (extract(epoch FROM begins) * 1000)::bigint, readings, {', '.join(columns)}"
        f" FROM {level.name}_refrigerator JOIN device USING (device_no) WHERE begins >= to_timestamp(%s)",
        [since_ms / 1000],
    ).fetchall()
    return {(device, begins): rest for device, begins, *rest in found}
