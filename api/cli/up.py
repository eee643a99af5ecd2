"""`foremend up`: everything on this machine, in the foreground, until Ctrl-C."""

import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli._options import CHECKOUT, Data, HttpPort, MqttPort, NatsPort, data_folder, fail
from api.settings import SignIn


def register(app: typer.Typer) -> None:
    @app.command("up")
    def command(
        data: Data = None,
        http_port: HttpPort = 8080,
        mqtt_port: MqttPort = 1883,
        nats_port: NatsPort = 4222,
        *,
        lan: Annotated[bool, typer.Option("--lan", help="Open the public pages to the local network.")] = False,
        power_safe: Annotated[
            bool, typer.Option("--power-safe", help="Acknowledge only what is on the disk; slow.")
        ] = False,
        mqtt_cert: Annotated[Path | None, typer.Option(help="The door's certificate, with its chain (PEM).")] = None,
        mqtt_key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
        mqtt_client_ca: Annotated[
            Path | None, typer.Option(help="Devices must show a certificate of this authority (PEM).")
        ] = None,
        sign_in: Annotated[
            SignIn,
            typer.Option(
                "--sign-in",
                envvar="FOREMEND_DEVICE_SIGN_IN",
                help="Whether devices must sign in with credentials of their own.",
            ),
        ] = SignIn.OPEN,
        no_fleet: Annotated[bool, typer.Option("--no-fleet", help="Without the demo's appliances.")] = False,
        fleet_seed: Annotated[int | None, typer.Option(help="Another seed: another unit falls ill.")] = None,
        fleet_fault: Annotated[str | None, typer.Option(help="Which fault, or none.")] = None,
        devices: Annotated[int | None, typer.Option(min=1, max=999, help="How many appliances the fleet has.")] = None,
        days: Annotated[float | None, typer.Option(min=0, help="How many days of history the fleet sends.")] = None,
    ) -> None:
        """Start everything and the demo fleet; Ctrl-C stops it, the data stays."""
        fleet = _fleet_options(seed=fleet_seed, fault=fleet_fault, devices=devices, days=days)
        _run(
            data=data_folder(data),
            http_port=http_port,
            mqtt_port=mqtt_port,
            nats_port=nats_port,
            lan=lan,
            power_safe=power_safe,
            certificate=_certificate(mqtt_cert, mqtt_key, mqtt_client_ca),
            sign_in=sign_in,
            fleet=None if no_fleet else fleet,
        )


def _fleet_options(**given: str | float | None) -> tuple[str, ...]:
    return tuple(part for name, value in given.items() if value is not None for part in (f"--{name}", str(value)))


def _certificate(cert: Path | None, key: Path | None, client_ca: Path | None) -> Any:
    from api.engines.certificates import Certificate

    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise fail("an encrypted door needs both, --mqtt-cert FILE and --mqtt-key FILE")
    return Certificate(cert=cert.absolute(), key=key.absolute(), client_ca=client_ca and client_ca.absolute())


def _run(*, http_port: int, lan: bool, **asked: Any) -> None:
    from api import classes
    from api.cli import _display, _process
    from api.engines.errors import EngineError
    from api.engines.plan import Plan
    from api.engines.supervisor import Supervisor
    from api.http import lan as local_network
    from api.schema import NewerSchemaError
    from api.settings import Settings
    from devices.errors import CatalogueError
    from ingest.errors import LayoutError

    host = local_network.address() if lan else "127.0.0.1"
    plan = Plan(checkout=CHECKOUT, http_port=http_port, lan=lan, base_url=f"http://{host}:{http_port}", **asked)
    stop = _process.stopped_by(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    display = _display.choose()

    def ready() -> None:
        for line in _addresses(plan):
            display.say(line)
        if lan:
            local_network.announce(host, http_port)
        display.say("ready")

    try:
        classes.of(Settings.from_environment(dsn=""))  # before anything is started for it in vain
        Supervisor(plan, display, stop, ready).run()
    except (EngineError, NewerSchemaError, CatalogueError, LayoutError) as error:
        raise fail(str(error)) from None


_SIGN_IN = {
    SignIn.OPEN: "Any program on this machine may speak for any device; --sign-in required asks each for its own.",
    SignIn.REQUIRED: "Devices sign in with what foremend credentials issue DEVICE gives them.",
}


def _addresses(plan: Any) -> list[str]:
    return [
        "",
        f"  desk             {plan.desk_url}/desk",
        f"  engineers        {plan.desk_url}/work",
        f"  MQTT             127.0.0.1:{plan.mqtt_port}, topic fm/demo/DEVICE/up/telemetry",
        f"                   {_SIGN_IN[plan.sign_in]}",
        f"  data and logs    {plan.data}",
        "",
        "  Ctrl-C stops everything, and the data stays; make clean forgets it.",
        "",
    ]
