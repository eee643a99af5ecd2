"""The same readings told in several ways: the record must not tell them apart."""

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from api.bench.house import House
from api.bench.order import Sent
from api.bench.road import wait_beyond
from benchmarks.faults.hands import Worker
from benchmarks.faults.tell import sent_by, tell
from benchmarks.faults.trial import DEVICES, Row, Trial, environment
from simulators.load_messages import device_name

Reading = dict[str, Any]
Telling = Callable[[list[Reading], random.Random], list[list[Reading]]]  # the messages, each some readings

_STEP_MS = 60_000
_METRICS = ("room_temp_c", "evaporator_temp_c", "discharge_temp_c", "compressor_current_a")
_BAD_EVERY = 20
_ARRAY = (2, 100)


def one_by_one(readings: list[Reading], _: random.Random) -> list[list[Reading]]:
    return [[reading] for reading in readings]


def shuffled(readings: list[Reading], chance: random.Random) -> list[list[Reading]]:
    return [[reading] for reading in chance.sample(readings, len(readings))]


def duplicated(readings: list[Reading], chance: random.Random) -> list[list[Reading]]:
    """Each twice, the second time somewhen later."""
    twice = [(place + late, reading) for place, reading in enumerate(readings) for late in (0, chance.uniform(0.5, 50))]
    return [[reading] for _, reading in sorted(twice, key=lambda each: each[0])]


def batched(readings: list[Reading], chance: random.Random) -> list[list[Reading]]:
    arrays, start = [], 0
    while start < len(readings):
        size = chance.randint(*_ARRAY)
        arrays.append(readings[start : start + size])
        start += size
    return arrays


def late(readings: list[Reading], _: random.Random) -> list[list[Reading]]:
    """What is newest comes first, and the hours before it afterwards."""
    half = len(readings) // 2
    return [[reading] for reading in readings[half:]] + [[reading] for reading in readings[:half]]


def in_parts(readings: list[Reading], chance: random.Random) -> list[list[Reading]]:
    """Each metric in a message of its own, all shuffled."""
    parts = [
        [{"ts": reading["ts"], "m": {name: value}}]
        for reading in readings
        if isinstance(reading["m"], dict)
        for name, value in reading["m"].items()
    ]
    bad = [[reading] for reading in readings if not isinstance(reading["m"], dict)]
    return chance.sample(parts + bad, len(parts) + len(bad))


def everything(readings: list[Reading], chance: random.Random) -> list[list[Reading]]:
    """Shuffled, each twice, in arrays."""
    return batched(chance.sample(readings * 2, 2 * len(readings)), chance)


TELLINGS: tuple[Telling, ...] = (one_by_one, shuffled, duplicated, batched, late, in_parts, everything)


def told(trial: Trial, *, seeds: int, readings: int) -> Row:
    """A device for each way of telling; each seed has readings, gaps and orders of its own."""
    ours, names = trial.ours, [device_name(number) for number in range(1, DEVICES + 1)]
    trial.begin()
    sent: list[Sent] = []
    with trial.working(Worker(environment(ours))):
        for seed in range(seeds):
            group = names[seed * len(TELLINGS) : (seed + 1) * len(TELLINGS)]
            said = _readings(random.Random(seed), readings)  # noqa: S311
            tellings = [telling(said, random.Random(seed)) for telling in TELLINGS]  # noqa: S311
            tell(ours, _mixed(list(zip(group, tellings, strict=True)), random.Random(seed)))  # noqa: S311
            wait_beyond(ours, ours.head() - 1)
            expected = _record(ours, group[0])
            trial.promise(len(expected) == readings, "every reading is in the record or refused")
            for name, telling in zip(group, TELLINGS, strict=True):
                trial.promise(_record(ours, name) == expected, f"seed {seed}: {telling.__name__} is the same record")
            sent.append(sent_by(group, readings, said[0]["ts"], _STEP_MS))
            trial.say(f"told in {len(TELLINGS)} ways, {seed + 1} of {seeds}")
        ways = ", ".join(telling.__name__.replace("_", " ") for telling in TELLINGS)
        return trial.settle(f"{readings} readings, {seeds} times, each {ways}", *sent)


def _readings(chance: random.Random, count: int) -> list[Reading]:
    """The last of them a moment ago."""
    first_ms = int(time.time() * 1000) - count * _STEP_MS
    return [
        {
            "ts": first_ms + place * _STEP_MS,
            "m": {name: round(chance.uniform(-20, 80), 2) for name in chance.sample(_METRICS, chance.randint(1, 4))}
            if place % _BAD_EVERY
            else "no metrics",
        }
        for place in range(count)
    ]


def _mixed(tellings: list[tuple[str, list[list[Reading]]]], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Each device in its own order, the devices among each other in any."""
    turns = [name for name, messages in tellings for _ in messages]
    chance.shuffle(turns)
    queues = {name: iter(messages) for name, messages in tellings}
    for name in turns:
        message = next(queues[name])
        yield name, json.dumps(message[0] if len(message) == 1 else message).encode()


def _record(ours: House, name: str) -> list[Any]:
    """Readings and refusals of a device, without when and by how many messages they came."""
    with ours.connect() as conn:
        return conn.execute(
            "SELECT ts, to_jsonb(r) - '{device_no,seq,received_at,filled}'::text[], NULL"
            " FROM reading_cold_room AS r JOIN device USING (device_no) WHERE device_id = %(name)s"
            " UNION ALL SELECT ts, to_jsonb(reason), metric FROM refusal WHERE device_id = %(name)s ORDER BY 1, 2, 3",
            {"name": name},
        ).fetchall()
