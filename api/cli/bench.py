"""`foremend bench`: what this machine takes in."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from api.cli._options import fail


def register(app: typer.Typer) -> None:
    bench = typer.Typer(no_args_is_help=True, help="What this machine takes in, measured with engines of its own.")
    app.add_typer(bench, name="bench")

    @bench.callback()
    def _several() -> None:
        """Measure."""

    @bench.command("ingest")
    def command(
        *,
        seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long each load lasts.")] = 10,
        devices: Annotated[int, typer.Option("--devices", min=1, max=99_999, help="How many devices publish.")] = 1000,
        rate: Annotated[float | None, typer.Option("--rate", min=1, help="Messages a second, all together.")] = None,
        flat_out: Annotated[
            bool, typer.Option("--flat-out", help="As many as are acknowledged (the default).")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    ) -> None:
        """Devices publish with QoS 1; counted is what the record holds, against a reader that only counts."""
        from api.bench.house import Order
        from api.bench.ingest import measure

        if flat_out and rate is not None:
            raise fail("--rate and --flat-out exclude each other")
        if not as_json:
            typer.echo(f"three loads of {seconds:g} s: bare reader, whole road, bare reader ...", err=True)
        result = asdict(measure(Order(seconds=seconds, devices=devices, rate=rate)))
        if as_json:
            typer.echo(json.dumps(result))
            return
        width = max(map(len, result))
        for name, value in result.items():
            shown = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else value
            typer.echo(f"{name:<{width}}  {shown}")
