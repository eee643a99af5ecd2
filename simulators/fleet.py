"""The demo fleet: registers appliances and engineers, sends their past through the front door, then lives on.

`python -m simulators.fleet --api http://127.0.0.1:8080 --mqtt 127.0.0.1:1883`

One unit, picked by the seed, has a fault, picked by the seed, that began 36 hours before the first start. A later
start with the same seed goes on with the same units: the time of the first start is kept with the first appliance,
and only what the record does not hold yet is sent. Progress is JSON lines on stdout.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from devices import catalogue
from simulators.courier import Couriers, Login
from simulators.door import Door, DoorError
from simulators.herd import Herd, Said, arrays
from simulators.model import FAULTS, KINDS, Fault, faults_of
from simulators.town import ENGINEERS, Household, household

FAULT_AGE_MS = 36 * 3_600_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
LONGEST_QUEUE = (
    DAY_MS // MINUTE_MS
)  # readings of a unit while the broker is away, as an appliance's memory is bounded too
_TICK_S = 1.0
# Sudden enough to be seen within hours, and none that a person would notice at once by food freezing through.
AUTO = tuple(name for name, effect in FAULTS.items() if effect.seen_by and not effect.stuck_on)


@dataclass(frozen=True, kw_only=True)
class Demo:
    api: str
    mqtt_host: str
    mqtt_port: int
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
    logins: dict[str, Login] = field(default_factory=dict)  # of each device, if it must sign in


def say(phase: str, done: int, total: int) -> None:
    print(json.dumps({"phase": phase, "done": done, "total": total}), flush=True)


def ill_unit(demo: Demo, fault_onset_ms: int) -> tuple[int, Fault] | None:
    """Which unit is ill, and with what: the one that was drawn, or the next one that can have it."""
    if demo.fault == "none":
        return None
    rng = np.random.default_rng((demo.seed, 1))
    unit, name = int(rng.integers(demo.devices)), AUTO[int(rng.integers(len(AUTO)))]
    chosen = name if demo.fault == "auto" else demo.fault
    able = [i for i in range(demo.devices) if chosen in faults_of(KINDS[household(i + 1).class_id])]
    ill = next((i for i in able if i >= unit), able[0])
    return ill, Fault(name=chosen, onset_ms=fault_onset_ms)


def register(demo: Demo, now_ms: int) -> Ground:
    households = [household(number) for number in range(1, demo.devices + 1)]
    total = len(households) + len(ENGINEERS)
    newest_ms: dict[str, int] = {}
    logins: dict[str, Login] = {}
    with Door(demo.api) as door:
        for done, home in enumerate(households, 1):
            if door.put_device(home.device_id, home.facts)["sign_in"] == "required":
                logins[home.device_id] = Login.read(door.new_credential(home.device_id))
            newest = door.newest_ms(home.device_id)
            if newest is not None:
                newest_ms[home.device_id] = newest
            say("register", done, total)
        for done, (slug, facts) in enumerate(ENGINEERS.items(), len(households) + 1):
            door.put_engineer(slug, facts)
            say("register", done, total)
        # Named by what decides the physics, and saying nothing about it.
        name = hashlib.sha256(f"fleet {demo.seed} {demo.fault} {demo.devices} {demo.days}".encode()).hexdigest()
        wanted_ms = (now_ms - int(demo.days * DAY_MS)) // MINUTE_MS * MINUTE_MS
        kept = door.put_recording(households[0].device_id, name, wanted_ms, keep_time=False, facts={"of": "demo fleet"})
    return Ground(households=households, start_ms=int(kept["shift_ms"]), newest_ms=newest_ms, logins=logins)


class Fleet:
    def __init__(self, demo: Demo, ground: Ground) -> None:
        self._demo, self._ground = demo, ground
        ill = ill_unit(demo, ground.start_ms + int(demo.days * DAY_MS) - FAULT_AGE_MS)
        seeds = [demo.seed * 1000 + i for i in range(demo.devices)]
        faults = [ill[1] if ill and ill[0] == i else None for i in range(demo.devices)]
        self._herd = Herd(catalogue.load(), ground.households, seeds, faults, ground.start_ms)
        self._known_ms = [ground.newest_ms.get(home.device_id, 0) for home in ground.households]
        self._waiting: dict[str, deque[Said]] = {home.device_id: deque() for home in ground.households}
        self._sent = 0

    def grow(self, end_ms: int) -> None:
        """Live on up to `end_ms`; what the record does not hold yet waits to be sent."""
        said = self._herd.until(end_ms, self._known_ms)
        for waiting, readings in zip(self._waiting.values(), said, strict=True):
            waiting.extend(readings)

    async def send(self, courier: Couriers, device_id: str, now_ms: int) -> None:
        """All that is due of one device, in order, one array after the other."""
        waiting = self._waiting[device_id]
        due = []
        while waiting and waiting[0][0] <= now_ms:
            due.append(waiting.popleft())
        for count, payload in arrays(due):
            await courier.deliver(f"fm/{self._demo.tenant}/{device_id}/up/telemetry", payload)
            self._sent += count

    async def catch_up(self, courier: Couriers) -> None:
        """A day at a time; while one is sent, the next one is lived."""
        begin_ms, at_ms = self._ground.start_ms, min(self._ground.start_ms + DAY_MS, _now_ms())
        await asyncio.to_thread(self.grow, at_ms)
        while True:
            now_ms = _now_ms()
            next_ms = min(at_ms + DAY_MS, now_ms)
            growing = asyncio.create_task(asyncio.to_thread(self.grow, next_ms))
            await asyncio.gather(*(self.send(courier, device_id, now_ms) for device_id in self._waiting))
            await growing
            done, total = ((ms - begin_ms) // MINUTE_MS * len(self._waiting) for ms in (at_ms, now_ms))
            say("history", done, total)
            if now_ms - at_ms < MINUTE_MS:
                return
            at_ms = next_ms

    async def live(self, courier: Couriers) -> None:
        busy: dict[str, asyncio.Task[None]] = {}
        said_ms = 0
        self._sent = 0
        while True:
            now_ms = _now_ms()
            self._forget_oldest()
            if now_ms - said_ms >= MINUTE_MS:
                say("live", self._sent, self._sent)
                said_ms = now_ms
            self.grow(now_ms)
            for device_id, task in list(busy.items()):
                if task.done():
                    task.result()  # what went wrong there ends the fleet; whoever supervises starts it again
                    del busy[device_id]
            for device_id, waiting in self._waiting.items():
                if device_id not in busy and waiting and waiting[0][0] <= now_ms:
                    busy[device_id] = asyncio.create_task(self.send(courier, device_id, now_ms))
            await asyncio.sleep(_TICK_S)

    def _forget_oldest(self) -> None:
        """What a unit could not send for more than a day is lost, as it would be out there."""
        for waiting in self._waiting.values():
            while len(waiting) > LONGEST_QUEUE:
                waiting.popleft()


def _now_ms() -> int:
    return int(time.time() * 1000)


async def live(demo: Demo) -> None:
    """Until cancelled. Raises DoorError when the house does not answer at the start."""
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, me.cancel)
    ground = await asyncio.to_thread(register, demo, _now_ms())
    fleet = Fleet(demo, ground)
    async with Couriers(demo.mqtt_host, demo.mqtt_port, f"fleet-{os.getpid()}", ground.logins) as courier:
        await fleet.catch_up(courier)
        await fleet.live(courier)


def _demo(arguments: list[str] | None) -> Demo:
    env = os.environ.get
    http = f"http://{env('FOREMEND_HTTP_HOST', '127.0.0.1')}:{env('FOREMEND_HTTP_PORT', '8080')}"
    mqtt = f"{env('FOREMEND_MQTT_HOST', '127.0.0.1')}:{env('FOREMEND_MQTT_PORT', '1883')}"
    parser = argparse.ArgumentParser(prog="foremend fleet", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--api", default=http, help="the house's HTTP address (%(default)s)")
    parser.add_argument("--mqtt", default=mqtt, metavar="HOST:PORT", help="(%(default)s)")
    parser.add_argument("--tenant", default=env("FOREMEND_TENANT", "demo"))
    parser.add_argument("--devices", type=int, default=60)
    parser.add_argument("--days", type=float, default=14.0, help="of history before the first start")
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--fault", default="auto", choices=("auto", "none", *FAULTS))
    given = parser.parse_args(arguments)
    host, _, port = given.mqtt.rpartition(":")
    if not port.isdigit():
        parser.error(f"--mqtt {given.mqtt!r} is not HOST:PORT")
    if not 1 <= given.devices <= 999:
        parser.error("--devices must be between 1 and 999")
    return Demo(
        api=given.api,
        mqtt_host=host,
        mqtt_port=int(port),
        tenant=given.tenant,
        devices=given.devices,
        days=given.days,
        seed=given.seed,
        fault=given.fault,
    )


def main(arguments: list[str] | None = None) -> int:
    demo = _demo(arguments)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(live(demo))
    except DoorError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
