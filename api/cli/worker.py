"""`foremend worker`."""

import typer

from api.cli import _process


def register(app: typer.Typer) -> None:
    @app.command("worker", hidden=True)
    def command() -> None:
        """Read the log, keep the readings, notice trouble (started by foremend up)."""
        from api.worker import run

        _process.run("worker", run.run)
