"""The record is a function of the log: whatever is said of few moments, and wherever batches end, it is what
dictionaries and a loop make of the same messages."""

from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.worker.batch import Intake
from ingest.model import Message
from tests.conftest import Database
from tests.ingest.builders import FRIDGE, NOW_MS
from tests.ingest.plain import Plain
from tests.ingest.test_bad_input import intake  # noqa: F401

pytestmark = pytest.mark.engines
_rounds = count(1)

metrics = st.dictionaries(
    st.sampled_from(["power_w", "cabinet_temp_c", "door_open", "mode", "rssi"]),
    st.sampled_from([0, 1, 2, 0.0, 1.5, None]),
    min_size=1,
    max_size=3,
)
odd = st.dictionaries(st.sampled_from(["power_w", "mode"]), st.sampled_from(["eco", True]), min_size=1)
wide = st.integers(0, 300).map(lambda first: {f"k{i}": i % 3 for i in range(first, first + 150)})
ages = st.sampled_from([0, 1, 1, 2, FRIDGE.retention_days * 86_400_000 + 5_000])
readings = st.tuples(ages, metrics | odd | wide)
messages = st.tuples(st.sampled_from(["d1"] * 6 + ["d9"]), st.lists(readings, min_size=1, max_size=3))
logs = st.lists(st.tuples(messages, st.booleans()), min_size=2, max_size=12)


@settings(
    max_examples=30, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(log=logs)
def test_the_record_is_what_a_loop_over_the_log_makes_of_it(database: Database, intake: Intake, log: Any) -> None:  # noqa: F811
    """Each example has a moment of its own in one record. Behind a True the batch ends."""
    seq, at_ms = 1000 * (turn := next(_rounds)), NOW_MS - turn * 100_000
    plain, batch = Plain({"d1"}), []
    for (device, said), ends in log:
        seq += 1
        payload = orjson.dumps([{"ts": at_ms - age, "m": metrics} for age, metrics in said])
        plain.hear(seq, at_ms, device, payload)
        batch.append(Message(seq, at_ms, f"log.7.demo.{device}.up.telemetry", payload))
        if ends:
            intake.take(batch)
            batch = []
    if batch:
        intake.take(batch)
    assert stored(database, at_ms) == (plain.rows, plain.first)
    assert refused(database, 1000 * turn) == plain.refused


def stored(database: Database, at_ms: int) -> tuple[Any, Any]:
    names = FRIDGE.metric_names
    with database.connect() as conn:
        found = conn.execute(
            "SELECT (extract(epoch FROM ts) * 1000)::bigint, seq, extra, " + ", ".join(names)
            + " FROM reading_refrigerator WHERE received_at = to_timestamp(%s / 1000.0)",
            [at_ms],
        ).fetchall()  # fmt: skip
    rows, first = {}, {}
    for ts, seq, extra, *values in found:
        said = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        rows["d1", ts], first["d1", ts] = said | (extra or {}), seq
    return rows, first


def refused(database: Database, after: int) -> dict[tuple[Any, ...], list[int]]:
    with database.connect() as conn:
        found = conn.execute(
            "SELECT device_id, reason, metric, (extract(epoch FROM ts) * 1000)::bigint, payload, seen, seq, last_seq"
            " FROM refusal WHERE seq > %s",
            [after],
        ).fetchall()
    return {tuple(key): seen for *key, seen, first, last in found for seen in [[seen, first, last]]}
