"""A simulated device at a door that asks: it comes in with its row of the file, and asks on when it is put out."""

import asyncio
import csv
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from simulators.broker import Broker, Identity, read_credentials
from simulators.sender import Sender
from simulators.told import Told
from simulators.trouble import Why
from tests.engines.doorway import Doorway

pytestmark = pytest.mark.engines


def row_of(door: Doorway, device: str, path: Path) -> Identity:
    """What the file says that people make of what was issued."""
    issued = door.issue(device)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["tenant", "device", "client_id", "username", "password"])
        rows.writerow(["demo", device, issued.username.client_id, str(issued.username), issued.password])
    return read_credentials(path)["demo", device]


async def until(holds: Callable[[], object], what: str) -> None:
    for _ in range(600):
        if holds():
            return
        await asyncio.sleep(0.1)
    pytest.fail(what)


def test_a_simulated_device_signs_in_and_is_refused_when_it_is_revoked(door: Doorway, tmp_path: Path) -> None:
    identity = row_of(door, "yard-1", tmp_path / "credentials.csv")
    before = door.log().last_seq

    async def work() -> None:
        sender = Sender(identity, Broker(host="127.0.0.1", port=door.nats.mqtt_port), seed=1)
        sender.twin = Told({}, "1.4.2", lambda _, value: value)
        sender.waiting.append((1_763_800_000_000, {"cabinet_temp_c": 4.0}))
        keeper = asyncio.create_task(sender.keep_connected(0))
        await until(lambda: sender.count.readings == 1, f"it is not let in: {sender.trouble}")
        assert door.log().last_seq >= before + 3, "its birth, its report and its reading, all on its own topics"
        await asyncio.to_thread(door.revoke, "yard-1")
        await until(lambda: sender.trouble is not None and sender.trouble.why is Why.SIGN_IN, "it still speaks")
        assert not sender.connected
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper

    asyncio.run(work())
