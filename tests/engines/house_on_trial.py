"""The real supervisor with the real engines over stand-ins for our own processes: they answer, and keep a journal.

`python house_on_trial.py up DATA HTTP MQTT NATS` is the supervisor, `... act NAME DATA HTTP` one stand-in.
A file DATA/dies-NAME makes that stand-in die at its start.
"""

import http.server
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from api.cli._display import PlainDisplay
from api.engines.errors import EngineError
from api.engines.plan import Plan
from api.engines.supervisor import Supervisor
from api.schema import NewerSchemaError


class TrialPlan(Plan):
    def house_command(self, name: str) -> list[str]:
        return [sys.executable, __file__, "act", name, str(self.data), str(self.http_port)]

    def fleet_command(self) -> list[str]:
        return self.house_command("fleet")

    def fleet_environment(self, caller: Mapping[str, str]) -> dict[str, str]:
        told = super().fleet_environment(caller)
        assert not {"FOREMEND_DSN", "FOREMEND_NATS_URL"} & set(told)
        return told


def act(name: str, data: Path, port: int) -> None:
    if (data / f"dies-{name}").exists():
        sys.exit(3)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    _journal(data, f"start {name} {os.getpid()}")
    if name == "api":
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    if name == "fleet":
        print('{"phase": "live", "done": 1, "total": 1}', flush=True)
    stop.wait()
    time.sleep(0.05)
    _journal(data, f"end {name} {os.getpid()}")


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def _journal(data: Path, line: str) -> None:
    with (data / "journal").open("a") as journal:
        journal.write(line + "\n")


def up(data: Path, http_port: int, mqtt_port: int, nats_port: int) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    plan = TrialPlan(
        data=data,
        checkout=Path(__file__).parents[2],
        http_port=http_port,
        mqtt_port=mqtt_port,
        nats_port=nats_port,
        base_url=f"http://127.0.0.1:{http_port}",
        lan=False,
        fleet=(),
    )
    display = PlainDisplay()
    try:
        Supervisor(plan, display, stop, lambda: display.say("ready")).run()
    except (EngineError, NewerSchemaError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1] == "act":
        act(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        up(Path(sys.argv[2]), *(int(port) for port in sys.argv[3:]))
