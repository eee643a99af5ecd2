"""`foremend bench`: what this machine takes in."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli._options import fail

SIZES = "1000,3000,10000,30000,100000"
MOST_DEVICES = 1_000_000


class SourceName(StrEnum):
    STREAM = "stream"
    BRIDGE = "bridge"


Seconds = Annotated[float, typer.Option("--seconds", min=1, help="How long each load lasts.")]
Devices = Annotated[int, typer.Option("--devices", min=1, max=MOST_DEVICES - 1, help="How many devices publish.")]
Rate = Annotated[float | None, typer.Option("--rate", min=1, help="Messages a second, all together.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
Pace = Annotated[
    str | None,
    typer.Option("--rate", help="Messages a second, all together, or `max`: the highest paced rate that keeps up."),
]
Near = Annotated[
    float | None,
    typer.Option("--near", min=1, help="For --rate max: where to begin to look; saves minutes where it is known."),
]
FlatOut = Annotated[bool, typer.Option("--flat-out", help="As many as are acknowledged (the default).")]
Runs = Annotated[int, typer.Option("--runs", min=1, help="Pairs of bare reader and whole road; medians are shown.")]
Readings = Annotated[int, typer.Option("--readings", min=1, max=400, help="Of a message; more than one are an array.")]
Where = Annotated[
    SourceName,
    typer.Option(
        "--source", help="stream: devices speak to our listener. bridge: to another broker, and a bridge reads it."
    ),
]
Dsn = Annotated[
    str | None,
    typer.Option("--dsn", help="A superuser's on a server of yours: a database is made there and dropped again."),
]
BrokerUrl = Annotated[
    str | None,
    typer.Option(
        "--broker",
        help="Yours, for --source bridge: mqtt://HOST:PORT, as FOREMEND_BRIDGE_USERNAME. Default: our own Mosquitto.",
    ),
]


def register(app: typer.Typer) -> None:
    bench = typer.Typer(no_args_is_help=True, help="What this machine takes in, measured with engines of its own.")
    app.add_typer(bench, name="bench")

    @bench.callback()
    def _several() -> None:
        """Measure."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the engines end as well

    _register_fleet(bench)

    @bench.command("ingest")
    def command(
        *,
        seconds: Seconds = 10,
        devices: Devices = 1000,
        rate: Pace = None,
        near: Near = None,
        flat_out: FlatOut = False,
        runs: Runs = 3,
        readings: Readings = 1,
        source: Where = SourceName.STREAM,
        dsn: Dsn = None,
        broker: BrokerUrl = None,
        as_json: AsJson = False,
    ) -> None:
        """Devices publish with QoS 1; counted is what the record holds, against a reader that only counts."""
        from api.bench.errors import BenchError
        from api.bench.ingest import Plan, measure
        from api.bench.order import Order
        from api.bench.source import Bridge, Place, Stream

        if flat_out and rate is not None:
            raise fail("--rate and --flat-out exclude each other")
        if near is not None and rate != "max":
            raise fail("--near is for --rate max")
        if broker is not None and source is not SourceName.BRIDGE:
            raise fail("--broker is for --source bridge")
        order = Order(seconds=seconds, devices=devices, rate=_paced(rate), readings=readings)
        try:
            at = Place.read(broker) if broker is not None else None
            way = Bridge(broker=at) if source is SourceName.BRIDGE else Stream()
            plan = Plan(runs=runs, source=way, dsn=dsn, highest=rate == "max", near=near)
            with _shown(plan.stages(), as_json=as_json) as tell:
                result = measure(order, replace(plan, tell=tell))
        except BenchError as error:
            raise fail(str(error)) from None
        _show(asdict(result), as_json=as_json)

    @bench.command("bridge")
    def bridge(*, seconds: Seconds = 5, devices: Devices = 1000, rate: Rate = None, as_json: AsJson = False) -> None:
        """Devices publish to Mosquitto; counted is what a bridge brings into the log, against a subscriber that only
        acknowledges."""
        from api.bench.bridge import measure
        from api.bench.errors import BenchError
        from api.bench.order import Order

        if not as_json:
            typer.echo(f"three loads of {seconds:g} s: bare subscriber, bridge, bare subscriber ...", err=True)
        try:
            result = measure(Order(seconds=seconds, devices=devices, rate=rate))
        except BenchError as error:
            raise fail(str(error)) from None
        _show(asdict(result), as_json=as_json)


def _register_fleet(bench: typer.Typer) -> None:
    @bench.command("fleet")
    def fleet(
        *,
        seconds: Seconds = 8,
        rate: Annotated[float, typer.Option("--rate", min=1, help="Messages a second, all together.")] = 30_000,
        sizes: Annotated[str, typer.Option("--sizes", help="How many devices, one fleet after another.")] = SIZES,
        picture: Annotated[Path | None, typer.Option("--picture", help="Draw the curve into this SVG file.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """What a message costs as the fleet grows, at the same rate of messages."""
        from api.bench.curve import svg
        from api.bench.fleet import measure
        from api.bench.order import Order

        fleets = _numbers(sizes)
        with _shown(len(fleets), as_json=as_json) as tell:
            found = measure(Order(seconds=seconds, devices=1, rate=rate), fleets, tell)
        if picture is not None:
            names = {"worker": "worker_us", "database": "database_us", "broker": "broker_us", "all": "cost_us"}
            lines = {name: [getattr(size, column) for size in found] for name, column in names.items()}
            title = f"CPU microseconds a message, by devices, at {rate:,.0f} messages a second"
            picture.write_text(svg(title, [size.devices for size in found], lines), encoding="utf-8")
        for size in found:
            _show({**asdict(size), "cost_us": round(size.cost_us, 2)}, as_json=as_json)


def _paced(rate: str | None) -> float | None:
    if rate is None or rate == "max":
        return None
    try:
        if (asked := float(rate)) >= 1:
            return asked
    except ValueError:
        pass
    raise fail("--rate reads a number of messages a second from 1 on, or max")


def _numbers(sizes: str) -> list[int]:
    try:
        read = [int(size) for size in sizes.split(",")]
    except ValueError:
        read = []
    if not read or not all(0 < size < MOST_DEVICES for size in read):
        raise fail("--sizes reads numbers of devices with commas between them, such as 1000,10000")
    return read


@contextmanager
def _shown(stages: int, *, as_json: bool) -> Iterator[Callable[[str], None]]:
    """A bar on standard error, a stage a step."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*bar, console=Console(stderr=True), disable=as_json, transient=True) as progress:
        task = progress.add_task("engines start", total=stages)
        begun = count()
        yield lambda stage: progress.update(task, description=stage, completed=next(begun))


def _show(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    width = max(map(len, result))
    for name, value in result.items():
        shown = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else value
        typer.echo(f"{name:<{width}}  {shown}")
