"""`foremend bench`: what this machine takes in."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from api.cli._options import fail

Seconds = Annotated[float, typer.Option("--seconds", min=1, help="How long each load lasts.")]
Devices = Annotated[int, typer.Option("--devices", min=1, max=99_999, help="How many devices publish.")]
Rate = Annotated[float | None, typer.Option("--rate", min=1, help="Messages a second, all together.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]


def register(app: typer.Typer) -> None:
    bench = typer.Typer(no_args_is_help=True, help="What this machine takes in, measured with engines of its own.")
    app.add_typer(bench, name="bench")

    @bench.callback()
    def _several() -> None:
        """Measure."""

    @bench.command("ingest")
    def command(
        *,
        seconds: Seconds = 10,
        devices: Devices = 1000,
        rate: Rate = None,
        flat_out: Annotated[
            bool, typer.Option("--flat-out", help="As many as are acknowledged (the default).")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Devices publish with QoS 1; counted is what the record holds, against a reader that only counts."""
        from api.bench.house import Order
        from api.bench.ingest import measure

        if flat_out and rate is not None:
            raise fail("--rate and --flat-out exclude each other")
        if not as_json:
            typer.echo(f"three loads of {seconds:g} s: bare reader, whole road, bare reader ...", err=True)
        _show(asdict(measure(Order(seconds=seconds, devices=devices, rate=rate))), as_json=as_json)

    @bench.command("bridge")
    def bridge(*, seconds: Seconds = 5, devices: Devices = 1000, rate: Rate = None, as_json: AsJson = False) -> None:
        """Devices publish to Mosquitto; counted is what a bridge brings into the log, against a subscriber that only
        acknowledges."""
        from api.bench import mosquitto
        from api.bench.bridge import measure
        from api.bench.house import Order

        if mosquitto.binary() is None:
            raise fail("Mosquitto is not there; on Debian or Ubuntu: apt-get install mosquitto")
        if not as_json:
            typer.echo(f"three loads of {seconds:g} s: bare subscriber, bridge, bare subscriber ...", err=True)
        _show(asdict(measure(Order(seconds=seconds, devices=devices, rate=rate))), as_json=as_json)


def _show(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    width = max(map(len, result))
    for name, value in result.items():
        shown = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else value
        typer.echo(f"{name:<{width}}  {shown}")
