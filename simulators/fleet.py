"""A fleet that speaks: one MQTT connection a device, in real time or faster, with all that happens to real ones.

`foremend fleet run --broker mqtt://127.0.0.1:1883 --devices 1000 --register` lets a thousand appliances speak once a
minute. Who they are follows from `--seed` and the mix (`--faults`), as with `foremend fleet generate`: their faults,
offline spells with a backlog afterwards, wrong clocks, new firmware. Ctrl-C ends it in good order; `--ledger` then says
what was acknowledged of each device.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devices import catalogue, values
from simulators.broker import Broker, BrokerError, Identity, anonymous, parse, read_credentials
from simulators.door import Door, DoorError
from simulators.mix import DAY_MS, EVERYTHING, MOST, Made, Mix, MixError, draw, load, unmet
from simulators.pace import FLAT_OUT
from simulators.process import default_api, default_broker, default_ca, now_ms, until_told
from simulators.progress import Progress
from simulators.sender import Sender
from simulators.town import ENGINEERS, home
from simulators.voyage import Say, Voyage

MOST_DAYS = 3_660
_HORIZON_D = 366  # for which incidents are drawn


@dataclass(frozen=True, kw_only=True)
class Order:
    broker: Broker
    api: str | None  # where to register, if anywhere
    tenant: str
    credentials: dict[tuple[str, str], Identity] | None
    mix: Mix
    devices: int
    days: float
    seed: int
    speed: float
    seconds: float | None
    ledger: Path | None


@dataclass(frozen=True, kw_only=True)
class Ground:
    """As whom each device speaks, and the newest reading of it that the record holds."""

    identities: dict[str, Identity]
    newest_ms: dict[str, int]


def prepare(order: Order, made: Sequence[Made], say: Say) -> Ground:
    """Raises BrokerError for a device without credentials, DoorError."""
    given = order.credentials
    if given is not None and (missing := [each for each in made if (order.tenant, each.device_id) not in given]):
        raise BrokerError(f"no credentials for {missing[0].device_id} of {order.tenant}, and {len(missing) - 1} more")
    if given is not None:
        speak = {each.device_id: given[order.tenant, each.device_id] for each in made}
    else:
        speak = {each.device_id: anonymous(order.tenant, each.device_id) for each in made}
    if order.api is None:
        return Ground(identities=speak, newest_ms={})
    newest_ms = {}
    with Door(order.api) as door:
        for number, each in enumerate(made, 1):
            assert each.unit.place is not None
            facts = home(each.device_id, number, each.class_id, each.unit.place.name).facts
            registered = door.put_device(each.device_id, facts)
            newest_ms[each.device_id] = door.newest_ms(each.device_id) or 0
            if given is None:
                speak[each.device_id] = door.identity(order.tenant, each.device_id, registered)
            say("register", number, len(made))
        for slug, facts in ENGINEERS.items():
            door.put_engineer(slug, facts)
    return Ground(identities=speak, newest_ms=newest_ms)


async def run(order: Order) -> None:
    """Raises BrokerError, also when it ended and nobody was ever connected; DoorError."""
    classes = catalogue.load()
    start_ms = (now_ms() - int(order.days * DAY_MS)) // 60_000 * 60_000
    made = await asyncio.to_thread(
        draw, order.mix, classes, order.devices, order.seed, start_ms, int(order.days) + _HORIZON_D
    )
    for sentence in unmet(order.mix, made, start_ms + (int(order.days) + _HORIZON_D) * DAY_MS):
        print(f"fleet: {sentence}", file=sys.stderr)
    with Progress() as progress:
        ground = await asyncio.to_thread(prepare, order, made, progress.say)
        senders = [Sender(ground.identities[each.device_id], order.broker, each.unit.seed) for each in made]
        speed = order.speed if order.days else FLAT_OUT  # what passed meanwhile is not worth a pace of its own
        voyage = await asyncio.to_thread(Voyage, made, senders, classes, start_ms, speed, ground.newest_ms)
        began_s = time.monotonic()
        try:
            await voyage.run(progress.say, order.seconds)
        finally:
            took = {"seconds": round(time.monotonic() - began_s, 1), "connected_s": voyage.connected_s}
            found = took | ledger(order, made, senders)
            if order.ledger is not None:
                order.ledger.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in found.items() if name != "devices"}), flush=True)
    if not found["connects"]:
        why = next((f": {each.trouble.sentence}" for each in senders if each.trouble is not None), "")
        raise BrokerError(f"nobody was ever connected to {order.broker.url}{why}")


def ledger(order: Order, made: Sequence[Made], senders: Sequence[Sender]) -> dict[str, Any]:
    """Of each device, and of all: what was acknowledged, sent again, forgotten, not answered, not sent."""
    rows = [
        {
            "device": each.device_id,
            "class_id": each.class_id,
            **asdict(sender.count),
            "unanswered": sender.unanswered,
            "unsent": sender.unsent,
        }
        for each, sender in zip(made, senders, strict=True)
    ]
    counts = ("messages", "readings", "resent", "forgotten", "connects", "unanswered", "unsent")
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "tenant": order.tenant,
        "seed": order.seed,
        **{name: sum(int(str(row[name])) for row in rows) for name in counts},
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "memory_mib": round(used.ru_maxrss / 1024, 1),
        "devices": rows,
    }


def _order(arguments: list[str] | None) -> Order:
    parser = argparse.ArgumentParser(prog="foremend fleet run", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--broker", default=default_broker(), metavar="URL", help="mqtt(s)://HOST:PORT (%(default)s)")
    parser.add_argument(
        "--ca", type=Path, default=default_ca(), metavar="FILE", help="certificates to trust, of mqtts://"
    )
    parser.add_argument("--credentials", type=Path, metavar="FILE.csv", help="of each device; else they are anonymous")
    parser.add_argument("--tenant", default=os.environ.get("FOREMEND_TENANT", "demo"))
    parser.add_argument("--register", action="store_true", help="the devices, and engineers, at --api first")
    parser.add_argument("--api", default=default_api(), help="the house's HTTP address (%(default)s)")
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--faults", type=Path, metavar="MIX.toml", help="what the fleet is; without it all are well")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, default=0.0, help="how long ago it begins")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="N", help="times as fast, until it is here; or max"
    )
    parser.add_argument("--seconds", type=float, help="and then it ends; default: at Ctrl-C")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="what was acknowledged of each device, as JSON")
    given = parser.parse_args(arguments)
    if not 1 <= given.devices <= MOST or not 0 <= given.days <= MOST_DAYS:
        parser.error(f"--devices must be 1 to {MOST:,}, --days 0 to {MOST_DAYS:,}")
    if reason := values.tenant(given.tenant):
        parser.error(f"--tenant {reason}")
    if given.seed < 0 or (given.seconds is not None and not given.seconds > 0):
        parser.error("--seed must not be negative, --seconds more than 0")
    if given.ledger is not None and not given.ledger.absolute().parent.is_dir():
        parser.error(f"--ledger: there is no folder {given.ledger.absolute().parent}")
    return Order(
        broker=parse(given.broker, given.ca),
        api=given.api if given.register else None,
        tenant=given.tenant,
        credentials=None if given.credentials is None else read_credentials(given.credentials),
        mix=EVERYTHING if given.faults is None else load(given.faults),
        devices=given.devices,
        days=given.days,
        seed=given.seed,
        speed=given.speed,
        seconds=given.seconds,
        ledger=given.ledger,
    )


def _speed(said: str) -> float:
    speed = FLAT_OUT if said == "max" else float(said)
    if not speed >= 1:
        raise argparse.ArgumentTypeError(f"{said} is not at least 1, and not max")
    return speed


def main(arguments: list[str] | None = None) -> int:
    try:
        asyncio.run(until_told(run(_order(arguments))))
    except (BrokerError, DoorError, MixError) as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
