"""`foremend devices`: who exists; many at once from a CSV file, one at a time by its id."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import _device
from api.cli._api import ask
from api.cli._device import DeviceId, move, path
from api.cli._options import HERE, Api


def register(app: typer.Typer) -> None:
    devices = typer.Typer(no_args_is_help=True, help="Devices: list, import, export, and what becomes of them.")
    app.add_typer(devices, name="devices")
    for command in (_list, _show, _import, _export, _retire, _activate, _replace, _resell, _place):
        devices.command(command.__name__[1:])(command)
    for one in (_device.register, _device.amend, _device.claim, _device.owners, _device.warranty, _device.history):
        devices.command(one.__name__)(one)


def _list(
    *,
    class_id: Annotated[str | None, typer.Option("--class", help="Only of this class, such as refrigerator.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only this model.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only MADE, CLAIMED, ACTIVE, ...")] = None,
    site: Annotated[str | None, typer.Option("--site", help="Only of this site.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Only this customer's, by id.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Only with this in id, model, serial or place.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    api: Api = HERE,
) -> None:
    """List devices: id, state, class, model, serial, place."""
    said = {"class": class_id, "model": model, "state": state, "site": site, "customer": customer, "text": text}
    asked = {name: value for name, value in said.items() if value is not None}
    told, after = 0, 0
    while told < limit:
        page = ask(api, "GET", "/api/devices", params={**asked, "after": after, "limit": min(500, limit - told)})
        for each in page["devices"]:
            names = ("device_id", "state", "class_id", "model", "serial", "place")
            typer.echo("\t".join(each[name] for name in names))
        told += len(page["devices"])
        if page["next"] is None:
            return
        after = page["next"]


def _show(device_id: DeviceId, *, api: Api = HERE) -> None:
    """Show a device, and what it may become."""
    found = ask(api, "GET", path(device_id))
    for name, value in found.items():
        if value not in (None, "", []):
            typer.echo(f"{name:>16}  {_in_a_line(value)}")


def _in_a_line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_a_line(each)}" for name, each in value.items() if each not in (None, "", []))
    return ", ".join(map(_in_a_line, value)) if isinstance(value, list) else str(value)


def _import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file: device_id, class, model, serial, ...")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    faults: Annotated[Path | None, typer.Option("--faults", help="Write what is wrong into this CSV file.")] = None,
    api: Api = HERE,
) -> None:
    """Register and correct the devices of a CSV file; a bad row takes no other along. Ends with 1 if there was one."""
    from api.cli import _import

    _import.run(api, file, dry_run=dry_run, faults=faults)


def _export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")], *, api: Api = HERE
) -> None:
    """Write all devices into a CSV file that can be imported again."""
    from api.cli import _import

    _import.export(api, file)


def _retire(
    device_id: DeviceId,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")] = "",
    api: Api = HERE,
) -> None:
    """Take a device out of service: what it says is kept, nobody is asked about it."""
    move(api, device_id, {"to": "RETIRED", "reason": reason})


def _activate(device_id: DeviceId, *, api: Api = HERE) -> None:
    """Put a device into service, again or for the first time."""
    move(api, device_id, {"to": "ACTIVE"})


def _replace(
    device_id: DeviceId,
    successor: Annotated[str, typer.Argument(metavar="SUCCESSOR", help="The id of the one that takes its place.")],
    *,
    api: Api = HERE,
) -> None:
    """Let another device stand where this one stood, under its label."""
    move(api, device_id, {"to": "REPLACED", "successor": successor})


def _resell(
    device_id: DeviceId,
    *,
    customer: Annotated[
        str | None, typer.Option("--to", help="The next owner, by id; without it he claims it.")
    ] = None,
    api: Api = HERE,
) -> None:
    """Let a device leave its owner: his links to it end."""
    move(api, device_id, {"to": "RESOLD", "customer": customer})


def _place(
    device_id: DeviceId,
    *,
    gateway: Annotated[
        str | None, typer.Option("--gateway", help="Behind which device; without it, behind none.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="At which site; without it, at none.")] = None,
    api: Api = HERE,
) -> None:
    """Say behind which gateway and at which site a device stands."""
    placed = ask(api, "PUT", f"{path(device_id)}/place", json={"gateway": gateway, "site": site})
    typer.echo(f"{device_id}: gateway {placed['gateway'] or 'none'}, site {placed['site'] or 'none'}")
