"""`foremend label DEVICE`: the label to stick on an appliance."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.cli._options import fail

PATIENCE_S = 10


class Format(StrEnum):
    SVG = "svg"
    PNG = "png"


def register(app: typer.Typer) -> None:
    @app.command("label")
    def command(
        device_id: Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")],
        kind: Annotated[
            Format | None, typer.Option("--format", help="Without it: by the name of --out, else svg.")
        ] = None,
        out: Annotated[Path | None, typer.Option("--out", help="File to write; without it, standard output.")] = None,
        base_url: Annotated[str | None, typer.Option("--base-url", help="Where phones find the pages.")] = None,
        api: Annotated[str, typer.Option("--api", help="The running Foremend.")] = "http://127.0.0.1:8080",
    ) -> None:
        """Print a device's label: a QR code of its page, with model and serial beneath."""
        from api.http import label

        device = _find(api.rstrip("/"), device_id)
        url = device["label_url"]
        if base_url is not None:
            url = f"{base_url.rstrip('/')}/r/{url.rpartition('/')[2]}"
        made = label.of(url, device["model"], device["serial"])
        body = label.png(made) if (kind or _kind_of(out)) is Format.PNG else label.svg(made)
        if out is None:
            sys.stdout.buffer.write(body)
            return
        try:
            out.write_bytes(body)
        except OSError as error:
            raise fail(f"{out} cannot be written: {error.strerror}") from None
        typer.echo(f"{out}: {url}")


def _kind_of(out: Path | None) -> Format:
    try:
        return Format(out.suffix[1:].lower()) if out is not None else Format.SVG
    except ValueError:
        raise fail(f"a label is .svg or .png, and {out} is neither; rename it, or say which with --format") from None


def _find(api: str, device_id: str) -> dict[str, Any]:
    import httpx2

    try:
        answer = httpx2.get(f"{api}/api/devices/{quote(device_id, safe='')}", timeout=PATIENCE_S, trust_env=False)
        said = answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise fail(
            f"no Foremend answers at {api} ({error}); start it with make up, or name it with --api URL"
        ) from None
    if answer.status_code != 200:
        raise fail(str(said.get("detail", f"{api} answered {answer.status_code}")))
    found: dict[str, Any] = said
    return found
