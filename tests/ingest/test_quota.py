"""What is stored of refusals and what is only counted: a thing once a day, and no more than a bound."""

from collections.abc import Iterable

import pytest

from ingest import quota
from ingest.model import Reason, Refusal
from ingest.quota import OF_A_SENDER, OF_STRANGERS, Place, Said, Tally
from tests.ingest.builders import NOW_MS

DAY_MS = 86_400_000
DAY = NOW_MS // DAY_MS
OWN = Place(DAY, "demo", "d1")
STRANGERS = Place(DAY, "demo", "")


def a_refusal(seq: int = 1, **said: object) -> Refusal:
    default = {
        "seq": seq,
        "received_ms": NOW_MS + seq,
        "topic": "fm/demo/d1/up/telemetry",
        "tenant_id": "demo",
        "device_no": 1,
        "reason": Reason.NOT_JSON,
        "detail": "why",
        "payload": b"{",
    }
    return Refusal(**{**default, **said})  # type: ignore[arg-type]


def settled(
    refusals: Iterable[Refusal], *, used: dict[Place, Tally] | None = None, first_ms: dict[int, int] | None = None
) -> tuple[list[Said], dict[Place, Tally]]:
    return quota.settle(quota.fold(refusals, first_ms or {}, {"demo"}), set(), used or {})


@pytest.mark.parametrize(
    "other",
    [
        {"payload": b"["},
        {"topic": "fm/demo/d2/up/telemetry"},
        {"reason": Reason.TOO_DEEP},
        {"metric": "power_w"},
        {"ts_ms": NOW_MS},
        {"received_ms": NOW_MS + DAY_MS},
    ],
)
def test_the_same_thing_twice_is_one_row_and_anything_else_is_another(other: dict[str, object]) -> None:
    rows, _ = settled([a_refusal(1), a_refusal(2, detail="said otherwise"), a_refusal(3, **other)])
    assert [(row.refusal.seq, row.times, row.last_seq) for row in rows] == [(1, 2, 2), (3, 1, 3)]
    assert rows[0].last_ms == NOW_MS + 2


def test_a_sender_that_never_stops_is_counted_and_not_stored() -> None:
    many = [a_refusal(seq, payload=b"%d" % seq) for seq in range(OF_A_SENDER.rows + 500)]
    rows, grown = settled(many)
    assert len(rows) == OF_A_SENDER.rows
    assert grown == {OWN: Tally(OF_A_SENDER.rows + 500, 0, OF_A_SENDER.rows, sum(len(b"%d" % i) for i in range(2000)))}
    full = {OWN: Tally(rows=OF_A_SENDER.rows)}
    assert settled(many[:3], used=full) == ([], {OWN: Tally(refused=3)})


def test_large_payloads_fill_a_senders_day_sooner_and_small_ones_still_find_room() -> None:
    large = [a_refusal(seq, payload=b"%05d" % seq * 13_107) for seq in range(20)]
    rows, grown = settled([*large, a_refusal(20, payload=b"x")])
    assert [row.refusal.seq for row in rows] == [*range(16), 20]
    assert grown[OWN].payload_bytes <= OF_A_SENDER.payload_bytes


def test_a_senders_day_is_full_to_the_last_byte() -> None:
    used = {OWN: Tally(payload_bytes=OF_A_SENDER.payload_bytes - 2)}
    rows, _ = settled(
        [a_refusal(1, payload=b"xxx"), a_refusal(2, payload=b"xx"), a_refusal(3, payload=b"x")], used=used
    )
    assert [row.refusal.seq for row in rows] == [2]


def test_strangers_share_a_bound_and_who_has_no_room_leaves_no_trace_but_a_count() -> None:
    """Else endless names would fill the table of counts."""
    strangers = [a_refusal(seq, device_no=None, topic=f"fm/demo/s{seq}/up/telemetry") for seq in range(3)]
    used = {STRANGERS: Tally(rows=OF_STRANGERS.rows - 1)}
    rows, grown = settled(strangers, used=used)
    assert [row.refusal.seq for row in rows] == [0]
    assert grown == {Place(DAY, "demo", "s0"): Tally(1, 0, 1, 1), STRANGERS: Tally(3, 0, 1, 1)}


def test_tenants_that_do_not_exist_share_one_bound() -> None:
    made_up = [a_refusal(i, device_no=None, tenant_id=f"t{i}", topic=f"fm/t{i}/x/up/telemetry") for i in range(3)]
    _, grown = settled([*made_up, a_refusal(9, device_no=None, tenant_id=None, topic="fm/?/x y/up/telemetry")])
    assert grown == {Place(DAY, "", "x"): Tally(3, 0, 3, 3), Place(DAY, "", ""): Tally(4, 0, 4, 4)}


def test_a_replay_that_is_refused_again_is_the_first_days_row_and_is_not_counted_again() -> None:
    first = a_refusal(1)
    again = a_refusal(2, received_ms=NOW_MS + 3 * DAY_MS)
    (row,), _ = settled([first])
    (seen,), grown = settled([again], first_ms={2: NOW_MS})
    assert (seen.key, seen.received_ms, seen.last_ms) == (row.key, NOW_MS, NOW_MS + 3 * DAY_MS)
    assert grown[OWN].refused == 0


def test_what_has_a_row_already_needs_no_room() -> None:
    said = quota.fold([a_refusal(1, metric="power_w")], {}, {"demo"})
    full = {OWN: Tally(rows=OF_A_SENDER.rows)}
    rows, grown = quota.settle(said, {said[0].key}, full)
    assert rows == said
    assert grown == {OWN: Tally(refused_metrics=1)}
