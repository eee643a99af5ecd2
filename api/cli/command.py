"""`foremend command`: a device is told to do something."""

import json
import re
import time
from typing import Annotated, Any
from uuid import uuid4

import typer

from api.cli._api import ask, in_path
from api.cli._options import HERE, Api, fail
from devices.twin import arguments as typed
from devices.twin.errors import BadCommandError

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LOOK_S = 0.5
_OVER = {"SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"}

Device = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")]


def register(app: typer.Typer) -> None:
    command = typer.Typer(no_args_is_help=True, help="What devices are told to do, and what came of it.")
    app.add_typer(command, name="command")

    @command.command("send")
    def send(
        device: Device,
        name: Annotated[str, typer.Argument(metavar="NAME", help="Such as start_defrost.")],
        arguments: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="JSON, or a text.")] = None,
        *,
        expires: Annotated[str, typer.Option("--expires", help="In 30s, 10m, 1h or 7d.")] = "1h",
        wait: Annotated[bool, typer.Option("--wait", help="Until it is over; exit 1 unless it succeeded.")] = False,
        api: Api = HERE,
    ) -> None:
        """Tell a device to do something. It hears it at once, or when it is back before that expires."""
        body = {"name": name, "arguments": _arguments(arguments or []), "expires_s": _seconds(expires)}
        sent = ask(api, "POST", _path(device), json=body, headers={"Idempotency-Key": str(uuid4())})
        while wait and sent["state"] not in _OVER:
            time.sleep(_LOOK_S)
            sent = ask(api, "GET", f"{_path(device)}/{sent['id']}")
        _tell(sent)
        if wait and sent["state"] != "SUCCEEDED":
            raise typer.Exit(1)

    @command.command("list")
    def listed(
        device: Device,
        *,
        state: Annotated[str | None, typer.Option("--state", help="Only these, such as QUEUED.")] = None,
        limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 20,
        api: Api = HERE,
    ) -> None:
        """A device's commands, newest first."""
        asked = {"limit": limit, **({"state": state.upper()} if state else {})}
        for each in ask(api, "GET", _path(device), params=asked)["commands"]:
            _tell(each)

    @command.command("cancel")
    def cancel(
        device: Device,
        command_id: Annotated[str, typer.Argument(metavar="ID", help="As send and list show it.")],
        *,
        api: Api = HERE,
    ) -> None:
        """Cancel a command that is not over. A device that was told may do it all the same."""
        _tell(ask(api, "DELETE", f"{_path(device)}/{in_path(command_id)}"))


def _path(device: str) -> str:
    return f"/api/devices/{in_path(device)}/commands"


def _arguments(texts: list[str]) -> dict[str, Any]:
    try:
        return typed.read(texts)
    except BadCommandError as error:
        raise fail(str(error)) from None


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,8})([smhd])", text)
    if found is None:
        raise fail(f"{text!r} should read as a span: 30s, 10m, 1h or 7d")
    return int(found[1]) * _UNITS_S[found[2]]


def _tell(command: dict[str, Any]) -> None:
    said = command["error"] or ("" if command["result"] is None else json.dumps(command["result"], ensure_ascii=False))
    if command["late"] is not None:
        said = f"said later: {json.dumps(command['late'], ensure_ascii=False)}"
    typer.echo(f"{command['id']}  {command['state']:<9}  {command['name']}  {said}".rstrip())
