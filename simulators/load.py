"""Load for measuring: readings over MQTT, QoS 1, as many as the broker acknowledges, with little CPU of our own.

`python -m simulators.load --port 1883 --tenant demo --devices 1000 --seconds 10 --flat-out --keys-out keys.json`

Devices `bench-000001` ... are cold rooms; message i of a publisher is of its device i % n, and a device's reading k
stands at `first_ts_ms` + k * `step_ms`. MQTT acknowledges in order, so two numbers a publisher say which (device, ts)
were published and which acknowledged; `--keys-out` writes them for each device.
"""

import argparse
import json
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from simulators.load_messages import device_name
from simulators.packets import PACKET_IDS
from simulators.publisher import Order, Publisher

_WINDOW = 4096  # readings
_SETTLE_S = 30.0
_TICK_S = 0.002
_RETRY_S = 0.2
PASSWORD = "FOREMEND_LOAD_PASSWORD"  # noqa: S105  where it is read from


def run(order: Order) -> tuple[list[Publisher], float]:
    """Publish for `order.seconds`, wait for what is under way; returns the publishers and the seconds it took."""
    bounds = np.linspace(0, order.devices, min(order.publishers, order.devices) + 1).astype(int)
    publishers = [Publisher(order, order.first_device + int(a), int(b - a)) for a, b in pairwise(bounds)]
    share = order.rate / len(publishers) if order.rate else None
    begin = last_ack = time.monotonic()
    while (elapsed := time.monotonic() - begin) < order.seconds + _SETTLE_S:
        sending = elapsed < order.seconds and not all(publisher.is_done() for publisher in publishers)
        if not sending and all(publisher.acknowledged == publisher.published for publisher in publishers):
            break
        for place, publisher in enumerate(publishers):
            phase = place / len(publishers)  # one after the other, as devices are, and not all at the same moment
            due = publisher.published if not sending else int(share * elapsed + phase) if share else sys.maxsize
            if _turn(publisher, due):
                last_ack = time.monotonic()
        time.sleep(_TICK_S)  # instead of a selector: PUBACKs are then read by the hundred, not one by one
    for publisher in publishers:
        publisher.socket.close()
    return publishers, last_ack - begin


def _turn(publisher: Publisher, due: int) -> bool:
    """Whether something was acknowledged. Raises OSError when the broker is gone and should not be waited for."""
    try:
        before = publisher.acknowledged
        publisher.receive()
        publisher.send(due)
    except OSError:
        if not publisher.order.reconnect:
            raise
        if not publisher.reopen():
            time.sleep(_RETRY_S)
        return False
    return publisher.acknowledged > before


def keys(publishers: list[Publisher]) -> list[dict[str, object]]:
    """A row a device: its readings stand at first_ts_ms + i * step_ms for i below `published`."""
    rows: list[dict[str, object]] = []
    for publisher in publishers:
        for i in range(publisher.n_devices):
            published, acknowledged = (
                max(0, -(-(count - i) // publisher.n_devices)) * publisher.order.readings
                for count in (publisher.published, publisher.acknowledged)
            )
            rows.append(
                {
                    "device": device_name(publisher.first_device + i),
                    "first_ts_ms": publisher.order.first_ts_ms,
                    "step_ms": publisher.order.step_ms,
                    "published": published,
                    "acknowledged": acknowledged,
                }
            )
    return rows


def sends(publishers: list[Publisher]) -> list[dict[str, object]]:
    """When messages went out, a row a publisher; the first time, if a lost connection made it send them again."""
    return [
        {
            "first_device": publisher.first_device,
            "devices": publisher.n_devices,
            "first_ts_ms": publisher.order.first_ts_ms,
            "step_ms": publisher.order.step_ms,
            "readings": publisher.order.readings,
            "first": [number for number, _ in publisher.sends],
            "at_s": [at_s for _, at_s in publisher.sends],
        }
        for publisher in publishers
    ]


def _order(arguments: list[str] | None) -> tuple[Order, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m simulators.load", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    pace = parser.add_mutually_exclusive_group(required=True)
    pace.add_argument("--rate", type=float, help="messages a second")
    pace.add_argument("--flat-out", action="store_true")
    parser.add_argument("--publishers", type=int, default=4)
    parser.add_argument("--window", type=int, help="unacknowledged messages a publisher; default: 4096 readings")
    parser.add_argument("--readings", type=int, default=1, help="of a message: more than one are an array")
    parser.add_argument("--named", action="store_true", help="each reading says its device, too")
    parser.add_argument("--username", help=f"at the broker; the password is read from {PASSWORD}")
    parser.add_argument("--first-ts-ms", type=int, help="default: an hour ago")
    parser.add_argument("--step-ms", type=int, default=10)
    parser.add_argument("--reconnect", action="store_true", help="wait for a broker that went away and go on")
    parser.add_argument("--bad-every", type=int, metavar="N", help="every N-th message of a device is bad")
    parser.add_argument("--keep-alive", type=int, default=0, metavar="S", help="of a silent broker")
    parser.add_argument("--first-device", type=int, default=1, metavar="N", help="number of the first one")
    parser.add_argument("--turns", type=int, metavar="N", help="messages a device, then the end")
    parser.add_argument("--keys-out", help="file for what was published, a row a device")
    parser.add_argument("--sends-out", help="file for when messages went out, a row a publisher")
    given = parser.parse_args(arguments)
    window = given.window or max(16, _WINDOW // given.readings)
    if not 0 < window < PACKET_IDS:
        parser.error(f"--window must be between 1 and {PACKET_IDS - 1}")
    order = Order(
        host=given.host,
        port=given.port,
        tenant=given.tenant,
        devices=given.devices,
        seconds=given.seconds,
        rate=given.rate,
        publishers=given.publishers,
        window=window,
        first_ts_ms=given.first_ts_ms or int(time.time() * 1000) - 3_600_000,
        step_ms=given.step_ms,
        reconnect=given.reconnect,
        bad_every=given.bad_every,
        keep_alive_s=given.keep_alive,
        first_device=given.first_device,
        turns=given.turns,
        readings=given.readings,
        named=given.named,
        username=given.username,
        password=os.environ.get(PASSWORD) if given.username else None,
    )
    return order, given


def main(arguments: list[str] | None = None) -> int:
    order, given = _order(arguments)
    begin_s = time.time()
    try:
        publishers, seconds = run(order)
    except (OSError, ValueError) as error:
        print(f"load: {order.host}:{order.port}: {error}", file=sys.stderr)
        return 1
    for path, rows in ((given.keys_out, keys), (given.sends_out, sends)):
        if path:
            Path(path).write_text(json.dumps(rows(publishers)), encoding="utf-8")
    acknowledged = sum(publisher.acknowledged for publisher in publishers)
    result = {
        "published": sum(publisher.published for publisher in publishers),
        "acknowledged": acknowledged,
        "seconds": round(seconds, 3),
        "msg_s": round(acknowledged / max(seconds, 1e-9), 1),
        "readings": acknowledged * order.readings,
        "metrics": 8,
        "acknowledged_at_s": begin_s + seconds,
        "cpu_s": time.process_time(),
        "reconnects": sum(publisher.reconnects for publisher in publishers),
    }
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
