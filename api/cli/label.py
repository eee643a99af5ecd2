"""`foremend label DEVICE`, `label sheet`, `label read`: labels for appliances, one, many, and back from a photo."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from api.cli import _house
from api.cli._options import HERE, Api, fail

ONE = "one"


class _DeviceFirst(TyperGroup):
    """`foremend label fridge-1` is `foremend label one fridge-1`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [ONE, *args]
        return super().parse_args(ctx, args)


class Format(StrEnum):
    SVG = "svg"
    PNG = "png"


BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Where phones find the pages.")]


def register(app: typer.Typer) -> None:
    labels = typer.Typer(cls=_DeviceFirst, no_args_is_help=True, help="Labels for appliances, and back from a photo.")
    app.add_typer(labels, name="label")
    labels.command(ONE)(_one)
    labels.command("sheet")(_sheet)
    labels.command("read")(_read)


def _one(
    device_id: Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")],
    kind: Annotated[Format | None, typer.Option("--format", help="Without it: by the name of --out, else svg.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; without it, standard output.")] = None,
    base_url: BaseUrl = None,
    api: Api = HERE,
) -> None:
    """A device's label: a QR code of its page, with model and serial beneath. `one` may be left out."""
    from api.http import label

    device = _house.device(api, device_id)
    url = _house.moved(device["label_url"], base_url)
    made = label.of(url, device["model"], device["serial"])
    body = label.png(made) if (kind or _kind_of(out)) is Format.PNG else label.svg(made)
    if out is None:
        sys.stdout.buffer.write(body)
        return
    _house.write(out, body)
    typer.echo(f"{out}: {url}")


def _kind_of(out: Path | None) -> Format:
    try:
        return Format(out.suffix[1:].lower()) if out is not None else Format.SVG
    except ValueError:
        raise fail(f"a label is .svg or .png, and {out} is neither; rename it, or say which with --format") from None


def _sheet(
    *,
    out: Annotated[Path, typer.Option("--out", help="The PDF to write.")],
    devices: Annotated[str | None, typer.Option("--devices", help="Ids with commas between them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Of all devices.")] = False,
    grid: Annotated[
        str, typer.Option("--grid", help="3x8 (63.5 x 33.9 mm), 3x7, 2x7, 2x5; or columns x rows with --size.")
    ] = "3x8",
    size: Annotated[str | None, typer.Option("--size", help="Of one label, in mm: 63.5x33.9.")] = None,
    margins: Annotated[str | None, typer.Option("--margins", help="Left x top, in mm. Without it: centred.")] = None,
    gaps: Annotated[str | None, typer.Option("--gaps", help="Between labels, across x down, in mm.")] = None,
    skip: Annotated[int, typer.Option("--skip", min=0, help="So many labels of the first sheet are gone.")] = 0,
    marks: Annotated[bool, typer.Option("--marks/--no-marks", help="Where to cut.")] = True,
    language: Annotated[str, typer.Option("--language", help="en or zh.")] = "en",
    base_url: BaseUrl = None,
    api: Api = HERE,
) -> None:
    """Sheets of labels (A4, PDF) to print on paper that shops sell, or to cut."""
    from api.http import sheet, sheet_pdf
    from api.texts import LANGUAGES

    if (devices is None) is not every:
        raise fail("say whose labels: --devices fridge-1,fridge-2 or --all")
    if language not in LANGUAGES:
        raise fail(f"there is {' and '.join(LANGUAGES)}, and no {language!r}")
    try:
        chosen = sheet.grid(grid, size=size, margins=margins, gaps=gaps)
    except sheet.GridError as error:
        raise fail(str(error)) from None
    found = _house.every_device(api) if every else [_house.device(api, each) for each in _house.ids(devices or "")]
    words = [
        sheet_pdf.words(
            _house.moved(each["label_url"], base_url),
            each["model"],
            each["serial"],
            _house.moved(each["gs1_url"], base_url),
            language,
        )
        for each in found
    ]
    _house.write(out, sheet_pdf.draw(words, chosen, skip=skip, marks=marks))
    pages = -(-(skip + len(words)) // chosen.per_page)
    typer.echo(f"{out}: {_so_many(len(words), 'label')} on {_so_many(pages, 'sheet')} of A4")


def _read(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="JPEG, PNG or WebP.")],
    base_url: Annotated[
        str, typer.Option("--base-url", envvar="FOREMEND_BASE_URL", help="Whose labels are ours.")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Which appliance a photo of a label names: its page's path, for whoever asks the house with it."""
    from urllib.parse import urlsplit

    from api.http import lan, scan
    from api.http.guard import PHOTO_BYTES
    from api.texts import say
    from devices.gs1 import Item

    try:
        data = photo.read_bytes() if photo.stat().st_size <= PHOTO_BYTES else b""
    except OSError as error:
        raise fail(f"{photo} cannot be read: {error.strerror}") from None
    found = scan.read(data, lan.HERE | {urlsplit(base_url).hostname or ""})
    if isinstance(found, scan.Trouble):
        raise fail(f"{photo}: {say('en', f'scan.trouble.{found}')}")
    typer.echo(base_url.rstrip("/") + (found.path if isinstance(found, Item) else f"/r/{found}"))


def _so_many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
