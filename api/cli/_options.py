"""What several commands take alike."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from api.engines import account, folder

CHECKOUT = Path(__file__).resolve().parents[2]

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Where the data lies. Default: .foremend beside the code; for root, in /var/lib."),
]
HttpPort = Annotated[int, typer.Option("--http-port", min=1, max=65535, help="Pages and API, on this machine only.")]
MqttPort = Annotated[int, typer.Option("--mqtt-port", min=1, max=65535, help="Where appliances publish.")]
NatsPort = Annotated[int, typer.Option("--nats-port", min=1, max=65535, help="Where our own processes read the log.")]

HERE = "http://127.0.0.1:8080"


def running() -> str:
    """Where the house of this checkout answers, if it runs."""
    return folder.address(account.default_data(CHECKOUT)) or HERE


def _said(context: typer.Context, option: typer.CallbackParam, said: str) -> str:
    source = context.get_parameter_source(option.name or "")
    return running() if source is not None and source.name == "DEFAULT" else said


def tell_the_yard() -> None:
    """Its programs read from the environment where the house answers, unless they are told otherwise."""
    os.environ.setdefault("FOREMEND_HTTP_PORT", str(urlsplit(running()).port))


Api = Annotated[
    str,
    typer.Option(
        "--api", envvar="FOREMEND_API", callback=_said, help="The running Foremend; that of this folder is found."
    ),
]


def data_folder(given: Path | None) -> Path:
    return (given or account.default_data(CHECKOUT)).expanduser().absolute()


def fail(sentence: str) -> typer.Exit:
    """One sentence for the person, no traceback: `raise fail(...)`."""
    typer.echo(f"foremend: {sentence}", err=True)
    return typer.Exit(1)
