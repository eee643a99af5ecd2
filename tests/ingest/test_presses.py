"""A press of a device's button is a reading: it is found in the record if it is one of now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest import history
from ingest.decode import decode
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS, a_message, a_source
from tests.ingest.conftest import Record
from tests.ingest.record import register
from tests.ingest.test_refusals import as_api

NOW = datetime.fromtimestamp(NOW_MS / 1000, tz=UTC)
SECOND_MS, HOUR_MS = 1_000, 3_600_000


def hears(record: Record, device_no: int, *said: tuple[int, int, dict[str, Any]]) -> None:
    """(when the log received it, the device's own time, metrics) of each message."""
    messages = [
        a_message({"ts": ts_ms, "m": metrics}, seq=seq, received_ms=received_ms)
        for seq, (received_ms, ts_ms, metrics) in enumerate(said, start=1)
    ]
    found = decode(messages, [a_source(device_no)] * len(messages), CATALOGUE)
    assert found.refusals == []
    with record.connect("foremend_worker", autocommit=False) as conn:
        history.keep(conn, CATALOGUE, found.batches, [])
        conn.commit()


def presses(record: Record, device_no: int) -> list[int]:
    """Seconds after the claim began, within the next five minutes."""
    with record.connect("foremend_api", autocommit=False) as conn:
        as_api(conn)
        found = history.presses(conn, FRIDGE, device_no, NOW, NOW + timedelta(minutes=5))
    return [round((at - NOW).total_seconds()) for at in found]


@pytest.fixture
def device_no(record: Record) -> int:
    with record.connect() as conn:
        return register(conn, ("demo", "d1", "refrigerator"))[0]


@pytest.mark.parametrize("said", [1, True, "long"])
def test_a_press_is_found_however_the_device_says_it(record: Record, device_no: int, said: object) -> None:
    at = NOW_MS + 7 * SECOND_MS
    hears(record, device_no, (at, at, {"button": said, "power_w": 85.0}))
    assert presses(record, device_no) == [7]


def test_what_is_no_press_or_none_of_now_is_not_found(record: Record, device_no: int) -> None:
    hears(
        record,
        device_no,
        (NOW_MS - SECOND_MS, NOW_MS - SECOND_MS, {"button": 1}),  # before the claim
        (NOW_MS + 2 * SECOND_MS, NOW_MS + 2 * SECOND_MS, {"button": 0}),
        (NOW_MS + 3 * SECOND_MS, NOW_MS + 3 * SECOND_MS, {"button": False}),
        (NOW_MS + 4 * SECOND_MS, NOW_MS + 4 * SECOND_MS, {"power_w": 85.0}),
        (NOW_MS + 5 * SECOND_MS, NOW_MS - 8 * HOUR_MS, {"button": 1}),  # of last night, flushed now
        (NOW_MS + 301 * SECOND_MS, NOW_MS + 301 * SECOND_MS, {"button": 1}),  # too late
    )
    assert presses(record, device_no) == []


def test_a_clock_that_is_known_to_be_wrong_keeps_no_owner_out(record: Record, device_no: int) -> None:
    before = [
        (NOW_MS - n * 60 * SECOND_MS, NOW_MS - n * 60 * SECOND_MS - 3 * HOUR_MS, {"power_w": 85.0})
        for n in range(1, 20)
    ]
    hears(record, device_no, *before, (NOW_MS + 9 * SECOND_MS, NOW_MS + 9 * SECOND_MS - 3 * HOUR_MS, {"button": 1}))
    assert presses(record, device_no) == [9]
