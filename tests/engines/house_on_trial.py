"""The real supervisor with the real engines over stand-ins: `python house_on_trial.py DATA HTTP MQTT NATS`."""

import os
import signal
import sys
from pathlib import Path

from api.cli import _process
from api.cli._display import PlainDisplay
from api.engines.errors import EngineError
from api.engines.plan import Plan
from api.engines.supervisor import Supervisor
from api.schema import NewerSchemaError
from api.settings import SignIn

_STAND_IN = str(Path(__file__).with_name("stand_in.py"))


class TrialPlan(Plan):
    def house_command(self, name: str) -> list[str]:
        return [sys.executable, "-S", _STAND_IN, name, str(self.data), str(self.http_port)]

    def fleet_command(self) -> list[str]:
        return self.house_command("fleet")


def up(data: Path, http_port: int, mqtt_port: int, nats_port: int) -> None:
    stop = _process.stopped_by(signal.SIGINT, signal.SIGTERM)
    plan = TrialPlan(
        data=data,
        checkout=Path(__file__).parents[2],
        http_port=http_port,
        mqtt_port=mqtt_port,
        nats_port=nats_port,
        base_url=f"http://127.0.0.1:{http_port}",
        lan=False,
        fleet=(),
        sign_in=SignIn(os.environ.get("FOREMEND_DEVICE_SIGN_IN", "open")),
        sync=False,
        backoff_s=(0.1, 0.1, 0.1),
    )
    display = PlainDisplay()
    try:
        Supervisor(plan, display, stop, lambda: display.say("ready")).run()
    except (EngineError, NewerSchemaError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


up(Path(sys.argv[1]), *(int(port) for port in sys.argv[2:]))
