"""The record is a function of the log: whatever is said of few moments, and wherever batches end, it is what
dictionaries and a loop make of the same messages."""

import math
from itertools import count, pairwise
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from api.worker import batch as worker
from api.worker.batch import Intake
from ingest import early
from ingest.model import Message
from tests.conftest import Database
from tests.ingest.builders import FRIDGE, NOW_MS
from tests.ingest.plain import Plain, kept, refused

pytestmark = pytest.mark.engines
PHASES = [Phase.explicit, Phase.generate]
_rounds = count(1)


def wide_of(first: int) -> dict[str, int]:
    return {f"k{i}": i % 3 for i in range(first, first + 150)}


metrics = st.dictionaries(
    st.sampled_from(["power_w", "cabinet_temp_c", "door_open", "mode", "rssi"]),
    st.sampled_from([0, 1, 2, 0.0, 1.5, None]),
    min_size=1,
    max_size=3,
)
odd = st.dictionaries(st.sampled_from(["power_w", "mode"]), st.sampled_from(["eco", True]), min_size=1)
wide = st.integers(0, 300).map(wide_of)
ages = st.sampled_from([0, 1, 1, 2, FRIDGE.retention_days * 86_400_000 + 5_000])
readings = st.tuples(ages, metrics | odd | wide)
messages = st.tuples(st.sampled_from(["d1"] * 6 + ["d9"]), st.lists(readings, min_size=1, max_size=3))
EARLY = "early"
logs = st.lists(st.tuples(messages, st.sampled_from([False, True, EARLY])), min_size=2, max_size=12)


@example(log=[(("d1", [(1, wide_of(206))]), False), (("d1", [(1, wide_of(73)), (1, {"mode": 2})]), True)])
@example(log=[(("d1", [(1, {"power_w": 0})]), False), (("d1", [(1, {"power_w": 1}), (1, {"power_w": 1})]), True)])
@example(  # the last message contradicts, in part, what is written early beside it
    log=[
        (("d1", [(2, {"power_w": 0})]), EARLY),
        (("d1", [(1, {"power_w": 0})]), True),
        (("d1", [(1, {"power_w": 1}), (0, {"power_w": 1})]), True),
    ]
)
@settings(max_examples=30, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=logs)
def test_the_record_is_what_a_loop_over_the_log_makes_of_it(database: Database, intake: Intake, log: Any) -> None:
    """Each example has a moment of its own in one record. Behind a True the batch ends; behind EARLY it does, too, and
    whoever may is written before his turn, however much he has waiting."""
    first, at_ms = 1000 * (turn := next(_rounds)), NOW_MS - turn * 100_000
    plain, waiting = Plain({"d1"}), []
    for seq, ((device, said), _) in enumerate(log, first + 1):
        payload = orjson.dumps([{"ts": at_ms - age, "m": metrics} for age, metrics in said])
        plain.hear(seq, at_ms, device, payload)
        waiting.append(Message(seq, at_ms, f"log.7.demo.{device}.up.telemetry", payload))
    ends = [place for place, (_, end) in enumerate(log, 1) if end or place == len(log)]
    with patch.object(early, "_LITTLE", math.inf), patch.object(worker, "_WARY_BATCHES", 1):
        for begin, end in pairwise([0, *ends]):
            intake.take(waiting[begin:end])
            if log[end - 1][1] == EARLY:
                intake.write_early(waiting[end : end + 1 + end % 3])
    with database.connect() as conn:
        assert kept(conn, after=1000 * turn) == (plain.rows, plain.first)
        assert refused(conn, after=1000 * turn) == plain.refused
