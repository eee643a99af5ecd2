"""Refusals in the record, on both engines: stored once, counted always, listed by what is asked, forgotten in time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingest import history, quota, refusals
from ingest.model import Reason, Refusal, RefusalFilter, Replayed, StoredRefusal
from ingest.refusals import Again
from ledger import scope
from ledger.model import Scope
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS
from tests.ingest.conftest import Record
from tests.ingest.record import register
from tests.ingest.test_quota import DAY_MS, a_refusal

BY = Scope(tenant_id="demo", actor="staff:test")
NOW = datetime.fromtimestamp(NOW_MS / 1000, tz=UTC)


@pytest.fixture
def device_no(record: Record) -> int:
    with record.connect() as conn:
        return register(conn, ("demo", "d1", "refrigerator"))[0]


def keep(record: Record, *refused: Refusal, first_ms: dict[int, int] | None = None) -> None:
    with record.connect("foremend_worker", autocommit=False) as conn:
        history.keep(conn, CATALOGUE, [], refused, first_ms)
        conn.commit()


def as_api(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    scope.enter(conn, BY)
    return conn


def listed(record: Record, limit: int = 100, older_than: int | None = None, **asked: Any) -> list[StoredRefusal]:
    with record.connect("foremend_api", autocommit=False) as conn:
        return refusals.listed(as_api(conn), RefusalFilter(**asked), limit=limit, older_than=older_than)


def replayable(record: Record, **asked: Any) -> list[Again]:
    with record.connect("foremend_api", autocommit=False) as conn:
        return refusals.replayable(as_api(conn), RefusalFilter(**asked), after=0, up_to=None, limit=100)


def mark(record: Record, seq_by_no: dict[int, int]) -> None:
    with record.connect("foremend_api", autocommit=False) as conn:
        refusals.mark_replayed(as_api(conn), seq_by_no, RefusalFilter(reason=Reason.NOT_JSON), by=BY, now=NOW)
        conn.commit()


def test_a_redelivery_adds_no_row_but_counts_and_says_when_it_was_last_seen(record: Record, device_no: int) -> None:
    keep(record, a_refusal(1, device_no=device_no), a_refusal(2, device_no=device_no))
    keep(record, a_refusal(3, device_no=device_no), a_refusal(4, device_no=device_no, metric="power_w"))
    (metric, whole) = listed(record)
    assert (whole.seen, whole.seq, whole.last_seq, metric.seen) == (3, 1, 3, 1)
    assert (whole.last_seen_at - whole.received_at) == timedelta(milliseconds=2)
    assert (whole.device_id, whole.device_no, whole.payload) == ("d1", device_no, b"{")
    with record.connect("foremend_api", autocommit=False) as conn:
        counts = history.counts(as_api(conn), FRIDGE, device_no)
    assert (counts.refused, counts.refused_metrics, counts.replayed) == (3, 1, 0)


def test_a_full_day_is_only_counted_and_the_next_day_has_room_again(
    record: Record, device_no: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "OF_A_SENDER", quota.Room(rows=3, payload_bytes=1000))
    for seq in range(5):
        keep(record, a_refusal(seq, device_no=device_no, payload=b"%d" % seq))
    keep(record, a_refusal(9, device_no=device_no, received_ms=NOW_MS + DAY_MS))
    assert [each.seq for each in listed(record)] == [9, 2, 1, 0]
    with record.connect("foremend_api", autocommit=False) as conn:
        assert history.counts(as_api(conn), FRIDGE, device_no).refused == 6


def test_they_are_listed_by_what_is_asked_newest_first_a_page_at_a_time(record: Record, device_no: int) -> None:
    keep(
        record,
        a_refusal(1, device_no=device_no),
        a_refusal(2, device_no=None, reason=Reason.UNKNOWN_DEVICE, topic="fm/demo/d9/up/telemetry"),
        a_refusal(3, device_no=device_no, reason=Reason.UNKNOWN_KIND, topic="fm/demo/d1/up/mood"),
        a_refusal(4, device_no=device_no, received_ms=NOW_MS + DAY_MS),
        a_refusal(5, device_no=None, tenant_id="other", topic="fm/other/d1/up/telemetry"),
    )
    later = NOW + timedelta(hours=12)
    seqs = {
        "all": [each.seq for each in listed(record)],
        "reason": [each.seq for each in listed(record, reason=Reason.UNKNOWN_DEVICE)],
        "stranger": [each.seq for each in listed(record, device_id="d9")],
        "known": [each.seq for each in listed(record, device_id="d1")],
        "topic": [each.seq for each in listed(record, topic="/mood")],
        "since": [each.seq for each in listed(record, since=later)],
        "before": [each.seq for each in listed(record, before=later)],
    }
    expected = {"all": [4, 3, 2, 1], "reason": [2], "stranger": [2], "known": [4, 3, 1], "topic": [3]}
    assert seqs == {**expected, "since": [4], "before": [3, 2, 1]}
    first = listed(record, limit=2)
    assert [each.seq for each in listed(record, limit=2, older_than=first[-1].refusal_no)] == [2, 1]


def test_what_goes_again_is_what_was_whole_in_log_order_and_says_when_it_first_came(
    record: Record, device_no: int
) -> None:
    keep(
        record,
        a_refusal(1, device_no=None, reason=Reason.UNKNOWN_DEVICE, payload=b"\x00one"),
        a_refusal(2, device_no=device_no, reason=Reason.TOO_LARGE),
        a_refusal(3, device_no=None, reason=Reason.BAD_TOPIC, topic="fm/demo/d 1/up/telemetry"),
        a_refusal(4, device_no=device_no, reason=Reason.UNKNOWN_KIND, topic="fm/demo/d1/up/a.b"),
        a_refusal(5, device_no=device_no, reason=Reason.UNKNOWN_KIND, topic="fm/demo/d1/up/x/y"),
    )
    first, second = replayable(record)
    assert (first.subject, first.payload, second.subject) == (
        "fm.demo.d1.up.telemetry",
        b"\x00one",
        "fm.demo.d1.up.x.y",
    )
    assert first.headers == {
        "Nats-Msg-Id": f"refusal-1-{first.refusal_no}-0",
        "Foremend-First-Ms": str(NOW_MS + 1),
    }


def test_what_was_sent_again_does_not_go_twice_unless_it_was_refused_again(record: Record, device_no: int) -> None:
    keep(record, a_refusal(1, device_no=device_no))
    (again,) = replayable(record)
    mark(record, {again.refusal_no: 7})
    assert replayable(record) == []
    (sent,) = listed(record)
    assert (sent.replayed, sent.replayed_by, sent.replayed_at) == (Replayed.SENT, "staff:test", NOW)
    keep(record, a_refusal(7, device_no=device_no, received_ms=NOW_MS + DAY_MS), first_ms={7: NOW_MS + 1})
    (refused,) = listed(record)
    assert (refused.refusal_no, refused.seen, refused.replayed) == (sent.refusal_no, 2, Replayed.REFUSED_AGAIN)
    (once_more,) = replayable(record)
    assert once_more.headers["Nats-Msg-Id"] == f"refusal-1-{sent.refusal_no}-1"
    with record.connect() as conn:
        events = conn.execute("SELECT kind, subject_id, actor, data FROM event").fetchall()
        conn.execute("TRUNCATE event CASCADE")
    data = {"filter": {"reason": "NOT_JSON"}, "refusals": [sent.refusal_no]}
    assert events == [("refusal.replayed", str(sent.refusal_no), "staff:test", data)]


def test_after_a_month_they_are_forgotten_a_bounded_number_at_a_time_and_a_devices_counts_stay(
    record: Record, device_no: int
) -> None:
    old = [a_refusal(seq, device_no=device_no, payload=b"%d" % seq) for seq in range(5)]
    stranger = a_refusal(5, device_no=None, topic="fm/demo/d9/up/telemetry")
    keep(record, *old, stranger, a_refusal(6, device_no=device_no, received_ms=NOW_MS + 10 * DAY_MS))
    later = NOW + timedelta(days=31)
    with record.connect("foremend_worker") as conn:
        assert [refusals.forget(conn, later, 4) for _ in range(3)] == [4, 2, 0]
        assert refusals.forget(conn, NOW + timedelta(days=29), 100) == 0
    assert [each.seq for each in listed(record)] == [6]
    with record.connect("foremend_api", autocommit=False) as conn:
        assert history.counts(as_api(conn), FRIDGE, device_no).refused == 6
    with record.connect() as conn:
        days = conn.execute("SELECT device_id, refused FROM refusal_day ORDER BY day").fetchall()
    assert days == [("d1", 5), ("d1", 1)]
