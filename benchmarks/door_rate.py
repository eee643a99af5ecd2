"""What it costs NATS that each device has permissions of its own: `python -m benchmarks.door_rate`.

One device publishes as fast as it is acknowledged, to a door that is open and to one that let it in by its credential.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from api.bench.processes import cpu_s
from api.engines import account as accounts
from api.engines.nats import Nats
from api.engines.nats_streams import stream_state
from api.engines.ports import free_port
from benchmarks.door import guarded
from devices.credentials.model import Issued
from simulators.load import PASSWORD
from simulators.load_messages import device_name

SECONDS = 4.0
TURNS = 3


def publish(nats: Nats, who: Issued | None) -> dict[str, float]:
    load = [
        "--port",
        str(nats.mqtt_port),
        "--tenant",
        "demo",
        "--devices",
        "1",
        "--seconds",
        str(SECONDS),
        "--flat-out",
    ]
    told = dict(os.environ)
    if who is not None:
        load += ["--username", str(who.username)]
        told[PASSWORD] = who.password
    pid = nats.process.pid
    assert pid is not None
    before, spent_s = stream_state(nats.url).last_seq, cpu_s(pid)
    subprocess.run([sys.executable, "-m", "simulators.load", *load], check=True, env=told, stdout=subprocess.DEVNULL)  # noqa: S603
    count = stream_state(nats.url).last_seq - before
    return {"msg_s": round(count / SECONDS), "nats_us": round(1e6 * (cpu_s(pid) - spent_s) / count, 2)}


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="foremend-bench-", dir="/tmp") as folder,
        guarded([device_name(1)]) as (closed, _, people),
    ):
        accounts.prepare(Path(folder), accounts.choose())
        door = Nats(Path(folder) / "log", port=free_port(), mqtt_port=free_port())
        door.start()
        try:
            for _ in range(TURNS):
                print(json.dumps({"open": publish(door, None), "required": publish(closed, people[0])}), flush=True)
        finally:
            door.stop()


if __name__ == "__main__":
    main()
