"""Which road into a replicated log keeps what it acknowledged: `python -m benchmarks.roads {door,front,bridge}`.

Three cores on loopback keep the log. The load publishes for as long as cores (on the road `front` also fronts) are
killed in turn, `--kills` of them, each `--every` seconds; `--kills 0`: flat out for 8 s. Then every message that was
acknowledged is looked up in the log. The road `door`: the cores have the MQTT listener themselves.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from api.engines import fronts
from api.engines.ports import free_port
from ingest.adapter_log import LogReader
from tests.cluster.machines import ROOT, Cluster

_MOSQUITTO = "persistence true\nautosave_interval 10\nmax_queued_messages 0\nmax_inflight_messages 2000\nuser root\n"
_QUIET_S = 3.0
_DEAD_S = 8.0  # longer than the others need to agree on a leader


def by_door(cluster: Cluster, folder: Path, _: ExitStack) -> list[int]:
    cluster.start(lambda: fronts.ensure_logs(cluster.url, [], slots=None, replicas=3), cluster.cores)
    config = folder / "deploy" / "nats-core.conf"
    config.write_text(config.read_text() + "mqtt { host: $NATS_HOST, port: $NATS_MQTT_PORT, no_auth_user: device }\n")
    doors = [free_port() for _ in cluster.cores]
    for core in cluster.cores:
        core.stop()
    for core, door in zip(cluster.cores, doors, strict=True):
        core.told["NATS_MQTT_PORT"] = str(door)
        core.start()
    cluster.leader()
    time.sleep(5)
    return doors


def by_front(cluster: Cluster, _: Path, __: ExitStack) -> list[int]:
    logs = {"slots": None, "replicas": 3, "issuer": cluster.issuer}
    cluster.start(lambda: fronts.ensure_logs(cluster.url, cluster.names, **logs))
    return cluster.doors


def by_bridge(cluster: Cluster, folder: Path, ending: ExitStack) -> list[int]:
    cluster.start(lambda: fronts.ensure_logs(cluster.url, [], slots=None, replicas=3), cluster.cores)
    port, config = free_port(), folder / "mosquitto.conf"
    where = f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence_location {folder}/\n"
    config.write_text(where + _MOSQUITTO)
    asked = ["bridge", "--broker", f"mqtt://127.0.0.1:{port}", "--topic", "fm/+/+/up/#"]
    for command in (["mosquitto", "-c", str(config)], [sys.executable, "-m", "api.cli", *asked]):
        told = {"PATH": "/usr/sbin:/usr/bin:/bin", "FOREMEND_NATS_URL": cluster.url}
        process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        ending.callback(process.wait)
        ending.callback(process.terminate)
        time.sleep(3)
    return [port, port]


ROADS: dict[str, Callable[[Cluster, Path, ExitStack], list[int]]] = {
    "door": by_door,
    "front": by_front,
    "bridge": by_bridge,
}


def loads(doors: list[int], folder: Path, seconds: float, rate: float | None) -> list[subprocess.Popen[bytes]]:
    pace = ["--flat-out"] if rate is None else ["--rate", str(rate), "--keep-alive", "6"]
    started = []
    for place, door in enumerate(doors):
        options = [
            "--port",
            door,
            "--tenant",
            "demo",
            "--devices",
            100,
            "--first-device",
            1 + 100 * place,
            "--reconnect",
        ]
        options += ["--seconds", seconds, "--publishers", 2, "--keys-out", folder / f"keys-{place}", *pace]
        command = [sys.executable, "-m", "simulators.load", *map(str, options)]
        started.append(subprocess.Popen(command, cwd=ROOT))  # noqa: S603
    return started


def disturb(cluster: Cluster, road: str, kills: int, every_s: float) -> None:
    for turn in range(kills):
        begun = time.monotonic()
        machine = cluster.fronts[turn // 2 % 2] if road == "front" and turn % 2 else cluster.leader()
        machine.kill()
        time.sleep(_DEAD_S)
        machine.start()
        time.sleep(max(0.0, every_s - (time.monotonic() - begun)))


def held(url: str) -> Counter[tuple[str, int]]:
    """How often the log has each (device, ts)."""
    found: Counter[tuple[str, int]] = Counter()
    with closing(LogReader(url, 0)) as reader:
        while messages := reader.fetch(_QUIET_S):
            ours = [each for each in messages if each.subject.endswith(".up.telemetry")]  # a bridge speaks of itself
            found.update((each.subject.split(".")[3], json.loads(each.payload)["ts"]) for each in ours)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("road", choices=ROADS)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--every", type=float, default=14.0, metavar="S")
    parser.add_argument(
        "--rate", type=float, default=600.0, help="messages a second and load, while something is killed"
    )
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="foremend-roads-", dir="/tmp"))
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = Cluster(folder)
        ending.callback(cluster.stop)
        doors = ROADS[given.road](cluster, folder, ending)
        seconds = given.kills * given.every + 5 if given.kills else 8.0
        running = loads(doors, folder, seconds, given.rate if given.kills else None)
        time.sleep(3)
        begun = time.monotonic() - 3
        disturb(cluster, given.road, given.kills, given.every)
        codes = [load.wait(seconds + 120) for load in running]
        cluster.leader()
        if given.road == "front":
            while not fronts.has_drawn(cluster.url, fronts.heads(cluster.url, cluster.names)):
                time.sleep(0.1)
        print(f"{time.monotonic() - begun:.1f} s, exit codes {codes}")
        there = held(cluster.url)
        rows = [row for place in range(len(doors)) for row in json.loads((folder / f"keys-{place}").read_text())]
    said = [
        (row["device"], row["first_ts_ms"] + i * row["step_ms"]) for row in rows for i in range(row["acknowledged"])
    ]
    missing, twice = sum(key not in there for key in said), sum(there.values()) - len(there)
    print(f"{given.road}: {len(said)} acknowledged, {missing} missing, {twice} twice in the log")


if __name__ == "__main__":
    main()
