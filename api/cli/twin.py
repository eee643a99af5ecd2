"""`foremend twin`: what a device shall be like, and what it says it is."""

import math
from typing import Annotated, Any

import typer

from api.cli._api import ask, in_path
from api.cli._options import HERE, Api, fail

Device = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")]


def register(app: typer.Typer) -> None:
    twin = typer.Typer(no_args_is_help=True, help="What a device shall be like, and what it says it is.")
    app.add_typer(twin, name="twin")

    @twin.command("show")
    def show(device: Device, *, api: Api = HERE) -> None:
        """Desired and reported state with their versions, firmware and clock."""
        _tell(ask(api, "GET", _path(device)))

    @twin.command("set")
    def put(
        device: Device,
        settings: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="NAME= takes a wish back.")],
        *,
        version: Annotated[
            int | None, typer.Option("--version", min=0, help="The desired version you saw. Default: the one there is.")
        ] = None,
        api: Api = HERE,
    ) -> None:
        """Desire settings of a device: it hears them at once, or when it connects."""
        seen = ask(api, "GET", _path(device))
        kinds = {each["name"]: each["kind"] for each in seen["adjustables"]}
        state = dict(_setting(each, kinds) for each in settings)
        tag = f'"{seen["version"] if version is None else version}"'
        _tell(ask(api, "PATCH", _path(device), json={"state": state}, headers={"If-Match": tag}))


def _path(device: str) -> str:
    return f"/api/devices/{in_path(device)}/twin"


def _setting(text: str, kinds: dict[str, str]) -> tuple[str, Any]:
    """As the setting's kind has it; what is none of them the other side refuses in its own words."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise fail(f"{text!r} should read NAME=VALUE, such as set_point_c=4")
    if not value:
        return name, None
    if kinds.get(name) == "switch" and value in {"true", "false"}:
        return name, value == "true"
    if kinds.get(name) in {"number", "whole"}:
        return name, _number(value)
    return name, value


def _number(text: str) -> int | float | str:
    """The text itself where JSON has no such number."""
    try:
        number = int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return text
    return text if isinstance(number, float) and not math.isfinite(number) else number


def _tell(twin: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    taken = "taken" if twin["lag"] == 0 else f"{twin['lag']} behind"
    rows = {
        "desired": f"version {twin['version']}" + (f", {twin['desired_at']}" if twin["desired_at"] else ""),
        "reported": f"version {twin['reported_version']}, {taken}, {twin['reported_at'] or 'never'}",
        "firmware": twin["firmware"] or "not known",
        "clock": twin["clock"].lower()
        + (f", {twin['clock_offset_ms']} ms" if twin["clock_offset_ms"] is not None else ""),
    }
    if twin["error"]:
        rows["not said"] = twin["error"]
    for name, value in rows.items():
        typer.echo(f"{name:>9}  {value}")
    table = Table("setting", "desired", "reported")
    for name in {**twin["desired"], **twin["reported"]}:
        table.add_row(name, *(str(side[name]) if name in side else "" for side in (twin["desired"], twin["reported"])))
    if table.row_count:
        Console(soft_wrap=True).print(table)
