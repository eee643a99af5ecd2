"""How fast devices come back when the broker was away: NATS asks `foremend door` about each.

`python -m benchmarks.door --devices 1000` issues credentials, lets all in, kills the broker, starts it again, and says
how long it took until everybody was in again; then it revokes some and says when the last of their sessions had ended.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from pydantic import SecretStr

from api import schema
from api.door import run
from api.engines import account as accounts
from api.engines.nats import Nats
from api.engines.ports import free_port
from api.engines.postgres import Postgres
from api.settings import Settings, SignIn
from devices import catalogue, registry
from devices.credentials import issuing
from devices.credentials.model import Issued
from devices.registry import Registration
from ledger import scope
from ledger.model import Scope

BY = Scope(tenant_id="demo", actor="staff:bench")
RETRY_S = 1.0  # as a patient device waits before it tries once more
KEEPALIVE_S = 600


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def connect_packet(who: Issued) -> bytes:
    """MQTT 3.1.1, clean session, with name and password."""
    fields = (who.username.client_id, str(who.username), who.password)
    body = text("MQTT") + bytes([4, 0xC2]) + KEEPALIVE_S.to_bytes(2, "big") + b"".join(map(text, fields))
    assert len(body) < 16_384
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
    return b"\x10" + size + body


class Device:
    def __init__(self, who: Issued, port: int) -> None:
        self.packet, self.port = connect_packet(who), port
        self.tries = 0
        self.lost = asyncio.Event()

    async def come_in(self) -> float:
        """However often it takes; when it was in."""
        while True:
            self.tries += 1
            try:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.writer.write(self.packet)
                answer = await self.reader.readexactly(4)
            except (OSError, asyncio.IncompleteReadError):
                answer = b""
            if answer[3:] == b"\x00":
                self.lost.clear()
                self._watch = asyncio.create_task(self._until_lost())
                return time.monotonic()
            await asyncio.sleep(RETRY_S)

    async def _until_lost(self) -> None:
        try:
            while await self.reader.read(100):
                pass
        except OSError:
            pass
        self.writer.close()
        self.lost.set()


async def measure(people: list[Issued], nats: Nats, revoke: Callable[[int], None], revoked: int) -> dict[str, float]:
    devices = [Device(who, nats.mqtt_port) for who in people]
    begun_s = time.monotonic()
    first_s = max(await asyncio.gather(*(device.come_in() for device in devices))) - begun_s
    await asyncio.to_thread(nats.process.kill)
    await asyncio.gather(*(device.lost.wait() for device in devices))
    await asyncio.to_thread(nats.start)
    begun_s = time.monotonic()
    for device in devices:
        device.tries = 0
    again_s = max(await asyncio.gather(*(device.come_in() for device in devices))) - begun_s
    tries = max(device.tries for device in devices)
    begun_s = time.monotonic()
    await asyncio.to_thread(revoke, revoked)
    await asyncio.gather(*(device.lost.wait() for device in devices[:revoked]))
    dropped_s = time.monotonic() - begun_s
    return {"first_s": first_s, "again_s": again_s, "most_tries": tries, "revoked": revoked, "dropped_s": dropped_s}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--revoke", type=int, default=100)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    names = [f"d{number}" for number in range(given.devices)]
    with guarded(names) as (nats, dsn, people):

        def revoke(number: int) -> None:
            with psycopg.connect(dsn, user="foremend_api") as conn:
                scope.enter(conn, BY)
                for who in people[:number]:
                    device = registry.find(conn, BY.tenant_id, who.username.device_id)
                    issuing.revoke(conn, device, None, by=BY, now=datetime.now(UTC))

        found = asyncio.run(measure(people, nats, revoke, given.revoke))
        print(json.dumps({"devices": given.devices, **found}), flush=True)


@contextmanager
def guarded(names: list[str]) -> Iterator[tuple[Nats, str, list[Issued]]]:
    """A NATS where devices must sign in, a door that answers, and credentials for these devices."""
    with tempfile.TemporaryDirectory(prefix="foremend-bench-", dir="/tmp") as folder:
        accounts.prepare(Path(folder), accounts.choose())
        postgres = Postgres(Path(folder) / "record", sync=False)
        nats = Nats(Path(folder) / "log", port=free_port(), mqtt_port=free_port(), sign_in=SignIn.REQUIRED)
        stop = threading.Event()
        try:
            postgres.start()
            nats.start()
            people = _issue(postgres.dsn, names)
            settings = Settings(
                dsn=postgres.dsn,
                nats_url=SecretStr(nats.url),
                nats_issuer=SecretStr(nats.issuer),
                device_sign_in=SignIn.REQUIRED,
                broker_logs=str(nats.said),
            )
            door = threading.Thread(target=run.run, args=(settings, stop))
            door.start()
            time.sleep(1)
            yield nats, postgres.dsn, people
            stop.set()
            door.join()
        finally:
            stop.set()
            nats.stop()
            postgres.stop()


def _issue(dsn: str, names: list[str]) -> list[Issued]:
    classes = catalogue.load()
    with psycopg.connect(dsn, user="postgres", autocommit=True) as conn:
        schema.apply(conn, classes)
    with psycopg.connect(dsn, user="foremend_api") as conn:
        scope.enter(conn, BY)
        for name in names:
            said = Registration(device_id=name, class_id="refrigerator", model="F", serial=name)
            registry.register(conn, classes, said, by=BY, now=datetime.now(UTC))
        begun_s = time.monotonic()
        issued, _ = issuing.issue_missing(conn, after=0, limit=len(names), by=BY, now=datetime.now(UTC))
        print(json.dumps({"issued": len(issued), "issued_s": time.monotonic() - begun_s}), flush=True)
    return issued


if __name__ == "__main__":
    main()
