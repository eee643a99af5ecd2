"""A device that sends too much is stopped, is told at which limit, and nobody else notices; a flush never is."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.model import ApplianceClass, Limits
from ingest import allowance
from ingest.admit import Admitted, admit
from ingest.allowance import Allowance, Asked
from ingest.model import Message, Reason
from tests.ingest import builders
from tests.ingest.builders import CATALOGUE, NOW_MS, a_message, a_reading, a_source
from tests.ingest.speakers import BY_NAME, SPEAKERS, Speaker

FRIDGE = replace(builders.FRIDGE, metrics=builders.FRIDGE.metrics[:6])  # of which 400 readings are one message
SMALL = Limits(messages_per_s=2, points_per_s=10, bytes_per_s=1000, burst_s=10)
DAY_MS = 86_400_000


def a_class(limits: Limits = SMALL, **more: int) -> ApplianceClass:
    return replace(FRIDGE, limits=limits, **more)


def take(held: Allowance, messages: list[Message], devices: list[int], of: ApplianceClass) -> Admitted:
    """Admitted and committed."""
    sources = [a_source(number) for number in devices]
    admitted = admit(messages, sources, {of.class_id: of}, held)
    held.keep(admitted.use)
    return admitted


def send(payloads: list[object], of: ApplianceClass, *, received_ms: int = NOW_MS) -> Admitted:
    messages = [a_message(said, seq=seq, received_ms=received_ms) for seq, said in enumerate(payloads, start=1)]
    return take(Allowance({of.class_id: of}), messages, [1] * len(messages), of)


def refused(admitted: Admitted) -> list[tuple[int, str]]:
    assert {refusal.reason for refusal in admitted.decoded.refusals} <= {Reason.OVER_LIMIT}
    return [(refusal.seq, refusal.detail) for refusal in admitted.decoded.refusals]


@pytest.mark.parametrize(
    ("limits", "readings", "says"),
    [
        (Limits(messages_per_s=2, burst_s=3), 1, "more live messages than 2 a second and 6 at once"),
        (Limits(points_per_s=1), 200, "more live points than 1 a second and 2800 at once"),
        (Limits(bytes_per_s=1), 200, "more live bytes than 1 a second and 65536 at once"),
    ],
)
def test_what_is_over_a_limit_is_refused_whole_and_told_which_it_was(limits: Limits, readings: int, says: str) -> None:
    said = {**dict.fromkeys(FRIDGE.metric_names, 1.0), "note": "x" * 40}
    array = [a_reading(NOW_MS - i, **said) for i in range(readings)]
    admitted = send([array] * 7, a_class(limits))
    (seq, detail) = refused(admitted)[0]
    assert detail == says
    assert {seq for seq, _ in refused(admitted)} == set(range(seq, 8)), "from there on all of them"
    assert {refusal.payload for refusal in admitted.decoded.refusals} == {a_message(array).payload}
    assert [(over.traffic, over.kind) for over in admitted.over] == [("live", says.split()[2])] * (8 - seq)


def test_one_message_of_the_largest_size_always_fits() -> None:
    least = Limits(messages_per_s=1, points_per_s=1, bytes_per_s=1, burst_s=1)
    largest = [a_reading(NOW_MS - i, **dict.fromkeys(FRIDGE.metric_names, 1.0)) for i in range(400)]
    assert refused(send([largest], a_class(least))) == []


def test_what_was_taken_out_runs_in_again_by_the_logs_clock() -> None:
    held, of = Allowance({FRIDGE.class_id: a_class()}), a_class()
    seqs = iter(range(1, 1000))

    def burst(at_ms: int, count: int) -> int:
        messages = [a_message(a_reading(at_ms + i), seq=next(seqs), received_ms=at_ms) for i in range(count)]
        return len(refused(take(held, messages, [1] * count, of)))

    assert burst(NOW_MS, 25) == 5
    assert burst(NOW_MS + 3000, 10) == 4
    assert burst(NOW_MS + 3000 - DAY_MS, 1) == 1, "a clock that was set back gives nothing"
    assert burst(NOW_MS + 4000 - DAY_MS, 3) == 1, "and takes nothing away"


def test_who_sends_at_twice_his_rate_gets_half_through() -> None:
    """What is refused takes nothing out of any bucket."""
    held, of = Allowance({FRIDGE.class_id: a_class()}), a_class()
    messages = [a_message(a_reading(NOW_MS + 250 * i), seq=i, received_ms=NOW_MS + 250 * i) for i in range(400)]
    seqs = [seq for seq, _ in refused(take(held, messages, [1] * 400, of))]
    late = [seq for seq in seqs if seq >= 200]
    assert late == list(range(late[0], 400, 2))


def test_neighbours_in_the_batch_do_not_notice() -> None:
    """Not even where they say something about the same moment."""
    of = a_class()
    devices = [1 if i % 3 else 2 for i in range(60)]
    messages = [a_message(a_reading(NOW_MS + i // 2), seq=i + 1) for i in range(60)]
    admitted = take(Allowance({of.class_id: of}), messages, devices, of)
    (batch,) = admitted.decoded.batches
    assert (batch.device_no == 2).sum() == 20
    kept = set(batch.seq.tolist())
    over = {seq for seq, _ in refused(admitted)}
    assert len(over) == 20
    assert not kept & over
    alone = [message for message in messages if message.seq not in over]
    expected = take(Allowance({of.class_id: of}), alone, [devices[message.seq - 1] for message in alone], of)
    np.testing.assert_equal(batch.values, expected.decoded.batches[0].values)


def test_a_replay_is_neither_counted_nor_refused() -> None:
    held, of = Allowance({FRIDGE.class_id: a_class()}), a_class()
    replayed = [a_message(a_reading(NOW_MS + i), seq=i)._replace(first_ms=NOW_MS) for i in range(100)]
    assert refused(take(held, replayed, [1] * 100, of)) == []
    live = [a_message(a_reading(NOW_MS + 200 + i), seq=200 + i) for i in range(20)]
    assert refused(take(held, [*live, replayed[0]._replace(seq=300)], [1] * 21, of)) == []


def test_what_brings_no_reading_is_refused_for_its_own_reason_and_asks_for_nothing() -> None:
    of = a_class()
    rubbish: list[object] = [b"x", b"[]", b" " * 8_000_000] * 20
    admitted = send([*rubbish, *[a_reading(NOW_MS + i) for i in range(20)]], of)
    reasons = {refusal.reason for refusal in admitted.decoded.refusals}
    assert reasons == {Reason.NOT_JSON, Reason.EMPTY, Reason.TOO_LARGE}
    assert len(admitted.decoded.batches[0]) == 20


@pytest.mark.parametrize(("cadence_s", "old_ms"), [(60, 300_000), (600, 1_800_000)])
def test_what_is_older_than_five_minutes_or_three_readings_was_buffered(cadence_s: int, old_ms: int) -> None:
    of = a_class(Limits(messages_per_s=1, burst_s=1), cadence_s=cadence_s)
    live = send([a_reading(NOW_MS - old_ms + i) for i in (0, 1)], of)
    assert refused(live) == [(2, "more live messages than 1 a second and 1 at once")]
    assert refused(send([a_reading(NOW_MS - old_ms - i) for i in (1, 2)], of)) == []


class Reference:
    """Token buckets as textbooks have them, a message after the other."""

    def __init__(self, of: ApplianceClass) -> None:
        limits = of.limits
        self.per_s = [Fraction(rate) for rate in (limits.messages_per_s, limits.points_per_s, limits.bytes_per_s)]
        bounds = allowance._bounds(of)
        self.most = [
            [int(most // cost) for most, cost in zip(row, bounds.cost_ns, strict=True)] for row in bounds.most_ns
        ]
        self.left: dict[tuple[int, bool], list[Fraction]] = {}
        self.last_ms: int | None = None

    def takes(self, device: int, old: bool, wants: list[int], at_ms: int) -> bool:  # noqa: FBT001
        passed = Fraction(max(0, at_ms - (self.last_ms or at_ms)), 1000)
        self.last_ms = at_ms
        for (_, backfill), left in self.left.items():
            left[:] = [
                min(Fraction(m), x + passed * r) for m, x, r in zip(self.most[backfill], left, self.per_s, strict=True)
            ]
        left = self.left.setdefault((device, old), [Fraction(most) for most in self.most[old]])
        fits = all(want <= there for want, there in zip(wants, left, strict=True))
        if fits:
            left[:] = [there - want for want, there in zip(wants, left, strict=True)]
        return fits


LIMITS = Limits(messages_per_s=4, points_per_s=1000, bytes_per_s=20_000, burst_s=2)  # that divide 1e9
STREAMS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.booleans(),
        st.integers(1, 2800),
        st.integers(1, 65_536),
        st.sampled_from([0, 0, 1, 40, 900, -5000, 60_000]),
    ),
    min_size=1,
    max_size=60,
)


@given(STREAMS, st.data())
@settings(max_examples=150)
def test_it_decides_as_textbook_buckets_do_wherever_batches_end(
    stream: list[tuple[int, bool, int, int, int]], data: st.DataObject
) -> None:
    of = a_class(LIMITS, retention_days=8, cadence_s=DAY_MS // 1000)  # backfill: 18 readings
    reference, at_ms, rows = Reference(of), NOW_MS, []
    for device, old, points, size, step_ms in stream:
        at_ms += step_ms
        rows.append((device, old, points, size, at_ms, reference.takes(device, old, [1, points, size], at_ms)))
    ends = sorted({0, len(rows), *data.draw(st.lists(st.integers(0, len(rows)), max_size=8))})
    held, decided = Allowance({of.class_id: of}), []
    for start, end in pairwise(ends):
        piece = rows[start:end]
        at = np.array([row[4] for row in piece])
        over, use = held.judge([an_asked(of, piece)], at)
        held.keep(use)
        again = Allowance({of.class_id: of})
        again.load(held.dump())
        held = again
        decided += [place not in over for place in range(len(piece))]
    assert decided == [row[5] for row in rows]


def an_asked(of: ApplianceClass, rows: list[tuple[int, bool, int, int, int, bool]]) -> Asked:
    return Asked(
        class_id=of.class_id,
        place=np.arange(len(rows)),
        device_no=np.array([row[0] for row in rows]),
        newest_ms=np.array([row[4] - (30 * DAY_MS if row[1] else 0) for row in rows]),
        wanted=np.array([(1, row[2], row[3]) for row in rows]),
    )


@cache
def sizes(speaker: Speaker, class_id: str) -> tuple[int, int, int]:
    """Of one reading with every metric in all its digits and twenty that nobody declared; how many of those fit into a
    message, and that one's size."""
    said = [(name, -1.2345678901234567e-100) for name in CATALOGUE[class_id].metric_names]
    said += [(f"undeclared_{i}", 1.2345678901234567) for i in range(20)]
    alone = len(speaker.write((NOW_MS, said)))
    fit = 65_536 // alone
    return alone, fit, len(speaker.write(*[(NOW_MS + i, said) for i in range(fit)]))


