"""`foremend catalogue`: what kinds of appliance there are, and whether a file may become one of its rows."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli._options import fail


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Classes and models of appliances: look at them, check files.")
    app.add_typer(group, name="catalogue")

    @group.command("check")
    def check(
        files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Classes, or a tenant's own.")],
    ) -> None:
        """Say what is wrong in files of the catalogue, with line and reason; exit code 1 if something is."""
        from devices import catalogue

        faults = catalogue.check(files)
        for fault in faults:
            typer.echo(str(fault), err=True)
        if faults:
            raise typer.Exit(1)
        typer.echo(f"nothing is wrong with {', '.join(map(str, files))}")

    @group.command("show")
    def show(
        class_id: Annotated[str | None, typer.Argument(metavar="CLASS", help="One of them, whole.")] = None,
    ) -> None:
        """Show the classes, or one of them, as they are with FOREMEND_CATALOGUE for FOREMEND_TENANT."""
        from rich.console import Console

        from api import classes
        from api.cli import _catalogue
        from api.settings import Settings
        from devices.errors import CatalogueError

        settings = Settings.from_environment(dsn="")
        try:
            known = classes.of(settings)
        except CatalogueError as error:
            raise fail(str(error)) from None
        if class_id is not None and class_id not in known:
            raise fail(f"no appliance class {class_id!r}; there are: {', '.join(sorted(known))}")
        tables: list[Any] = (
            [_catalogue.classes(known, settings.tenant)]
            if class_id is None
            else _catalogue.one(known[class_id], settings.tenant)
        )
        console = Console()
        for table in tables:
            console.print(table, "")
