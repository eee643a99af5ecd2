"""Refrigerators that were well for four days and get warm one after another: how long until somebody knows?

`python -m simulators.breach --port 1883 --tenant demo --devices 30`

Sends the good days, says `ready`, waits for a line with a number of seconds, spreads the breaches over them, and prints
for each device when the message went out in which its breach had held for long enough: `{"breach-001": 1732233600.1}`.
"""

import argparse
import asyncio
import json
import os
import sys
import time

import numpy as np

from simulators.courier import Courier
from simulators.load import PASSWORD
from simulators.said import Said, arrays

_STEP_MS = 120_000
_WELL = 4 * 720  # readings: baselines want days
_WARM = 100  # readings: three hours and twenty minutes, longer than any hold
_WARMER_K = 12.0


def device_name(number: int) -> str:
    return f"breach-{number:03d}"


def _readings(number: int, now_ms: int) -> list[Said]:
    """A cabinet that cycles around 4 °C, and is warm at the end."""
    count = _WELL + _WARM
    ts_ms = now_ms - _STEP_MS * np.arange(count, 0, -1)
    rng = np.random.default_rng(number)
    cabinet = 4.0 + np.sin(np.arange(count) / 20 * 2 * np.pi) + rng.normal(0, 0.1, count)
    cabinet[_WELL:] += _WARMER_K
    return [
        (at_ms, {"cabinet_temp_c": value})
        for at_ms, value in zip(ts_ms.tolist(), cabinet.round(2).tolist(), strict=True)
    ]


async def run(courier: Courier, tenant: str, devices: int) -> None:
    names = [device_name(number) for number in range(1, devices + 1)]
    now_ms = int(time.time() * 1000)
    said = {name: _readings(number, now_ms) for number, name in enumerate(names)}
    at: dict[str, float] = {}
    async with courier:
        for name in names:
            for _, payload in arrays(said[name][:_WELL]):
                await courier.deliver(_topic(tenant, name), payload)
        print("ready", flush=True)
        pause_s = float(await asyncio.to_thread(sys.stdin.readline)) / devices
        for name in names:
            await asyncio.sleep(pause_s)
            ((_, payload),) = arrays(said[name][_WELL:])
            at[name] = time.time()
            await courier.deliver(_topic(tenant, name), payload)
    print(json.dumps(at), flush=True)


def _topic(tenant: str, name: str) -> str:
    return f"fm/{tenant}/{name}/up/telemetry"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulators.breach", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--username", help=f"at the broker; the password is read from {PASSWORD}")
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--devices", type=int, default=30)
    given = parser.parse_args(arguments)
    asyncio.run(_breach(given))
    return 0


async def _breach(given: argparse.Namespace) -> None:
    password = os.environ.get(PASSWORD) if given.username else None
    courier = Courier(given.host, given.port, f"breach-{os.getpid()}", given.username, password)
    await run(courier, given.tenant, given.devices)


if __name__ == "__main__":
    sys.exit(main())
