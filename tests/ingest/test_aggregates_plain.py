"""An aggregate is a function of the record, as the record is one of the log: in whatever order readings come, whatever
they fill in, repeat or contradict, and however often their hours were aggregated before."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.worker.batch import Intake
from ingest import resolution
from ingest.model import Message
from ingest.resolution import HOUR_MS, levels
from tests.conftest import Database
from tests.ingest.builders import FRIDGE
from tests.ingest.conftest import Record
from tests.ingest.plain import Plain, aggregated, kept_aggregates
from tests.ingest.record import register
from tests.ingest.test_aggregates import DAY_MS, METRICS, START_MS, aggregate, at, envelope, window

pytestmark = pytest.mark.engines
HOURS, SETTLED_MS = 4, 300_000
_rounds = count(1)

# few of them, at the edges of quarters and hours, so that they meet
moments = st.builds(lambda quarter, ms: quarter * HOUR_MS // 4 + ms, st.integers(1, 4 * HOURS - 1), st.integers(-1, 1))
metrics = st.dictionaries(st.sampled_from(METRICS), st.sampled_from([0, -1.5, 2, 4.25, 99]), min_size=1)
odd = st.sampled_from([{"mode": 1}, {"power_w": "eco"}, {"cabinet_temp_c": True, "power_w": 7}])
readings = st.tuples(moments | moments | st.just(-(FRIDGE.retention_days + 1) * DAY_MS), metrics | metrics | odd)
messages = st.tuples(st.sampled_from(["d1"] * 4 + ["d2", "d9"]), st.lists(readings, min_size=1, max_size=4))
batches = st.lists(messages, min_size=1, max_size=3)
looks = st.tuples(st.integers(0, HOURS), st.integers(0, HOURS * 60), st.integers(1, 9))
Said, Look = list[tuple[int, dict[str, Any]]], tuple[int, int, int]


@settings(max_examples=20, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(batches | looks, min_size=3, max_size=12))
def test_aggregates_and_curves_are_what_a_loop_over_the_log_makes_of_it(
    record: Record,
    intake: Intake,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[list[tuple[str, Said]] | Look],
) -> None:
    """Each example has some hours of its own in one record. Between batches somebody looks: when so many hours are
    over, at a curve from such a minute on, of so many points; before they are aggregated, and afterwards."""
    monkeypatch.setattr(resolution, "FEW_READINGS", 90)
    start_ms = START_MS + (turn := next(_rounds)) * 2 * HOURS * HOUR_MS
    end_ms = start_ms + HOURS * HOUR_MS
    device_no = begin(record, start_ms)
    plain, seq, sealed_ms = Plain({"d1", "d2"}), count(1000 * turn), start_ms
    for step in [*steps, (HOURS, 0, 3)]:
        if isinstance(step, list):
            batch = [a_message(next(seq), start_ms, end_ms, *each) for each in step]
            for message, (device, _) in zip(batch, step, strict=True):
                plain.hear(message.seq, message.received_ms, device, message.payload)
            intake.take(batch)
            continue
        hours, minute, points = step
        asked = (start_ms + minute * 60_000, end_ms, points)
        envelope(*said(plain, "d1"), *asked[:2], window(record, device_no, *asked))
        sealed_ms = max(sealed_ms, start_ms + hours * HOUR_MS)
        aggregate(record, at(sealed_ms + SETTLED_MS))
        envelope(*said(plain, "d1"), *asked[:2], window(record, device_no, *asked))
        over = {key: said for key, said in plain.rows.items() if key[1] < sealed_ms}
        with record.connect() as conn:
            for level in levels(FRIDGE.cadence_s):
                assert kept_aggregates(conn, level, start_ms) == aggregated(over, level.width_ms)


class Held:
    """A record of which the connections stay open: most of what looking takes."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self._open = cache(lambda role, autocommit: stack.enter_context(database.connect(role, autocommit=autocommit)))

    @contextmanager
    def connect(self, role: str = "postgres", *, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
        conn = self._open(role, autocommit)
        yield conn
        conn.rollback()


@pytest.fixture
def record(database: Database) -> Iterator[Held]:
    with ExitStack() as stack:
        yield Held(database, stack)


def begin(record: Record, start_ms: int) -> int:
    """Hours are sealed from here on; the number of d1."""
    with record.connect() as conn:
        conn.execute("UPDATE sealing SET sealed_to = %s", [at(start_ms)])
        known = dict(conn.execute("SELECT device_id, device_no FROM device").fetchall())
        if "d2" not in known:
            register(conn, ("demo", "d2", "refrigerator"))
    return int(known["d1"])


def a_message(seq: int, start_ms: int, received_ms: int, device: str, said: Said) -> Message:
    payload = orjson.dumps([{"ts": start_ms + ms, "m": metrics} for ms, metrics in said])
    return Message(seq, received_ms, f"log.7.demo.{device}.up.telemetry", payload)


def said(plain: Plain, device: str) -> tuple[Any, Any]:
    """Times (n,) and values (n, 2) of a device, as `envelope` takes them."""
    rows = sorted((ts, row) for (whose, ts), row in plain.rows.items() if whose == device)
    values = [[row.get(name, np.nan) for name in METRICS] for _, row in rows]
    return np.array([ts for ts, _ in rows], np.int64), np.array(values, np.float64).reshape(-1, len(METRICS))
