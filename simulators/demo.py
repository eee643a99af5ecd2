"""The demo fleet: registers appliances and engineers, sends their past through the front door, then lives on.

`python -m simulators.demo --api http://127.0.0.1:8080 --broker mqtt://127.0.0.1:1883`

One unit, picked by the seed, has a fault, picked by the seed, that began 36 hours before the first start. A later
start with the same seed goes on with the same units: the time of the first start is kept with the first appliance,
and only what the record does not hold yet is sent. It is the same day in all places and nothing but everyday life
happens, so that any fault shows within hours; `foremend fleet run` has seasons and the rest.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from devices import catalogue
from simulators.ailments import FAULTS
from simulators.broker import Broker, BrokerError, Identity, parse
from simulators.classes import ALL_FAULTS
from simulators.classes import FAULTS as FAULTS_OF
from simulators.clock import Clock
from simulators.door import Door, DoorError
from simulators.mix import Made
from simulators.model import Fault, Unit
from simulators.pace import FLAT_OUT
from simulators.process import default_api, default_broker, default_ca, now_ms, until_told
from simulators.progress import Progress
from simulators.sender import Sender
from simulators.town import ENGINEERS, Household, household
from simulators.voyage import Say, Voyage

FAULT_AGE_MS = 36 * 3_600_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
# Sudden enough to be seen within hours, and none that a person would notice at once by food freezing through.
AUTO = tuple(name for name, effect in FAULTS.items() if effect.seen_by and not effect.stuck_on)


@dataclass(frozen=True, kw_only=True)
class Demo:
    api: str
    broker: Broker
    tenant: str
    devices: int
    days: float
    seed: int
    fault: str  # auto | none | a name of FAULTS


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What registering found out."""

    households: list[Household]
    start_ms: int  # of the first reading, at the first start
    newest_ms: dict[str, int]  # device -> the newest reading that the record holds
    identities: dict[str, Identity] = field(default_factory=dict)


def ill_unit(demo: Demo, fault_onset_ms: int) -> tuple[int, Fault] | None:
    """Which unit is ill, and with what: the one that was drawn, or the next one that can have it."""
    if demo.fault == "none":
        return None
    rng = np.random.default_rng((demo.seed, 1))
    unit, name = int(rng.integers(demo.devices)), AUTO[int(rng.integers(len(AUTO)))]
    chosen = name if demo.fault == "auto" else demo.fault
    able = [i for i in range(demo.devices) if chosen in FAULTS_OF[household(i + 1).class_id]]
    ill = next((i for i in able if i >= unit), able[0])
    return ill, Fault(name=chosen, onset_ms=fault_onset_ms)


def register(demo: Demo, at_ms: int, say: Say) -> Ground:
    households = [household(number) for number in range(1, demo.devices + 1)]
    total = len(households) + len(ENGINEERS)
    newest_ms: dict[str, int] = {}
    identities: dict[str, Identity] = {}
    with Door(demo.api) as door:
        for done, home in enumerate(households, 1):
            registered = _put(door, home)
            identities[home.device_id] = door.identity(demo.tenant, home.device_id, registered)
            newest = door.newest_ms(home.device_id)
            if newest is not None:
                newest_ms[home.device_id] = newest
            say("register", done, total)
        for done, (slug, facts) in enumerate(ENGINEERS.items(), len(households) + 1):
            door.put_engineer(slug, facts)
            say("register", done, total)
        # Named by what decides the physics, and saying nothing about it.
        name = hashlib.sha256(f"fleet {demo.seed} {demo.fault} {demo.devices} {demo.days}".encode()).hexdigest()
        wanted_ms = (at_ms - int(demo.days * DAY_MS)) // MINUTE_MS * MINUTE_MS
        kept = door.put_recording(households[0].device_id, name, wanted_ms, keep_time=False, facts={"of": "demo fleet"})
    return Ground(households=households, start_ms=int(kept["shift_ms"]), newest_ms=newest_ms, identities=identities)


def _put(door: Door, home: Household) -> dict[str, Any]:
    try:
        return door.put_device(home.device_id, home.facts)
    except DoorError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        hint = "these data are of another demo: make clean forgets them, --data DIR keeps this one's elsewhere"
        raise DoorError(f"{error}; {hint}") from error


def made_of(demo: Demo, ground: Ground) -> list[Made]:
    """The households' appliances, and the fault of the one that is ill."""
    ill = ill_unit(demo, ground.start_ms + int(demo.days * DAY_MS) - FAULT_AGE_MS)
    began = datetime.fromtimestamp(ground.start_ms / 1000, tz=UTC)
    made = []
    for i, home in enumerate(ground.households):
        unit = Unit(seed=demo.seed * 1000 + i, utc_offset_h=_offset_h(home.time_zone, began))
        clock = Clock(seed=unit.seed, start_ms=ground.start_ms)
        fault = ill[1] if ill and ill[0] == i else None
        made.append(Made(device_id=home.device_id, class_id=home.class_id, unit=unit, clock=clock, fault=fault))
    return made


def _offset_h(time_zone: str, at: datetime) -> float:
    offset = at.astimezone(ZoneInfo(time_zone)).utcoffset()
    return offset.total_seconds() / 3600 if offset else 0.0


async def live(demo: Demo) -> None:
    """Until it is told to stop. Raises DoorError when the house does not answer at the start."""
    with Progress() as progress:
        ground = await asyncio.to_thread(register, demo, now_ms(), progress.say)
        made = made_of(demo, ground)
        senders = [Sender(ground.identities[each.device_id], demo.broker, each.unit.seed) for each in made]
        voyage = Voyage(made, senders, catalogue.load(), ground.start_ms, FLAT_OUT, ground.newest_ms)
        await voyage.run(progress.say)


def _demo(arguments: list[str] | None) -> Demo:
    parser = argparse.ArgumentParser(prog="python -m simulators.demo", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--api", default=default_api(), help="the house's HTTP address (%(default)s)")
    parser.add_argument("--broker", default=default_broker(), metavar="URL", help="(%(default)s)")
    parser.add_argument("--tenant", default=os.environ.get("FOREMEND_TENANT", "demo"))
    parser.add_argument("--devices", type=int, default=60)
    parser.add_argument("--days", type=float, default=14.0, help="of history before the first start")
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--fault", default="auto", choices=("auto", "none", *ALL_FAULTS))
    given = parser.parse_args(arguments)
    if not 1 <= given.devices <= 999:
        parser.error("--devices must be between 1 and 999")
    try:
        broker = parse(given.broker, default_ca())
    except BrokerError as error:
        parser.error(str(error))
    return Demo(**{**vars(given), "broker": broker})


def main(arguments: list[str] | None = None) -> int:
    demo = _demo(arguments)
    try:
        asyncio.run(until_told(live(demo)))
    except DoorError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
