"""`foremend credentials`: with what devices sign in at the broker."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli._api import ask, in_path
from api.cli._options import HERE, Api, fail

FIELDS = ("tenant", "device", "client_id", "username", "password")

Out = Annotated[Path | None, typer.Option("--out", help="A CSV file that only you may read; it must not be there yet.")]
Device = Annotated[str, typer.Argument(metavar="DEVICE")]


def register(app: typer.Typer) -> None:
    credentials = typer.Typer(no_args_is_help=True, help="With what devices sign in at the broker.")
    app.add_typer(credentials, name="credentials")

    @credentials.command("issue")
    def issue(
        devices: Annotated[list[str] | None, typer.Argument(metavar="DEVICE...")] = None,
        *,
        every: Annotated[bool, typer.Option("--all", help="Each device that has none.")] = False,
        out: Out = None,
        api: Api = HERE,
    ) -> None:
        """Hand out credentials; a password is shown once."""
        if every == bool(devices):
            raise fail("name devices, or say --all")
        if every and out is None:
            raise fail("--all needs --out FILE.csv")
        found = _missing(api) if every else (_hand_out(api, name, rotate=False) for name in devices or [])
        _tell(found, out)

    @credentials.command("rotate")
    def rotate(
        devices: Annotated[list[str], typer.Argument(metavar="DEVICE...")],
        *,
        grace_days: Annotated[float, typer.Option(min=0, max=90, help="For so long the old one goes on at most.")] = 7,
        out: Out = None,
        api: Api = HERE,
    ) -> None:
        """A new credential beside the old one, which ends when the new one is first used."""
        _tell((_hand_out(api, name, rotate=True, grace_s=round(grace_days * 86_400)) for name in devices), out)

    @credentials.command("revoke")
    def revoke(
        device: Device,
        n: Annotated[int | None, typer.Argument(help="Which one; without it, all.")] = None,
        api: Api = HERE,
    ) -> None:
        """It opens nothing from now on; whoever is in by it is dropped within seconds."""
        one = "" if n is None else f"/{n}"
        revoked = ask(api, "DELETE", f"/api/devices/{in_path(device)}/credentials{one}")["revoked"]
        typer.echo(f"revoked: {', '.join(map(str, revoked))}" if revoked else "nothing was live")

    @credentials.command("list")
    def listed(device: Annotated[str | None, typer.Argument(metavar="DEVICE")] = None, api: Api = HERE) -> None:
        """Who has which, and when each was last used."""
        for each in _of_device(api, device) if device else _all(api):
            seen = (
                f"last from {each['last_address']} at {each['last_seen_at']}" if each["last_seen_at"] else "never used"
            )
            until = f" until {each['expires_at']}" if each["state"] == "LIVE" and each["expires_at"] else ""
            typer.echo(f"{each['username']}\t{each['state']}{until}\t{seen}")

    @credentials.command("denied")
    def denied(api: Api = HERE) -> None:
        """What the broker denied to whom, the latest first."""
        for each in ask(api, "GET", "/api/denials")["denied"]:
            typer.echo(f"{each['last_at']}\t{each['device']}\t{each['kind']}\t{each['times']}\t{each['last']}")


def _hand_out(api: str, device: str, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = ask(api, "POST", f"/api/devices/{in_path(device)}/credentials", json=body)
    return found


def _missing(api: str) -> Iterator[dict[str, Any]]:
    after: int | None = 0
    while after is not None:
        page = ask(api, "POST", "/api/credentials", json={"after": after})
        yield from page["credentials"]
        after = page["next"]


def _of_device(api: str, device: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(api, "GET", f"/api/devices/{in_path(device)}/credentials")["credentials"]
    return found


def _all(api: str) -> Iterator[dict[str, Any]]:
    after: str | None = "0.0"
    while after is not None:
        page = ask(api, "GET", f"/api/credentials?after={after}")
        yield from page["credentials"]
        after = page["next"]


def _tell(found: Iterator[dict[str, Any]], out: Path | None) -> None:
    """Each as soon as it is there: what was handed out is never handed out again."""
    if out is None:
        for each in found:
            typer.echo("\n".join(f"{name:<10}{each[name]}" for name in FIELDS[2:]))
        return
    count = 0
    with _private(out) as file:
        rows = csv.DictWriter(file, FIELDS, extrasaction="ignore")
        rows.writeheader()
        for each in found:
            rows.writerow(each)
            file.flush()
            count += 1
    typer.echo(f"{count:,} credentials are in {out}, which only you may read; they are nowhere else.")


@contextmanager
def _private(out: Path) -> Iterator[Any]:
    try:
        opened = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise fail(f"{out} cannot be made: {error.strerror}") from None
    with os.fdopen(opened, "w", newline="") as file:
        yield file
