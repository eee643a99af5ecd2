"""`foremend bridge`: another broker's messages into our log."""

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli._options import Data, data_folder, fail
from ingest.bridge.versions import Protocol

if TYPE_CHECKING:
    from api.bridge.run import Order
    from api.settings import Settings
    from ingest.bridge.adapter_mqtt import Broker

_File = Path | None
Url = Annotated[str, typer.Option("--broker", help="mqtt://host:1883, or mqtts://host:8883 for TLS.")]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="A filter; $share/GROUP/FILTER shares it among bridges.")
]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", help="FILTER=TOPIC, such as 'plant/+/state=fm/demo/{1}/up/telemetry'. Default: as it is."),
]
Downs = Annotated[
    list[str] | None,
    typer.Option("--down", help="FILTER=TOPIC, such as 'fm/demo/+/down/+=plant/{1}/down/{2}'. Default: nothing."),
]
ClientId = Annotated[str, typer.Option("--client-id", help="The session's name: one of its own for each bridge.")]
Spoken = Annotated[Protocol, typer.Option("--protocol", help="Of MQTT; auto: 5 where the broker speaks it.")]
Sparkplug = Annotated[str | None, typer.Option("--sparkplug", help="The tenant whose edge nodes speak there.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Whose refusals show what finds no place.")]
UsernameFile = Annotated[_File, typer.Option("--username-file", help="Or FOREMEND_BRIDGE_USERNAME.")]
PasswordFile = Annotated[_File, typer.Option("--password-file", help="Or FOREMEND_BRIDGE_PASSWORD.")]
Ca = Annotated[_File, typer.Option("--ca", help="Who signed the broker's certificate. Default: the system's own.")]
Cert = Annotated[_File, typer.Option("--cert", help="Our certificate, where the broker wants one.")]
Key = Annotated[_File, typer.Option("--key", help="Its private key, without a passphrase.")]


def register(app: typer.Typer) -> None:
    @app.command("bridge")
    def command(
        *,
        broker: Url,
        topic: Topics = None,
        maps: Maps = None,
        downs: Downs = None,
        sparkplug: Sparkplug = None,
        client_id: ClientId = "foremend-bridge",
        protocol: Spoken = Protocol.AUTO,
        tenant: Tenant = None,
        username_file: UsernameFile = None,
        password_file: PasswordFile = None,
        ca: Ca = None,
        cert: Cert = None,
        key: Key = None,
        data: Data = None,
        check: Annotated[bool, typer.Option("--check", help="Only look: say what is wrong, and what helps.")] = False,
    ) -> None:
        """Join another broker: its messages go into the log, and are acknowledged when the log has stored them."""
        from api.bridge import setup
        from api.bridge.run import Order
        from ingest.bridge import foreign
        from ingest.errors import BrokerError, MapError

        files = setup.Files(username=username_file, password=password_file, ca=ca, cert=cert, key=key)
        try:
            settings = setup.settings_for(data_folder(data))
            address = setup.Address.read(broker)
            edges = setup.edges(sparkplug)
            filters = [*edges.filters, *(topic or ())]
            ours = maps or ([foreign.AS_IT_IS] if topic else [])
            mapping = setup.mapping(filters, [*edges.maps, *ours], tenant or sparkplug or settings.tenant)
            way_down = setup.way_down(downs or (), sparkplug)
            now = partial(setup.broker, settings, address, filters, client_id, files, protocol)
            at = now()  # what cannot be used is said at once
        except (BrokerError, MapError) as error:
            raise fail(str(error)) from None
        if check:
            _check(at, settings)
        else:
            _run(settings, Order(broker=now, mapping=mapping, way_down=way_down))


def _check(at: "Broker", settings: "Settings") -> None:
    from api.cli.doctor import show
    from api.doctor import broker
    from api.watch.checks import State, worst

    found = broker.examine(at, settings.nats_url.get_secret_value())
    show(found)
    if worst(found) is State.FAILED:
        raise typer.Exit(1)


def _run(settings: "Settings", order: "Order") -> None:
    from api.bridge import run
    from api.cli import _process
    from ingest.errors import BrokerRefusesError

    refused: list[BrokerRefusesError] = []

    def work(settings: "Settings", stop: threading.Event) -> None:
        try:
            run.run(settings, stop, order)
        except BrokerRefusesError as error:
            refused.append(error)

    _process.run("bridge", work, settings)
    if refused:
        raise fail(str(refused[0]))
