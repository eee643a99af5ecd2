"""`foremend doctor`: what is wrong with a setup, and what helps."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli._options import Data, data_folder

_LOOKS = {"ok": ("green", "OK"), "warning": ("yellow", "WARNING"), "failed": ("red", "FAILED")}


def register(app: typer.Typer) -> None:
    @app.command("doctor")
    def command(
        data: Data = None,
        *,
        logins: Annotated[
            Path | None, typer.Option("--logins", help="Folder with the roles' passwords: files api, worker, relay.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    ) -> None:
        """Say what is wrong with this setup, with the remedy; exit code 1 if something is.

        Looks at the house on a data folder (foremend up), or at the servers that FOREMEND_DSN and others name; at
        another broker looks foremend bridge ... --check.
        """
        from api.doctor import setup
        from api.doctor.examine import examine
        from api.watch.checks import State, worst

        on_server = data is None and "FOREMEND_DSN" in os.environ
        found = examine(setup.of_server(logins) if on_server else setup.of_folder(data_folder(data)))
        state = worst(found)
        if as_json:
            typer.echo(json.dumps({"status": state, "checks": [asdict(check) for check in found]}, ensure_ascii=False))
        else:
            show(found)
        if state is State.FAILED:
            raise typer.Exit(1)


def show(found: list[Any]) -> None:
    """The words say it, the colour only helps to find it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "part", "finding", "remedy"):
        table.add_column(name, overflow="fold")
    for check in found:
        colour, word = _LOOKS[check.state]
        table.add_row(Text(word, style=colour), check.name, Text(check.sentence), Text(check.remedy))
    Console().print(table)
