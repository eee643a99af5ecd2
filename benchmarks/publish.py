"""What a publisher of one connection costs itself and NATS: `python benchmarks/publish.py`.

Each message with an answer of its own, as the bridge does it, against NATS' batches (2.14 and later, `allow_batched`),
of which only the last message is answered.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from api.bench import processes
from api.engines import account as accounts
from api.engines.nats import Nats
from api.engines.nats_request import request
from api.engines.nats_streams import LOG_STREAM
from api.engines.ports import free_port
from ingest.adapter_publish import LogPublisher
from ingest.adapter_wire import Wire
from ingest.topics import DOOR

MESSAGES, WINDOW, AT_ONCE, ROUNDS = 200_000, 2048, 100, 3
PAYLOAD = b"x" * 200
SUBJECTS = [b"fm.demo.d-%05d.up.telemetry" % device for device in range(1000)]


def each(url: str) -> None:
    with closing(LogPublisher(url)) as publisher:
        sent = done = 0
        while done < MESSAGES:
            while sent < MESSAGES and sent - done + AT_ONCE <= WINDOW:
                publisher.send(
                    (SUBJECTS[number % 1000], number % 65_535 + 1, PAYLOAD) for number in range(sent, sent + AT_ONCE)
                )
                sent += AT_ONCE
            done += len(publisher.stored())


def batches(url: str) -> None:
    """The reply says it all: inbox and batch, acknowledgements wanted, gaps, place in the batch, operation."""
    with closing(Wire(url)) as wire:
        wire.send(b"SUB _INBOX.publish.> 8\r\n")
        sent = done = 0
        buffer = b""
        while done < MESSAGES:
            while sent < MESSAGES and sent - done + AT_ONCE <= WINDOW:
                wire.send(b"".join(_batch(sent)))
                sent += AT_ONCE
            *lines, buffer = (buffer + wire.receive()).split(b"\r\n")
            for line in lines:
                if line.startswith(b'{"stream"'):
                    done += json.loads(line)["count"]
                assert not line.startswith(b'{"error"'), line


def _batch(first: int) -> list[bytes]:
    operations = [b"0", *[b"1"] * (AT_ONCE - 2), b"2"]  # begin, add, add and end
    return [
        b"PUB %b%b _INBOX.publish.%d.1000.fail.%d.%b.$FI 200\r\n%b\r\n"
        % (DOOR.encode(), SUBJECTS[(first + place) % 1000], first, place + 1, operation, PAYLOAD)
        for place, operation in enumerate(operations)
    ]


def measure(name: str, publish: Callable[[str], None], nats: Nats) -> None:
    request(nats.url, "$JS.API.STREAM.PURGE.LOG")
    begin, client_s, server_s = time.monotonic(), time.process_time(), processes.cpu_s(nats.process.pid)
    publish(nats.url)
    rate = MESSAGES / (time.monotonic() - begin)
    client_us = (time.process_time() - client_s) / MESSAGES * 1e6
    server_us = (processes.cpu_s(nats.process.pid) - server_s) / MESSAGES * 1e6
    print(f"{name:8} {rate:8.0f} msg/s, CPU us a message: publisher {client_us:.2f}, NATS {server_us:.2f}", flush=True)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="foremend-publish-", dir="/tmp"))
    accounts.prepare(folder, accounts.choose())
    nats = Nats(folder / "log", port=free_port(), mqtt_port=free_port())
    nats.start()
    try:
        request(nats.url, "$JS.API.STREAM.UPDATE.LOG", {**LOG_STREAM, "allow_batched": True})
        for _ in range(ROUNDS):
            measure("each", each, nats)
            measure("batches", batches, nats)
    finally:
        nats.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