@given(
    class_id=st.sampled_from(sorted(CATALOGUE)),
    cadence_s=st.integers(1, 3600),
    retention_days=st.integers(8, 500),
    outage=st.floats(0.001, 1.0),
    speaker=st.sampled_from(SPEAKERS),
    alone=st.booleans(),
)
@example(class_id="cold_room", cadence_s=60, retention_days=400, outage=1, speaker=BY_NAME["senml-json"], alone=True)
def test_a_flush_after_an_outage_is_never_dropped(
    class_id: str, cadence_s: int, retention_days: int, outage: float, speaker: Speaker, *, alone: bool
) -> None:
    """Whatever a device of any class buffered in as long as its readings are kept, each reading said twice or in two
    parts, in any format, and all of it received within one millisecond; what it measures meanwhile is not hurt."""
    of = replace(CATALOGUE[class_id], cadence_s=cadence_s, retention_days=retention_days)
    of_one, fit, of_many = sizes(speaker, class_id)
    size, at_once = (of_one, 1) if alone else (of_many, fit)
    readings = int(outage * retention_days * 86_400 / cadence_s) * 2
    width = len(of.metric_names) + 1
    flush = np.array([-(-readings // at_once), readings * width, readings * size // at_once])
    live = [60, 60 * width, 60 * of_one]
    old_ms = max(allowance.OLD_MS, allowance.OLD_CADENCES * cadence_s * 1000)
    held = Allowance({class_id: of})
    for part in (flush // 3, flush - flush // 3):
        asked = Asked(
            class_id=class_id,
            place=np.array([0, 1]),
            device_no=np.array([7, 7]),
            newest_ms=np.array([NOW_MS - old_ms - 1, NOW_MS]),
            wanted=np.array([part, live]),
        )
        over, use = held.judge([asked], np.full(2, NOW_MS))
        assert over == {}
        held.keep(use)


def test_old_readings_are_backfill_whether_alone_or_in_an_array() -> None:
    of = a_class(replace(SMALL, messages_per_s=1, burst_s=1))
    old = NOW_MS - 301_000
    alone = [a_reading(old + i) for i in range(50)]
    assert refused(send(alone, of)) == []
    assert refused(send([alone[i : i + 5] for i in range(0, 50, 5)], of)) == []
    assert len(refused(send([[each, a_reading(NOW_MS)] for each in alone], of))) == 49, "its newest is not old"
