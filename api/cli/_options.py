"""What several commands take alike."""

from pathlib import Path
from typing import Annotated

import typer

from api.engines import account

CHECKOUT = Path(__file__).resolve().parents[2]

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Where the data lies. Default: .foremend beside the code; for root, in /var/lib."),
]
HttpPort = Annotated[int, typer.Option("--http-port", min=1, max=65535, help="Pages and API, on this machine only.")]
MqttPort = Annotated[int, typer.Option("--mqtt-port", min=1, max=65535, help="Where appliances publish.")]
NatsPort = Annotated[int, typer.Option("--nats-port", min=1, max=65535, help="Where our own processes read the log.")]

Api = Annotated[str, typer.Option("--api", help="The running Foremend.")]


def data_folder(given: Path | None) -> Path:
    return (given or account.default_data(CHECKOUT)).expanduser().absolute()


def fail(sentence: str) -> typer.Exit:
    """One sentence for the person, no traceback: `raise fail(...)`."""
    typer.echo(f"foremend: {sentence}", err=True)
    return typer.Exit(1)
