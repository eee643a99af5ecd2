"""`foremend claim`: the secrets that are packed with appliances, and locks after wrong ones."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import _house
from api.cli._api import ask, in_path
from api.cli._options import HERE, Api, fail

Device = Annotated[str, typer.Argument(metavar="DEVICE")]


def register(app: typer.Typer) -> None:
    claims = typer.Typer(no_args_is_help=True, help="How appliances become their customers'.")
    app.add_typer(claims, name="claim")
    claims.command("secret")(_secret)
    claims.command("unlock")(_unlock)
    claims.command("show")(_show)


def _secret(
    devices: Annotated[list[str], typer.Argument(metavar="DEVICE...")],
    *,
    out: Annotated[Path | None, typer.Option("--out", help="A PDF with a card for each, to pack with it.")] = None,
    valid_days: Annotated[int, typer.Option(min=1, max=3650, help="For so long a card is good.")] = 1095,
    language: Annotated[str, typer.Option("--language", help="Of the cards: en or zh.")] = "en",
    base_url: Annotated[str | None, typer.Option("--base-url", help="Where phones find the pages.")] = None,
    api: Api = HERE,
) -> None:
    """A new secret for each, shown this once; the one before opens nothing any more."""
    from api.http import sheet, sheet_pdf
    from api.texts import LANGUAGES

    if language not in LANGUAGES:
        raise fail(f"there is {' and '.join(LANGUAGES)}, and no {language!r}")
    if out is not None:
        _house.write(out, b"")  # before any secret is made: one that cannot be written down would be lost
    made = [_ask(api, device, "secret", {"valid_days": valid_days}) for device in devices]
    if out is None:
        for each in made:
            typer.echo(f"{each['device_id']}\t{each['secret']}")
        return
    cards = [
        sheet_pdf.card(
            _house.moved(each["label_url"], base_url), each["model"], each["serial"], each["secret"], language
        )
        for each in made
    ]
    out.chmod(0o600)
    _house.write(out, sheet_pdf.draw(cards, sheet.PRESETS[sheet.CARDS]))
    typer.echo(f"{out}: {len(cards)} {'card' if len(cards) == 1 else 'cards'}")


def _unlock(device: Device, api: Api = HERE) -> None:
    """Let people try again at once, after wrong secrets closed a device."""
    _ask(api, device, "unlock", {})
    typer.echo(f"{device}: open")


def _show(device: Device, api: Api = HERE) -> None:
    """Whether it has a secret, whether it is locked."""
    said = ask(api, "GET", f"/api/devices/{in_path(device)}/claim")
    secret = said["secret"]
    card = f"card good until {secret['expires_at']}" if secret else "no card"
    if secret and secret["spent_at"]:
        card = f"card used at {secret['spent_at']}"
    locked = f", locked until {said['locked_until']}" if said["locked_until"] else ""
    typer.echo(f"{device}: {said['state']}, {card}, {said['wrong_secrets']} wrong secrets{locked}")


def _ask(api: str, device: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = ask(api, "POST", f"/api/devices/{in_path(device)}/claim/{what}", json=body)
    return made
